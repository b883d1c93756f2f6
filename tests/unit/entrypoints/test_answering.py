"""Every request gets one answer: refused, cut short, broken or in time."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from journal_keys.domain.errors import UnknownKeyError
from journal_keys.domain.rates import Asked, Rate, TooManyRequestsError
from journal_keys.entrypoints.http.answering import HEADERS, NOT_KEPT, Answering
from journal_keys.entrypoints.http.bounds import Bounds, TookTooLongError, whole

MINUTE: Final = timedelta(seconds=60)
SOON: Final = timedelta(milliseconds=20)
REQUEST: Final[Scope] = {"type": "http", "method": "POST", "path": "/", "headers": []}
BEGUN: Final[Message] = {"type": "http.response.start", "status": 200, "headers": []}


async def cancelled(*, begins: bool, scope: Scope = REQUEST) -> tuple[asyncio.Task[None], list[Message]]:
    """A task that served a request until it was cancelled, and what was sent."""
    sent, waits = list[Message](), asyncio.Event()

    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        if begins:
            await send(dict(BEGUN))
        waits.set()
        await asyncio.Event().wait()

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def serve() -> None:
        await Answering(application)(scope, receive, send)

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
    assert [message["type"] for message in sent] == [BEGUN["type"]] * begins


async def answered(
    application: ASGIApp, headers: Sequence[tuple[bytes, bytes]] = ()
) -> tuple[list[Message], Exception | None]:
    """What was sent, and what came out of it."""
    sent = list[Message]()

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    try:
        await Answering(application)({**REQUEST, "headers": list(headers)}, receive, send)
    except Exception as failure:  # noqa: BLE001 (it is looked at)
        return sent, failure
    return sent, None


@pytest.mark.parametrize("failure", [ZeroDivisionError(), TimeoutError()])
async def test_what_breaks_is_a_500_without_a_word_of_what_broke_and_goes_on_to_the_log(failure: Exception) -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise failure

    sent, raised = await answered(broken)
    assert raised is failure
    assert (sent[0]["status"], json.loads(sent[1]["body"])["detail"]) == (500, "an unexpected error; the log names it")
    assert set(HEADERS) <= set(sent[0]["headers"])


async def test_what_breaks_in_the_middle_of_its_answer_gets_no_second_one() -> None:
    async def broken(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(dict(BEGUN))
        raise UnknownKeyError("no such key")

    sent, raised = await answered(broken)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert isinstance(raised, UnknownKeyError)


async def test_a_refusal_is_answered_by_the_table_of_errors() -> None:
    async def refusing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise TooManyRequestsError(Asked.ADMIN, Rate.parse("5/minute"))

    sent, raised = await answered(refusing)
    assert raised is None
    assert sent[0]["status"] == 429
    assert (b"retry-after", b"60") in sent[0]["headers"]


@pytest.mark.parametrize("kept", [(), ((b"cache-control", b"public, max-age=5"),)])
async def test_every_answer_has_the_same_headers_and_is_kept_by_nobody_unless_it_says_so(
    kept: Sequence[tuple[bytes, bytes]],
) -> None:
    async def plain(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({**BEGUN, "headers": list(kept)})

    sent, _ = await answered(plain)
    assert sorted(sent[0]["headers"]) == sorted([*HEADERS, *(kept or [NOT_KEPT])])


async def test_what_takes_too_long_is_broken_off_and_its_effect_called_unknown() -> None:
    ended = list[str]()

    async def slow(_scope: Scope, receive: Receive, _send: Send) -> None:
        await receive()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("broken off")

    sent, _ = await answered(Bounds(slow, timedelta(milliseconds=20)))
    assert (sent[0]["status"], ended) == (503, ["broken off"])
    assert b"whether the request took effect" in sent[1]["body"]


async def test_a_time_out_of_the_application_s_own_is_not_taken_for_ours() -> None:
    async def impatient(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise TimeoutError

    sent, raised = await answered(Bounds(impatient, MINUTE))
    assert (sent[0]["status"], type(raised)) == (500, TimeoutError)


async def test_a_body_that_comes_too_slowly_is_a_408() -> None:
    pieces = iter([b"a", b"b"])

    async def dripping() -> Message:
        for piece in pieces:
            return {"type": "http.request", "body": piece, "more_body": True}
        await asyncio.Event().wait()
        raise AssertionError

    async def reading(_scope: Scope, receive: Receive, _send: Send) -> None:
        await whole(receive)

    sent = list[Message]()

    async def send(message: Message) -> None:
        sent.append(message)

    await Answering(Bounds(reading, MINUTE, SOON))(REQUEST, dripping, send)
    assert sent[0]["status"] == 408


async def test_a_request_may_take_its_time_once_its_body_is_complete() -> None:
    told = list[str]()

    async def waiting(_scope: Scope, receive: Receive, _send: Send) -> None:
        await receive()
        await asyncio.sleep(5 * SOON.total_seconds())
        told.append((await receive())["type"])

    messages = iter([{"type": "http.request"}, {"type": "http.disconnect"}])

    async def receive() -> Message:
        return next(messages)

    async def send(_message: Message) -> None:
        raise AssertionError

    await Bounds(waiting, MINUTE, SOON)(REQUEST, receive, send)
    assert told == ["http.disconnect"]


@pytest.mark.parametrize(
    ("declared", "is_refused"),
    [(b"16384", False), (b"16385", True), (b"9" * 30, True), (b"9" * 5000, False), (b"x", False)],
)
async def test_a_body_that_is_declared_too_large_is_not_waited_for(declared: bytes, is_refused: bool) -> None:  # noqa: FBT001 (a row)
    async def plain(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send(dict(BEGUN))

    sent, _ = await answered(Bounds(plain, MINUTE), [(b"content-length", declared)])
    assert sent[0]["status"] == (413 if is_refused else 200)


async def test_what_is_done_behind_an_answer_is_broken_off_too_and_the_answer_stands() -> None:
    done = list[str]()

    async def answers_first(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(dict(BEGUN))
        await send({"type": "http.response.body", "body": b"ok"})
        await asyncio.sleep(60)
        done.append("behind it")

    sent, raised = await answered(Bounds(answers_first, timedelta(milliseconds=20)))
    assert [message.get("status") for message in sent] == [200, None]
    assert (type(raised), done) == (TookTooLongError, [])
