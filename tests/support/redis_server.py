"""A real `redis-server` that belongs to a test: on loopback, without persistence, as a user without rights."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final, Self

BINARY: Final = shutil.which("redis-server")
NOT_CHECKED: Final = "not checked: Redis. There is no redis-server on PATH; scripts/install-servers installs it."

_UNPRIVILEGED: Final = ("--reuid=nobody", "--regid=nogroup", "--clear-groups") if not os.geteuid() else ()
_LAUNCHER: Final = ("setpriv", "--pdeathsig=KILL", *_UNPRIVILEGED)
"""Before the server: it has no rights, and does not outlive a run of tests that is killed."""
_STARTS_WITHIN_S: Final = 20.0
_TRIES: Final = 5


class RedisServer:
    """Started by `start`, killed by `stop`; both may be repeated, and port and socket stay the same.

    What it is configured with goes through its standard input, so that no password is on a command line.
    """

    def __init__(self, *settings: str) -> None:
        self._settings = settings
        self._folder = Path(tempfile.mkdtemp(prefix="jk-redis-"))
        if not os.geteuid():
            shutil.chown(self._folder, "nobody", "nogroup")
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def socket_file(self) -> Path:
        """The Unix socket where it listens, too."""
        return self._folder / "s"

    @property
    def socket_url(self) -> str:
        """The same as a URL."""
        return f"unix://{self.socket_file}?db=0"

    @property
    def folder(self) -> Path:
        """Where it would write files."""
        return self._folder

    def start(self, *more: str) -> Self:
        """Start, and come back when it answers; `more` settings hold for this start."""
        for _ in range(_TRIES):
            port = self.port or _free_port()
            if self._started(port, more):
                self.port = port
                return self
        raise AssertionError("redis-server does not start")

    def stop(self) -> None:
        """Kill it, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Stop it in the midst of whatever it does: connections stay, and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _started(self, port: int, more: tuple[str, ...]) -> bool:
        assert BINARY is not None, NOT_CHECKED
        self._process = subprocess.Popen(
            [*_LAUNCHER, BINARY, "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
        )
        assert self._process.stdin is not None
        lines = (
            f"port {port}",
            "bind 127.0.0.1",
            f"unixsocket {self.socket_file}",
            "unixsocketperm 700",
            f"dir {self._folder}",
            'save ""',
            "appendonly no",
            "daemonize no",
            *self._settings,
            *more,
        )
        with self._process.stdin as told:
            told.write("\n".join(lines).encode() + b"\n")
        return self._answers(port)

    def _answers(self, port: int) -> bool:
        assert self._process is not None
        ends_s = time.monotonic() + _STARTS_WITHIN_S
        while self._process.poll() is None and time.monotonic() < ends_s:
            if _is_redis(port):
                return True
            time.sleep(0.01)
        self.stop()  # the port was taken meanwhile, or the configuration is wrong
        return False


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _is_redis(port: int) -> bool:
    """Whether something there answers PING as Redis does, be it that a password is wanted or data are loaded."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as asked:
            asked.sendall(b"PING\r\n")
            return asked.recv(64).startswith((b"+PONG", b"-NOAUTH", b"-LOADING"))
    except OSError:
        return False
