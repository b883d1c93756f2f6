"""One test per sentence of `ports.replies`, for every adapter."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.ports.replies import KEPT_FOR, IdempotencyConflictError, Replies, Reply
from tests.support.ledger_contract import Ports

ONE = Reply(digest="a" * 64, status=200, body='{"status":"done","reason":"Größe"}')
OTHER = Reply(digest="b" * 64, status=200, body="{}")


@pytest.fixture
def replies(ports: Ports) -> Replies:
    return ports.replies


async def test_a_key_that_was_not_used_has_no_reply_and_stands_for_its_request_from_then_on(replies: Replies) -> None:
    for _ in range(3):
        assert await replies.begin("http:deploy", "k1", ONE.digest) is None
    with pytest.raises(IdempotencyConflictError):
        await replies.begin("http:deploy", "k1", OTHER.digest)
    assert await replies.begin("http:deploy", "k1", ONE.digest) is None


async def test_the_first_reply_is_kept_and_given_from_then_on(replies: Replies) -> None:
    await replies.begin("http:deploy", "k1", ONE.digest)
    assert await replies.keep("http:deploy", "k1", ONE) == ONE
    assert await replies.keep("http:deploy", "k1", replace(ONE, body="{}")) == ONE
    assert await replies.begin("http:deploy", "k1", ONE.digest) == ONE


async def test_a_reply_to_another_request_is_not_kept(replies: Replies) -> None:
    await replies.begin("http:deploy", "k1", ONE.digest)
    with pytest.raises(IdempotencyConflictError):
        await replies.keep("http:deploy", "k1", OTHER)
    assert await replies.keep("http:deploy", "k1", ONE) == ONE
    with pytest.raises(IdempotencyConflictError):
        await replies.begin("http:deploy", "k1", OTHER.digest)


async def test_a_reply_is_kept_where_the_key_was_forgotten_meanwhile(replies: Replies) -> None:
    assert await replies.keep("http:deploy", "k1", ONE) == ONE
    assert await replies.begin("http:deploy", "k1", ONE.digest) == ONE


async def test_each_caller_has_keys_of_its_own(replies: Replies) -> None:
    await replies.keep("http:deploy", "k1", ONE)
    assert await replies.begin("http:watch", "k1", OTHER.digest) is None
    assert await replies.begin("http:deploy", "k2", OTHER.digest) is None
    assert await replies.keep("http:watch", "k1", OTHER) == OTHER


async def test_of_many_requests_at_once_one_has_the_key(replies: Replies) -> None:
    digests = [f"{number:064x}" for number in range(10)]
    begun = await asyncio.gather(
        *(replies.begin("http:deploy", "k1", digest) for digest in digests), return_exceptions=True
    )
    assert begun.count(None) == 1
    assert sum(isinstance(one, IdempotencyConflictError) for one in begun) == 9


async def test_of_many_replies_at_once_all_are_given_the_one_that_is_kept(replies: Replies) -> None:
    made = [replace(ONE, body=str(number)) for number in range(10)]
    given = await asyncio.gather(*(replies.keep("http:deploy", "k1", reply) for reply in made))
    assert len(set(given)) == 1
    assert await replies.begin("http:deploy", "k1", ONE.digest) == given[0]


async def test_a_reply_is_kept_for_its_time_and_then_another_may_be(replies: Replies, clock: ManualClock) -> None:
    await replies.keep("http:deploy", "k1", ONE)
    clock.pass_time(KEPT_FOR)
    assert await replies.begin("http:deploy", "k1", ONE.digest) == ONE
    clock.pass_time(timedelta(seconds=1))
    assert await replies.begin("http:deploy", "k1", OTHER.digest) is None
    assert await replies.keep("http:deploy", "k1", OTHER) == OTHER
