"""What a request is answered that is still under way when the service has to stop."""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from journal_keys.entrypoints.http.problems import problem

_UNAVAILABLE: Final = 503


class CutShort:
    """ASGI middleware, the outermost: the server cancels such a request, and would say 500 in plain text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or say that whether it is done is unknown."""
        has_begun = False

        async def noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if has_begun or scope["type"] != "http":
                raise
            detail = "the service stops: whether the request took effect is to be looked up"
            await problem(_UNAVAILABLE, detail)(scope, receive, send)
