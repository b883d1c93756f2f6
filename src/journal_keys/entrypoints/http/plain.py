"""Answers of plain ASGI, without the framework."""

from collections.abc import Iterable

from starlette.types import Message, Send


async def send_whole(send: Send, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
    """Send an answer at once; its length is among the headers."""
    start: Message = {"type": "http.response.start", "status": status, "headers": list(headers)}
    await send(start)
    await send({"type": "http.response.body", "body": body})
