"""Doors that everybody may go through: plain ASGI, which the framework documents and otherwise stays out of."""

from collections.abc import Iterable
from typing import Any

from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class PlainRoute(APIRoute):
    """What `app` answers, on this path by this method."""

    def __init__(self, method: str, path: str, app: ASGIApp, **documented: Any) -> None:  # noqa: ANN401 (APIRoute's own)
        super().__init__(path, _documented, methods=[method], **documented)
        self._plain = app

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have it answer, where the framework is asked all the same."""
        await self._plain(scope, receive, send)


async def _documented() -> None:
    """Stand for the endpoint in the OpenAPI document."""


async def send_whole(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
    """Send an answer at once; its length is among the headers."""
    start: Message = {"type": "http.response.start", "status": status, "headers": list(headers)}
    await send(start)
    await send({"type": "http.response.body", "body": body})
