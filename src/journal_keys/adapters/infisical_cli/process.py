"""One child process: its own group, nothing inherited, bounded in time and output, gone when the call is over.

A call runs in a thread, so that starting, feeding and reaping a child never holds up an event loop, whichever it is.
"""

import contextlib
import errno
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, TypeAlias

MOST_STDOUT: Final = 1024 * 1024
MOST_STDERR: Final = 64 * 1024
_CHUNK: Final = 64 * 1024
_TICK_S: Final = 0.05
_GRACE_S: Final = 0.2
_SCARCE: Final = frozenset({errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE})

Pipe: TypeAlias = IO[bytes]


class ChildNotStartedError(Exception):
    """The system did not start the program: certainly nothing was done."""


class ChildHeldUpError(ChildNotStartedError):
    """It was for want of something that may be there again: memory, processes, files, or the folder to run in."""


class ChildTimeoutError(Exception):
    """The child did not end in time and was killed: what it did is unknown."""


class ChildFloodError(Exception):
    """The child printed more than the call may and was killed: what it did is unknown."""


class ChildKilledError(Exception):
    """The child was ended by a signal that was not ours: what it did is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """What to run. `data` goes into standard input through a pipe; without it standard input is closed.

    `keeps_stdout` is false where the program prints secrets that nobody needs: they then go nowhere.
    """

    program: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    deadline_s: float
    data: bytes | None = field(default=None, repr=False)
    keeps_stdout: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Finished:
    """How a child ended."""

    exit_code: int
    stdout: bytes = field(repr=False)
    stderr: bytes = field(repr=False)


def run(call: Call, stopped: threading.Event) -> Finished:
    """Run a child to its end. Once `stopped` is set, it is killed within a twentieth of a second.

    Raises:
        ChildNotStartedError, ChildHeldUpError, ChildTimeoutError, ChildFloodError, ChildKilledError: as they say.
    """
    try:
        child = _start(call)
    except OSError as failure:
        kind = ChildHeldUpError if _may_pass(failure, call) else ChildNotStartedError
        raise kind(failure.strerror or type(failure).__name__) from None
    with contextlib.ExitStack() as stack:
        stack.callback(_end, child)
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                stack.callback(_close, pipe)
        stack.callback(_kill_group, child)
        printed = _Conversation(child, call, stopped).hold()
    if child.returncode < 0:
        raise ChildKilledError(signal.Signals(-child.returncode).name)
    return Finished(exit_code=child.returncode, stdout=printed["stdout"], stderr=printed["stderr"])


def _may_pass(failure: OSError, call: Call) -> bool:
    return failure.errno in _SCARCE or failure.filename == call.folder


def _start(call: Call) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 (an absolute, checked path and arguments of our own)
        [call.program, *call.argv],
        stdin=subprocess.DEVNULL if call.data is None else subprocess.PIPE,
        stdout=subprocess.PIPE if call.keeps_stdout else subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=dict(call.environment),
        cwd=call.folder,
        process_group=0,  # no session: the kernel would schedule it as a stranger, late on a busy host
        bufsize=0,
    )


class _Conversation:
    """Feeding and listening until the child has ended and said all."""

    def __init__(self, child: subprocess.Popen[bytes], call: Call, stopped: threading.Event) -> None:
        self._child = child
        self._stopped = stopped
        self._ends_s = time.monotonic() + call.deadline_s
        self._unsent = memoryview(call.data or b"")
        self._heard = {"stdout": bytearray(), "stderr": bytearray()}
        self._most = {"stdout": MOST_STDOUT, "stderr": MOST_STDERR}
        self._selector = selectors.DefaultSelector()

    def hold(self) -> dict[str, bytes]:
        """Converse.

        Raises:
            ChildTimeoutError, ChildFloodError: the child has to be killed.
        """
        with self._selector:
            self._register()
            ended_s: float | None = None
            while self._selector.get_map():
                for key, _ in self._selector.select(self._patience_s()):
                    self._attend(key.data)
                if ended_s is None and _has_ended(self._child):
                    ended_s = time.monotonic()
                if ended_s is not None and time.monotonic() - ended_s > _GRACE_S:
                    break  # the child has ended, and a process that it left behind holds its pipes
        while not _has_ended(self._child):
            time.sleep(min(0.001, self._patience_s()))
        return {name: bytes(heard) for name, heard in self._heard.items()}

    def _register(self) -> None:
        for name, pipe in (("stdout", self._child.stdout), ("stderr", self._child.stderr)):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self._selector.register(pipe, selectors.EVENT_READ, name)
        if self._child.stdin is not None:
            os.set_blocking(self._child.stdin.fileno(), False)
            self._selector.register(self._child.stdin, selectors.EVENT_WRITE, "stdin")

    def _patience_s(self) -> float:
        left_s = self._ends_s - time.monotonic()
        if left_s <= 0 or self._stopped.is_set():
            raise ChildTimeoutError
        return min(_TICK_S, left_s)

    def _attend(self, name: str) -> None:
        if name == "stdin":
            self._feed()
        else:
            self._listen(name)

    def _feed(self) -> None:
        assert self._child.stdin is not None  # noqa: S101 (registered because it is there)
        try:
            self._unsent = self._unsent[os.write(self._child.stdin.fileno(), self._unsent[:_CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unsent = self._unsent[:0]  # the child reads no more: its end says why
        if not self._unsent:
            self._selector.unregister(self._child.stdin)
            self._child.stdin.close()

    def _listen(self, name: str) -> None:
        pipe = self._child.stdout if name == "stdout" else self._child.stderr
        assert pipe is not None  # noqa: S101 (registered because it is there)
        try:
            heard = os.read(pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return
        if not heard:
            self._selector.unregister(pipe)
            return
        self._heard[name] += heard
        if len(self._heard[name]) > self._most[name]:
            raise ChildFloodError(name)


def _has_ended(child: subprocess.Popen[bytes]) -> bool:
    """Whether the child has ended; it is not reaped, so that its process group is still its own."""
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _close(pipe: Pipe) -> None:
    with contextlib.suppress(OSError):
        pipe.close()


def _end(child: subprocess.Popen[bytes]) -> None:
    child.wait()
