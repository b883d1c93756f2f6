"""Where lines of the log go: one write each, so that those of several processes do not mix."""

import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_MODE: Final = 0o600
_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
"""Nobody is waited for where the name is that of a pipe."""


def moment_of(record: logging.LogRecord) -> str:
    """Give when it was made, as `2026-01-31T17:05:09.000001Z`: the same wherever the record is shown."""
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class LineHandler(logging.Handler):
    """Writes to a descriptor. What cannot be written is lost: the log ends no work, and is not about itself."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._is_torn = False
        self.failure: OSError | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            self._write(self._line(record))
        except OSError as failure:
            self._fail(failure)
        else:
            self.failure = None

    def _line(self, record: logging.LogRecord) -> bytes:
        try:
            text = self.format(record)
        except Exception as error:  # noqa: BLE001 (whatever a library logs, its message may not fit its arguments)
            text = json.dumps(
                {
                    "timestamp": moment_of(record),
                    "level": record.levelname.lower(),
                    "logger": record.name,
                    "event": "log_record_unreadable",
                    "error": type(error).__name__,
                }
            )
        return text.encode("utf-8", "backslashreplace") + b"\n"

    def _write(self, line: bytes) -> None:
        left = b"\n" + line if self._is_torn else line
        while left:
            written = os.write(self._descriptor, left)
            left = left[written:]
            self._is_torn = bool(left)

    def _fail(self, failure: OSError) -> None:
        self.failure = failure


class FileHandler(LineHandler):
    """Writes to a file that can be opened anew, and says once that it cannot be written."""

    def __init__(self, file: Path, tell: Callable[[OSError], None]) -> None:
        self.file = file
        self._tell = tell
        super().__init__(os.open(file, _FLAGS, _MODE))

    def reopen(self) -> bool:
        """Go on in what the name stands for now; where that cannot be opened, go on as before and say so.

        The descriptor stays the same, so that a write which is under way ends in the one file or in the other.
        """
        try:
            opened = os.open(self.file, _FLAGS, _MODE)
        except OSError as failure:
            self._tell(failure)
            return False
        os.dup2(opened, self._descriptor, inheritable=False)
        os.close(opened)
        return True

    def close(self) -> None:
        """Write no more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        super().close()

    def _fail(self, failure: OSError) -> None:
        is_first, self.failure = self.failure is None, failure
        if is_first:
            self._tell(failure)
