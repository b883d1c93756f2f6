"""Calls of a CLI, the stand-in or the real one, before the stand-in server."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.infisical.server import InfisicalServer

FOLDER = "/auth"


class Caller:
    """Calls a program with a token for the server."""

    def __init__(self, program: Path, server: InfisicalServer, folder: Path) -> None:
        self._program = program
        self._env = {
            "INFISICAL_API_URL": server.url,
            "INFISICAL_TOKEN": server.token(),
            "INFISICAL_DISABLE_UPDATE_CHECK": "1",
        }
        self._place = [f"--projectId={server.project_id}", f"--path={FOLDER}", "--silent"]
        self._folder = folder
        (folder / "v.yaml").symlink_to("/proc/self/fd/0")

    def bare(
        self, *argv: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Call with these arguments and variables."""
        done = subprocess.run(
            [self._program, *argv],
            env=self._env | dict(env or {}),
            cwd=self._folder,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=60,
        )
        return subprocess.CompletedProcess(argv, done.returncode, done.stdout.decode(), done.stderr.decode())

    def __call__(
        self, *argv: str, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Call with the project and the folder named."""
        return self.bare(*argv, *self._place, stdin=stdin, env=env)
