"""How often, and for how long, a read is tried again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import stamina

from journal_keys import events
from journal_keys.adapters.infisical_cli.failures import CallFailedError, Failure
from journal_keys.ports.clock import Clock
from journal_keys.ports.entropy import Entropy

T = TypeVar("T")
LONGEST_S: Final = 10.0
_BUSY_JITTER_S: Final = 2.0
UNTOLD_WAIT_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """At most `retries` more tries within ten seconds, the first after about `delay_s`, each after twice as long.

    A server that says how long it wants to be left alone is left alone for so long, and that time does not count.
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
        async for one in stamina.retry_context(on=pace.wait, attempts=self.retries + 1, timeout=None):
            if one.num > 1:
                events.STORE_CALL_RETRIED.tell(retry=one.num - 1, error=pace.failure)
            with one:
                return await attempt()
        raise AssertionError("the last try gives or raises")

    def jitter(self) -> float:
        """Between 0.5 and 1."""
        return 0.5 + self.entropy.token(1)[0] / 512


class Pace:
    """The waits of one call."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._delay_s = patience.delay_s
        self._ends_s = patience.clock.uptime_s() + LONGEST_S
        self.failure: Exception | None = None

    def wait(self, failure: Exception) -> float | bool:
        """Give the seconds until the next try, or False: there is none."""
        self.failure = failure
        if not isinstance(failure, CallFailedError):
            return False
        if failure.failure.kind is Failure.BUSY:
            told_s = failure.failure.wait_s or UNTOLD_WAIT_S
            self._ends_s += told_s + _BUSY_JITTER_S
            return told_s + _BUSY_JITTER_S * self._patience.jitter()
        pause_s = self._delay_s * self._patience.jitter()
        self._delay_s *= 2
        is_in_time = self._patience.clock.uptime_s() + pause_s <= self._ends_s
        return pause_s if failure.failure.is_transient and is_in_time else False
