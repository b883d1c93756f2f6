"""How large a request may be: the framework's own limit answers a declared length in plain text, not as a Problem."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from journal_keys.entrypoints.http.problems import problem

TOO_LARGE = 413


class BodyLimit:
    """ASGI middleware that answers 413 to a body that is, or is declared to be, larger than `most` bytes."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or refuse it."""
        if scope["type"] == "http" and _declared(scope) > self._most:
            await problem(TOO_LARGE, f"a body has at most {self._most} bytes")(scope, receive, send)
            return
        await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._most:
                raise HTTPException(TOO_LARGE, f"a body has at most {self._most} bytes")
            return message

        return counted


def _declared(scope: Scope) -> int:
    try:
        return int(Headers(scope=scope).get("content-length", "0"))
    except ValueError:
        return 0
