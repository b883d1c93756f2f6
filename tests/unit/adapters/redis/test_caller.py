"""What failures of the client mean, which of them make Redis be left alone, and how long an answer is waited for."""

import asyncio
from collections import Counter
from contextlib import suppress

import pytest
from redis import exceptions

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.redis.caller import Caller, NoAnswerError, classify
from journal_keys.adapters.redis.client import make_client
from journal_keys.adapters.redis.counts import Count
from tests.support.shared import START

FAILURES: dict[str, tuple[Exception, Count]] = {
    "our deadline": (TimeoutError(), Count.TIMED_OUT),
    "the client's": (exceptions.TimeoutError(), Count.TIMED_OUT),
    "loading": (exceptions.BusyLoadingError(), Count.LOADING),
    "no password": (exceptions.AuthenticationError("NOAUTH"), Count.DENIED),
    "no connection": (exceptions.ConnectionError(), Count.UNREACHABLE),
    "too many connections": (exceptions.MaxConnectionsError(), Count.UNREACHABLE),
    "the system's": (ConnectionResetError(), Count.UNREACHABLE),
    "a replica": (exceptions.ReadOnlyError(), Count.READ_ONLY),
    "a script on a replica": (
        exceptions.ResponseError("ERR Error running script: -READONLY You"),
        Count.READ_ONLY,
    ),
    "full": (exceptions.OutOfMemoryError(), Count.FULL),
    "a script where it is full": (exceptions.ResponseError("ERR Error running script: -OOM command"), Count.FULL),
    "a wrong type": (exceptions.ResponseError("WRONGTYPE Operation against"), Count.WRONG_TYPE),
    "no right to a command": (exceptions.NoPermissionError("NOPERM"), Count.REFUSED),
    "another slot": (exceptions.MovedError("1 127.0.0.1:7000"), Count.REFUSED),
    "an unknown command": (exceptions.ResponseError("unknown command"), Count.REFUSED),
    "a broken protocol": (exceptions.InvalidResponse("?"), Count.GARBLED),
    "what a parser runs into": (ValueError("?"), Count.GARBLED),
    "what another runs into": (IndexError("?"), Count.GARBLED),
}


@pytest.mark.parametrize(("failure", "meaning"), FAILURES.values(), ids=FAILURES)
def test_every_failure_has_a_meaning(failure: Exception, meaning: Count) -> None:
    assert classify(failure) is meaning


async def deaf_once() -> None:
    """Wait for ever, and overhear the first word that nobody wants the answer, as `wait_for` may before Python 3.12."""
    never = asyncio.Event()
    with suppress(asyncio.CancelledError):
        await never.wait()
    await never.wait()


async def test_a_client_that_overhears_the_deadline_is_told_again() -> None:
    async with make_client("redis://localhost:1") as client:
        call = Caller(client=client, clock=ManualClock(START), counts=Counter(), deadline_s=0.01)
        async with asyncio.timeout(5):
            with pytest.raises(NoAnswerError):
                await call.run(deaf_once)
        assert (call.counts, call.breaker.is_open) == ({Count.TIMED_OUT: 1}, True)


async def overhears(begun: asyncio.Event) -> str:
    """Answer nevertheless, as `wait_for` may before Python 3.12."""
    begun.set()
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    return "an answer"


async def test_who_is_cancelled_ends_though_the_client_overheard_it() -> None:
    begun = asyncio.Event()
    async with make_client("redis://localhost:1") as client:
        call = Caller(client=client, clock=ManualClock(START), counts=Counter(), deadline_s=5)
        asking = asyncio.create_task(call.run(lambda: overhears(begun)))
        await begun.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert (call.counts, call.breaker.is_open) == ({}, False)
