"""Where the scene of a document is set up, and what scenes are made of."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import pytest

from journal_keys.entrypoints.http.doors import JWKS
from tests.support.document_shell import Scene
from tests.support.documents import ROOT
from tests.support.operator import COMMAND, Operator

PATIENT: Final = {"JOURNAL_INFISICAL_CACHE_TTL": "2", "JOURNAL_SIGN_MAX_STALE": "30"}
"""Settings under which W1 is as it is by default, and views outlast a busy machine's pauses."""


@dataclass(kw_only=True)
class Stage:
    """Where a scene is set up."""

    folder: Path
    request: pytest.FixtureRequest
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def rings(self) -> Path:
        """A home with both rings, to be copied."""
        found: Path = self.request.getfixturevalue("rings")
        return found

    def operator(self, *, has_rings: bool = True, **changes: str) -> Operator:
        """Somebody in the embedded profile, whose tokens live for ten minutes."""
        made = Operator(self.folder)
        made.environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "JOURNAL_KEYS_HOME": str(made.home)}
        made.environment |= {**PATIENT, "JOURNAL_JWT_LONGEST_TOKEN": "600", **changes}
        if has_rings:
            shutil.copytree(self.rings, made.home)
        return made

    def scene(self, operator: Operator, **elsewhere: Callable[[Scene], object]) -> Scene:
        """A scene in this folder."""
        return Scene(folder=self.folder, environment=operator.environment, port=free_port(), elsewhere=elsewhere)

    def serve(self, scene: Scene, *words: str) -> None:
        """Start the service at the scene's port, and wait until it answers."""
        self.start(scene, [*COMMAND, "serve", "--port", str(scene.port), *words])
        wait_for(lambda: status_of(scene.port, JWKS) == HTTPStatus.OK)

    def start(self, scene: Scene, command: list[str], **more: str) -> "subprocess.Popen[str]":
        """Start a process that ends with the scene."""
        process = subprocess.Popen(
            command,
            env={**scene.environment, **more},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.stack.callback(process.communicate)
        self.stack.callback(process.kill)
        return process

    def client(self, scene: Scene, verb: str) -> None:
        """Have an application make a token and a ciphertext, or read them."""
        file = str(self.folder.parent / "made.json")
        command = [sys.executable, "-m", "tests.support.a_client", verb, file]
        done = subprocess.run(command, env=scene.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def keeps(self, scene: Scene) -> Scene:
        """What was made before is read when all blocks have run."""
        self.client(scene, "make")
        scene.check = lambda: self.client(scene, "read")
        return scene


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(met: Callable[[], bool]) -> None:
    """Come back when it is so."""
    ends_s = time.monotonic() + 60
    while not met():
        assert time.monotonic() < ends_s
        time.sleep(0.05)


def status_of(port: int, path: str) -> int:
    """The status of a GET, 0 where nobody listens yet."""
    with contextlib.suppress(OSError), contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=20)) as asked:
        asked.request("GET", path)
        return asked.getresponse().status
    return 0


def told_by(port: int, path: str) -> str:
    """The body of the answer to a GET."""
    with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=20)) as asked:
        asked.request("GET", path)
        return asked.getresponse().read().decode("utf-8")
