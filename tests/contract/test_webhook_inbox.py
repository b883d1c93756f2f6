"""One test per sentence of `ports.webhook_inbox`, for every adapter."""

import asyncio
from datetime import timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.ports.webhook_inbox import KEPT_FOR, WebhookInbox
from tests.support.ledger_contract import Ports

DIGEST, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def inbox(ports: Ports) -> WebhookInbox:
    return ports.inbox


async def test_a_digest_is_taken_once(inbox: WebhookInbox) -> None:
    assert [await inbox.take(DIGEST) for _ in range(3)] == [True, False, False]


async def test_each_digest_is_taken_for_itself(inbox: WebhookInbox) -> None:
    assert [await inbox.take(DIGEST), await inbox.take(OTHER), await inbox.take(DIGEST)] == [True, True, False]


async def test_of_many_calls_at_once_exactly_one_takes_it(inbox: WebhookInbox) -> None:
    taken = await asyncio.gather(*(inbox.take(DIGEST) for _ in range(20)))
    assert sorted(taken) == [False] * 19 + [True]


async def test_a_digest_is_kept_for_its_time_and_what_is_past_it_goes(inbox: WebhookInbox, clock: ManualClock) -> None:
    assert await inbox.take(DIGEST)
    clock.pass_time(KEPT_FOR)
    assert not await inbox.take(DIGEST)
    clock.pass_time(timedelta(seconds=1))
    assert await inbox.take(OTHER)
    assert await inbox.take(DIGEST)
    assert not await inbox.take(OTHER)
