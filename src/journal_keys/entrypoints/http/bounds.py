"""How large a request may be, and how long it and its answer may take."""

import asyncio
from datetime import timedelta
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from journal_keys.domain.errors import PortError, RefusedError

MOST_BYTES: Final = 16 * 1024
ARRIVES_WITHIN_S: Final = 10.0


class BodyTooLargeError(RefusedError):
    """The body is, or is declared to be, too large."""


class BodyTooSlowError(RefusedError):
    """The body did not arrive in time."""


class CallerGoneError(RefusedError):
    """The caller hung up before the end of the body, and reads no answer."""


class TookTooLongError(PortError):
    """There was no answer in time."""


class BodyBounds:
    """ASGI application that has another serve, and gives it a bounded body.

    Raises:
        BodyTooLargeError, BodyTooSlowError: also where the other one asks for more of the body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or refuse it."""
        if _declared(scope) > MOST_BYTES:
            raise _too_large()
        await self._app(scope, _Body(receive).part, send)


class Within:
    """ASGI application that has another serve within this time.

    Raises:
        TookTooLongError: it did not, and was broken off.
    """

    def __init__(self, app: ASGIApp, longest: timedelta) -> None:
        self._app = app
        self._longest_s = longest.total_seconds()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or break it off."""
        limit = asyncio.timeout(self._longest_s)
        try:
            async with limit:
                await self._app(scope, receive, send)
        except TimeoutError:
            if not limit.expired():
                raise
            raise TookTooLongError(
                f"this took longer than {self._longest_s:g} s: whether the request took effect is to be looked up"
            ) from None


class _Body:
    """The parts of one body."""

    __slots__ = ("_is_complete", "_receive", "_taken", "_until_s")

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._taken = 0
        self._is_complete = False
        self._until_s = asyncio.get_running_loop().time() + ARRIVES_WITHIN_S

    async def part(self) -> Message:
        """Give the next part; what comes after the last one, that the caller hangs up, may take its time."""
        if self._is_complete:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until_s):
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlowError(f"a body arrives within {ARRIVES_WITHIN_S:g} s") from None
        self._taken += len(message.get("body", b""))
        if self._taken > MOST_BYTES:
            raise _too_large()
        self._is_complete = not message.get("more_body", False)
        return message


def _too_large() -> BodyTooLargeError:
    return BodyTooLargeError(f"a body has at most {MOST_BYTES} bytes")


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
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
