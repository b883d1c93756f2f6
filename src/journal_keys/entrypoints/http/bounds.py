"""How large a request may be, and how long it and its answer may take."""

import asyncio
from datetime import timedelta
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from journal_keys.domain.errors import PortError, RefusedError

MOST_BYTES: Final = 16 * 1024
ARRIVES_WITHIN: Final = timedelta(seconds=10)
_LOOK_S: Final = 0.25


class BodyTooLargeError(RefusedError):
    """The body is, or is declared to be, too large."""


class BodyTooSlowError(RefusedError):
    """The body did not arrive in time."""


class CallerGoneError(RefusedError):
    """The caller hung up before the end of the body, and reads no answer."""


class TookTooLongError(PortError):
    """There was no answer in time."""


class Bounds:
    """ASGI application that has another serve: its body, and the time that it takes, are bounded.

    Raises:
        BodyTooLargeError, BodyTooSlowError: also where the other one asks for more of the body.
        TookTooLongError: there was no answer in time; what was done for it was broken off.
    """

    def __init__(self, app: ASGIApp, within: timedelta, arrives_within: timedelta = ARRIVES_WITHIN) -> None:
        self._app = app
        self._within_s = within.total_seconds()
        self._arrives_within_s = min(arrives_within, within).total_seconds()
        self._watch = _Watch(min(_LOOK_S, self._arrives_within_s / 4))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or refuse it. What is done behind the answer belongs to it."""
        if _declared(scope) > MOST_BYTES:
            raise _too_large()
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 (this is a coroutine that runs)
        now_s = loop.time()
        request = _Request(task, receive, now_s + self._arrives_within_s, now_s + self._within_s)
        self._watch.begin(request, loop)
        try:
            await self._app(scope, request.receive, send)
        except asyncio.CancelledError:
            if not request.is_late or task.uncancel() > request.cancelled_before:
                raise
            raise self._lateness(request) from None
        finally:
            self._watch.end(request)

    def _lateness(self, request: "_Request") -> BodyTooSlowError | TookTooLongError:
        """Say what was too slow."""
        if not request.is_complete:
            return BodyTooSlowError(f"a body arrives within {self._arrives_within_s:g} s")
        return TookTooLongError(
            f"this took longer than {self._within_s:g} s: whether the request took effect is to be looked up"
        )


class _Request:
    """One request: how much of its body has come, and until when it is to be answered."""

    __slots__ = (
        "_receive",
        "_taken",
        "_task",
        "_whole_until_s",
        "cancelled_before",
        "is_complete",
        "is_late",
        "until_s",
    )

    def __init__(self, task: asyncio.Task[Any], receive: Receive, body_until_s: float, whole_until_s: float) -> None:
        self._task = task
        self._receive = receive
        self._taken = 0
        self._whole_until_s = whole_until_s
        self.cancelled_before = task.cancelling()
        self.until_s = body_until_s
        self.is_complete = self.is_late = False

    async def receive(self) -> Message:
        """Give the next part of the body; what comes after the last one is that the caller hangs up."""
        message = await self._receive()
        if self.is_complete:
            return message
        self._taken += len(message.get("body", b""))
        if self._taken > MOST_BYTES:
            raise _too_large()
        if not message.get("more_body", False):
            self.is_complete = True
            self.until_s = self._whole_until_s
        return message

    def break_off(self) -> None:
        """Have it end, and say why."""
        self.is_late = True
        self.until_s = float("inf")
        self._task.cancel()


class _Watch:
    """Looks now and then for requests past their time: a timer for each would cost more than many of the answers."""

    def __init__(self, look_s: float) -> None:
        self._look_s = look_s
        self._served: set[_Request] = set()
        self._looking: asyncio.AbstractEventLoop | None = None

    def begin(self, request: _Request, loop: asyncio.AbstractEventLoop) -> None:
        """Look after this one."""
        self._served.add(request)
        if self._looking is not loop:
            self._looking = loop
            loop.call_later(self._look_s, self._look)

    def end(self, request: _Request) -> None:
        """It was served."""
        self._served.discard(request)

    def _look(self) -> None:
        if self._looking is None or not self._served:
            self._looking = None
            return
        now_s = self._looking.time()
        for request in self._served:
            if now_s >= request.until_s:
                request.break_off()
        self._looking.call_later(self._look_s, self._look)


def _too_large() -> BodyTooLargeError:
    return BodyTooLargeError(f"a body has at most {MOST_BYTES} bytes")


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            try:
                return int(value)
            except ValueError:  # no number, or one of thousands of digits: what arrives is counted
                return 0
    return 0


async def whole(receive: Receive) -> bytes:
    """Give the whole body.

    Raises:
        CallerGoneError: there is no more of it.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise CallerGoneError("the request cannot be read")
    return body
