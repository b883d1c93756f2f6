"""Reading the time."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

from journal_keys.domain.ledger_clock import ClockReading


@runtime_checkable
class Clock(Protocol):
    """A host's clocks. Uptime never goes back within one boot; wall time may step anywhere."""

    @abstractmethod
    def read(self) -> ClockReading:
        """Look at all clocks at once."""
        ...

    @abstractmethod
    def uptime_s(self) -> float:
        """Seconds since some fixed moment of this boot, suspend included: for ages within one process."""
        ...

    @abstractmethod
    def unix_s(self) -> float:
        """Wall time in seconds since 1970-01-01 UTC: for the times inside tokens."""
        ...
