"""What every request is given, whatever happens inside: one answer, with headers that are strict by default."""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from journal_keys.domain.errors import JournalKeysError
from journal_keys.entrypoints.http.problems import problem, problem_of

HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
NOT_KEPT: Final = (b"cache-control", b"no-store")
_ALL: Final = (*HEADERS, NOT_KEPT)
_UNAVAILABLE: Final = 503
_BROKEN: Final = 500


class Answering:
    """ASGI application that has another answer, the outermost; its errors are answered by the one table."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request; say so where it is refused, the service stops, or something is broken."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def framed(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                _complete(message)
            await send(message)

        try:
            await self._app(scope, receive, framed)
        except JournalKeysError as failure:
            if has_begun:
                raise
            await problem_of(failure)(scope, receive, framed)
        except asyncio.CancelledError:  # how the server ends what is under way when it stops
            if has_begun:
                raise
            detail = "the service stops: whether the request took effect is to be looked up"
            await problem(_UNAVAILABLE, detail)(scope, receive, framed)
        except Exception:  # the server logs it
            if not has_begun:
                await problem(_BROKEN, "an unexpected error; the log names it")(scope, receive, framed)
            raise


def _complete(message: Message) -> None:
    headers = message.get("headers", ())
    given = {name for name, _ in headers}
    message["headers"] = [*headers, *(one for one in _ALL if one[0] not in given)]
