"""A command in a pseudo-terminal: what it wrote so far, and the keys that somebody presses there."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from tests.support.canary.watch import WATCH

_LONGEST_S: Final = 60


@dataclass(slots=True)
class Terminal:
    """One command and its terminal."""

    process: "subprocess.Popen[bytes]"
    _ours: int
    _written: bytearray = field(default_factory=bytearray)

    def text(self) -> str:
        """All that was written so far, escape sequences included."""
        return self.written().decode("utf-8", "replace")

    def written(self) -> bytes:
        """The same as it was written."""
        return bytes(self._written)

    def size(self) -> int:
        """How many characters that are."""
        return len(self.text())

    def shows(self, wanted: str, *, since: int = 0, within_s: float = _LONGEST_S) -> float:
        """Wait until this was written after so many characters, and give how long that took."""
        begun_s = time.monotonic()
        while wanted not in self.text()[since:]:
            assert time.monotonic() - begun_s < within_s, self.text()[-3000:]
            time.sleep(0.02)
        return time.monotonic() - begun_s

    def press(self, keys: bytes) -> None:
        """Type."""
        os.write(self._ours, keys)

    @property
    def is_there(self) -> bool:
        """Whether it was not taken away."""
        return self._ours >= 0

    def hang_up(self) -> None:
        """Take the terminal away."""
        os.close(self._ours)
        self._ours = -1

    def end(self) -> int:
        """Wait for its end, and give the exit code."""
        return self.process.wait(_LONGEST_S)

    def read(self) -> None:
        """Keep what is written until there is nobody who could."""
        while True:
            try:
                piece = os.read(self._ours, 65_536)
            except OSError:
                return
            if not piece:
                return
            self._written += piece


@contextmanager
def in_terminal(
    command: list[str], environment: Mapping[str, str], *, columns: int = 120, rows: int = 60
) -> Iterator[Terminal]:
    """Start it there, as the foreground process; kill it at the end if it still runs."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with subprocess.Popen(
        ["setsid", "--ctty", "--wait", *command], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        terminal = Terminal(process, ours)
        reader = threading.Thread(target=terminal.read, daemon=True)
        reader.start()
        try:
            yield terminal
        finally:
            process.kill()
            process.wait()
            reader.join(5)
            WATCH.show("a terminal", terminal.written())
            if terminal.is_there:
                os.close(ours)
