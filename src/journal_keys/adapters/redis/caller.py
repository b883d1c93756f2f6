"""Questions to Redis, bounded in time and number: one that does not answer costs one time-out, then nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from redis import exceptions
from redis.asyncio import Redis

from journal_keys import events
from journal_keys.adapters.redis.client import TIMEOUT_S
from journal_keys.adapters.redis.counts import Count, Counts
from journal_keys.domain.breaker import Breaker
from journal_keys.domain.errors import PortError
from journal_keys.ports.clock import Clock

FIRST_REST_S: Final = 1.0
LONGEST_REST_S: Final = 30.0
_MOST_AT_ONCE: Final = 32
_DEAD: Final = frozenset({Count.UNREACHABLE, Count.TIMED_OUT, Count.LOADING, Count.DENIED})


class NoAnswerError(PortError):
    """Redis gave no answer that can be used. It never leaves this package."""

    def __init__(self, why: Count) -> None:
        super().__init__(f"Redis gave no answer: {why}")
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Asks through one client, with one breaker for all that goes there."""

    client: Redis
    clock: Clock
    counts: Counts
    breaker: Breaker = field(default_factory=lambda: Breaker(first_rest_s=FIRST_REST_S, longest_rest_s=LONGEST_REST_S))
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MOST_AT_ONCE))
    deadline_s: float = TIMEOUT_S

    async def __call__(self, *words: str | int) -> Any:  # noqa: ANN401 (a spoiled answer may be of any type)
        """Give the answer to one command; through an application's own client, too, within the deadline.

        It is said twice: before Python 3.12 a client that calls `wait_for` with a time-out of its own may not hear it
        the first time (https://github.com/python/cpython/issues/86296). Who cancels the caller is heard, too, at the
        answer at the latest.

        Raises:
            NoAnswerError: there was none; the reason was counted.
        """
        async with self.places:
            return await self._answer(partial(self.client.execute_command, *words))

    async def run(self, ask: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 (likewise)
        """As a call, for a library that asks through the same client.

        Raises:
            NoAnswerError: there was no answer; the reason was counted.
        """
        async with self.places:
            return await self._answer(ask)

    async def soon(self, *words: str | int, place_within_s: float) -> Any:  # noqa: ANN401 (likewise)
        """As a call, and wait no longer than this for a place among those that ask at once.

        Raises:
            NoAnswerError: there was no place or no answer; the reason was counted.
        """
        try:
            async with asyncio.timeout(place_within_s):
                await self.places.acquire()
        except TimeoutError:
            raise self._failed(Count.TIMED_OUT) from None
        try:
            return await self._answer(partial(self.client.execute_command, *words))
        finally:
            self.places.release()

    async def _answer(self, ask: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401 (likewise)
        permit = self.breaker.admit(self.clock.uptime_s())
        if permit is None:
            raise self._failed(Count.RESTING)
        cancelled = _times_cancelled()
        try:
            async with asyncio.timeout(2 * self.deadline_s), asyncio.timeout(self.deadline_s):
                answer = await ask()
            if _times_cancelled() > cancelled:
                raise asyncio.CancelledError  # noqa: TRY301 (the client overheard it)
        except Exception as failure:  # noqa: BLE001 (a spoiled answer makes the parser raise whatever it happens to)
            why = classify(failure)
        except BaseException:
            self.breaker.abandoned(permit)
            raise
        else:
            self.breaker.answered(permit)
            if permit.is_probe:
                events.REDIS_ANSWERS_AGAIN.tell()
            return answer
        if why in _DEAD:
            if not self.breaker.is_open:
                events.REDIS_AWAY.tell(why=why)
            self.breaker.failed(permit, self.clock.uptime_s())
        else:
            self.breaker.answered(permit)
        raise self._failed(why)

    def _failed(self, why: Count) -> NoAnswerError:
        self.counts[why] += 1
        return NoAnswerError(why)


def _times_cancelled() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0


_MEANINGS: Final = (
    ((TimeoutError, exceptions.TimeoutError), Count.TIMED_OUT),
    ((exceptions.BusyLoadingError,), Count.LOADING),
    ((exceptions.AuthenticationError, exceptions.AuthorizationError), Count.DENIED),
    ((exceptions.ConnectionError, OSError), Count.UNREACHABLE),
    ((exceptions.ReadOnlyError,), Count.READ_ONLY),
    ((exceptions.OutOfMemoryError,), Count.FULL),
)
_WORDS: Final = (("WRONGTYPE", Count.WRONG_TYPE), ("READONLY", Count.READ_ONLY), ("OOM", Count.FULL))
"""What a script ran into comes as text of the script's own failure."""


def classify(failure: Exception) -> Count:
    """Say what a failure of the client means."""
    for kinds, meaning in _MEANINGS:
        if isinstance(failure, kinds):
            return meaning
    if not isinstance(failure, exceptions.ResponseError):
        return Count.GARBLED
    return next((meaning for word, meaning in _WORDS if word in str(failure)), Count.REFUSED)
