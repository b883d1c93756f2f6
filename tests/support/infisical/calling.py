"""Calls of a CLI, the stand-in or the real one, before the stand-in server."""

import subprocess
from pathlib import Path

from tests.support.infisical.server import InfisicalServer

FOLDER = "/auth"


class Caller:
    """Calls a program with a token for the server."""

    def __init__(self, program: Path, server: InfisicalServer, folder: Path) -> None:
        self._program = program
        self._env = {"INFISICAL_API_URL": server.url, "INFISICAL_TOKEN": server.token()}
        self._place = [f"--projectId={server.project_id}", f"--path={FOLDER}", "--silent"]
        self._folder = folder
        (folder / "v.yaml").symlink_to("/proc/self/fd/0")

    def bare(self, *argv: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [self._program, *argv],
            env=self._env,
            cwd=self._folder,
            input=stdin,
            capture_output=True,
            check=False,
            timeout=60,
        )
        return subprocess.CompletedProcess(argv, done.returncode, done.stdout.decode(), done.stderr.decode())

    def __call__(self, *argv: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[str]":
        return self.bare(*argv, *self._place, stdin=stdin)
