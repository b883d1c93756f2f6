"""One test per sentence of `ports.replies`, for every adapter."""

import asyncio
from datetime import timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.ports.replies import KEPT_FOR, Replies, Reply
from tests.support.ledger_contract import Ports

ONE = Reply(digest="a" * 64, status=200, body='{"status":"done","reason":"Größe"}')
OTHER = Reply(digest="b" * 64, status=200, body="{}")


@pytest.fixture
def replies(ports: Ports) -> Replies:
    return ports.replies


async def test_where_nothing_was_kept_there_is_nothing(replies: Replies) -> None:
    assert await replies.recall("http:deploy", "k1") is None


async def test_the_first_reply_is_kept_and_given_from_then_on(replies: Replies) -> None:
    assert await replies.keep("http:deploy", "k1", ONE) == ONE
    assert await replies.keep("http:deploy", "k1", OTHER) == ONE
    assert await replies.recall("http:deploy", "k1") == ONE


async def test_each_caller_has_keys_of_its_own(replies: Replies) -> None:
    await replies.keep("http:deploy", "k1", ONE)
    assert await replies.recall("http:watch", "k1") is None
    assert await replies.recall("http:deploy", "k2") is None
    assert await replies.keep("http:watch", "k1", OTHER) == OTHER


async def test_of_many_at_once_all_are_given_the_one_that_is_kept(replies: Replies) -> None:
    made = [Reply(digest=f"{number:064x}", status=200, body=str(number)) for number in range(10)]
    given = await asyncio.gather(*(replies.keep("http:deploy", "k1", reply) for reply in made))
    assert len(set(given)) == 1
    assert await replies.recall("http:deploy", "k1") == given[0]


async def test_a_reply_is_kept_for_its_time_and_then_another_may_be(replies: Replies, clock: ManualClock) -> None:
    await replies.keep("http:deploy", "k1", ONE)
    clock.pass_time(KEPT_FOR)
    assert await replies.recall("http:deploy", "k1") == ONE
    clock.pass_time(timedelta(seconds=1))
    assert await replies.recall("http:deploy", "k1") is None
    assert await replies.keep("http:deploy", "k1", OTHER) == OTHER
