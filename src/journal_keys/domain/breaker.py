"""A circuit breaker: a server that does not answer costs one time-out, not one per call."""

from dataclasses import dataclass, field
from typing import Final

_FIRST_REST_S: Final = 5.0
_LONGEST_REST_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave for one call, which reports its end with it."""

    is_probe: bool


@dataclass(slots=True, kw_only=True)
class Breaker:
    """Closed until a failure; then it rests, each time twice as long, and lets one probe through when it has rested.

    All times are seconds of one clock that never goes back, and are handed in.
    """

    first_rest_s: float = _FIRST_REST_S
    longest_rest_s: float = _LONGEST_REST_S
    _opened_s: float | None = field(default=None, init=False)
    _rest_s: float = field(default=0.0, init=False)
    _is_probing: bool = field(default=False, init=False)

    def admit(self, now_s: float) -> Permit | None:
        """Let a call go out, or not: in an open, rested breaker one call at a time is let out as the probe."""
        if self._opened_s is None:
            return Permit(is_probe=False)
        if self._is_probing or self.rests_for(now_s) > 0:
            return None
        self._is_probing = True
        return Permit(is_probe=True)

    def rests_for(self, now_s: float) -> float:
        """Seconds until a probe may go out; 0 in a closed breaker."""
        return 0.0 if self._opened_s is None else max(0.0, self._opened_s + self._rest_s - now_s)

    @property
    def is_open(self) -> bool:
        """Whether the server did not answer when last asked."""
        return self._opened_s is not None

    def answered(self, permit: Permit) -> None:
        """Close: the server answered this call, with whatever."""
        if permit.is_probe or self._opened_s is None:
            self._opened_s, self._rest_s, self._is_probing = None, 0.0, False

    def failed(self, permit: Permit, now_s: float) -> None:
        """Open, or rest longer. Calls that went out before it opened do not lengthen its rest."""
        if permit.is_probe or self._opened_s is None:
            self._rest_s = min(max(self.first_rest_s, self._rest_s * 2), self.longest_rest_s)
            self._opened_s, self._is_probing = now_s, False

    def abandoned(self, permit: Permit) -> None:
        """Take note that this call ended without an answer, good or bad: another may be the probe."""
        if permit.is_probe:
            self._is_probing = False
