"""One test per sentence of `ports.webhook_inbox`, for every adapter."""

import asyncio
from datetime import timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.webhook_inbox import RememberingInbox
from journal_keys.ports.ledger import LedgerUnavailableError
from journal_keys.ports.webhook_inbox import KEPT_FOR, WebhookInbox
from tests.support.ledger_contract import Ports

DIGEST, OTHER = "a" * 64, "b" * 64


@pytest.fixture(params=["as it is", "behind a process's memory"])
def inbox(ports: Ports, request: pytest.FixtureRequest) -> WebhookInbox:
    return ports.inbox if request.param == "as it is" else RememberingInbox(ports.inbox)


async def test_a_digest_is_taken_once(inbox: WebhookInbox) -> None:
    assert [await inbox.take(DIGEST) for _ in range(3)] == [True, False, False]


async def test_each_digest_is_taken_for_itself(inbox: WebhookInbox) -> None:
    assert [await inbox.take(DIGEST), await inbox.take(OTHER), await inbox.take(DIGEST)] == [True, True, False]


async def test_of_many_calls_at_once_exactly_one_takes_it(inbox: WebhookInbox) -> None:
    taken = await asyncio.gather(*(inbox.take(DIGEST) for _ in range(20)))
    assert sorted(taken) == [False] * 19 + [True]


async def test_a_digest_is_kept_for_its_time(inbox: WebhookInbox, clock: ManualClock) -> None:
    assert await inbox.take(DIGEST)
    clock.pass_time(KEPT_FOR)
    assert not await inbox.take(DIGEST)


async def test_in_the_ledger_what_is_past_its_time_goes(ports: Ports, clock: ManualClock) -> None:
    inbox = ports.inbox
    assert await inbox.take(DIGEST)
    clock.pass_time(KEPT_FOR)
    clock.pass_time(timedelta(seconds=1))
    assert await inbox.take(OTHER)
    assert await inbox.take(DIGEST)
    assert not await inbox.take(OTHER)


class CountedInbox(WebhookInbox):
    """Counts how often it is asked, and forgets nothing; now and then it gives no answer."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.asked = 0
        self.is_down = False

    async def take(self, digest: str) -> bool:
        self.asked += 1
        if self.is_down:
            raise LedgerUnavailableError("no answer")
        is_first = digest not in self.taken
        self.taken.add(digest)
        return is_first


async def test_a_process_that_remembers_asks_once_for_each_digest_also_where_another_took_it() -> None:
    shared = CountedInbox()
    shared.taken.add(OTHER)
    inbox = RememberingInbox(shared)
    for is_first in (True, False, False):
        assert [await inbox.take(digest) for digest in (DIGEST, OTHER)] == [is_first, False]
    assert shared.asked == 2


async def test_a_process_remembers_nothing_that_was_not_answered() -> None:
    shared = CountedInbox()
    inbox, shared.is_down = RememberingInbox(shared), True
    with pytest.raises(LedgerUnavailableError):
        await inbox.take(DIGEST)
    shared.is_down = False
    assert await inbox.take(DIGEST)


async def test_what_a_process_remembers_is_bounded_and_the_oldest_goes_first() -> None:
    shared = CountedInbox()
    inbox = RememberingInbox(shared)
    for number in range(1025):
        await inbox.take(f"{number:064x}")
    asked = shared.asked
    assert not await inbox.take(f"{1:064x}")
    assert shared.asked == asked
    assert not await inbox.take(f"{0:064x}")
    assert shared.asked == asked + 1
