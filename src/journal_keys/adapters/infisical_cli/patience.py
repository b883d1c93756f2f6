"""How often, and for how long, a read is tried again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from journal_keys import events
from journal_keys.adapters.infisical_cli.failures import LONGEST_WAIT_S, CallFailedError, Failure
from journal_keys.ports.clock import Clock
from journal_keys.ports.entropy import Entropy

T = TypeVar("T")
LONGEST_S: Final = 10.0
_BUSY_JITTER_S: Final = 2.0
UNTOLD_WAIT_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """At most `retries` more tries within ten seconds, the first after about `delay_s`, each after twice as long.

    A server that says how long it wants to be left alone is left alone for so long, and that time does not count; but
    no call waits for longer than `LONGEST_WAIT_S` in all for that.
    """

    retries: int
    delay_s: float
    clock: Clock
    entropy: Entropy

    async def __call__(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Give what `attempt` gives.

        Raises:
            CallFailedError: the last try failed, or failed in a way that another does not mend.
        """
        pace = Pace(self)
        tries = AsyncRetrying(
            stop=stop_after_attempt(self.retries + 1),
            retry=retry_if_exception(pace.goes_on),
            wait=lambda _: pace.pause_s,
            before_sleep=pace.tell,
            sleep=asyncio.sleep,
            reraise=True,
        )
        return await tries(attempt)

    def jitter(self) -> float:
        """Between 0.5 and 1."""
        return 0.5 + self.entropy.token(1)[0] / 512


class Pace:
    """The waits of one call."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._delay_s = patience.delay_s
        self._ends_s = patience.clock.uptime_s() + LONGEST_S
        self._told_s = 0.0
        self.pause_s = 0.0
        """Until the next try."""

    def goes_on(self, failure: BaseException) -> bool:
        """Say whether there is a next try, and know when."""
        if not isinstance(failure, CallFailedError):
            return False
        if failure.failure.kind is Failure.BUSY:
            told_s = failure.failure.wait_s or UNTOLD_WAIT_S
            self._told_s += told_s
            self._ends_s += told_s + _BUSY_JITTER_S
            self.pause_s = told_s + _BUSY_JITTER_S * self._patience.jitter()
            return self._told_s <= LONGEST_WAIT_S
        self.pause_s = self._delay_s * self._patience.jitter()
        self._delay_s *= 2
        is_in_time = self._patience.clock.uptime_s() + self.pause_s <= self._ends_s
        return failure.failure.is_transient and is_in_time

    @staticmethod
    def tell(state: RetryCallState) -> None:
        """Say which retry comes next, and why."""
        failure = state.outcome.exception() if state.outcome else None
        events.STORE_CALL_RETRIED.tell(retry=state.attempt_number, error=failure)
