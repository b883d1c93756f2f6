"""A request that the server cancels is answered, unless its answer has begun."""

import asyncio
from typing import Final

import pytest
from starlette.types import Message, Receive, Scope, Send

from journal_keys.entrypoints.http.cut_short import CutShort

REQUEST: Final[Scope] = {"type": "http", "method": "POST", "path": "/", "headers": []}
BEGUN: Final[Message] = {"type": "http.response.start", "status": 200, "headers": []}


async def cancelled(*, begins: bool, scope: Scope = REQUEST) -> tuple[asyncio.Task[None], list[Message]]:
    """A task that served a request until it was cancelled, and what was sent."""
    sent, waits = list[Message](), asyncio.Event()

    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        if begins:
            await send(BEGUN)
        waits.set()
        await asyncio.Event().wait()

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def serve() -> None:
        await CutShort(application)(scope, receive, send)

    task = asyncio.create_task(serve())
    await waits.wait()
    task.cancel()
    await asyncio.wait({task})
    return task, sent


async def test_a_request_that_is_cut_short_is_told_that_its_effect_is_unknown() -> None:
    task, sent = await cancelled(begins=False)
    assert task.exception() is None
    assert sent[0]["status"] == 503
    assert (b"content-type", b"application/problem+json") in sent[0]["headers"]
    assert b"whether the request took effect" in sent[1]["body"]


@pytest.mark.parametrize(("begins", "scope"), [(True, REQUEST), (False, {"type": "lifespan"})])
async def test_an_answer_that_has_begun_is_broken_off_and_a_lifespan_is_none(begins: bool, scope: Scope) -> None:  # noqa: FBT001 (a row)
    task, sent = await cancelled(begins=begins, scope=scope)
    assert task.cancelled()
    assert sent == [BEGUN] * begins
