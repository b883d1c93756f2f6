"""How often something may be asked for, and by whom."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from journal_keys.domain.errors import PolicyError, RefusedError

_TEXT: Final = re.compile(r"([1-9][0-9]{0,6})/(second|minute|hour)\Z", re.ASCII)
_PERIODS: Final = {"second": timedelta(seconds=1), "minute": timedelta(minutes=1), "hour": timedelta(hours=1)}


class Asked(StrEnum):
    """What is asked for."""

    ADMIN = "admin"
    WEBHOOK = "webhook"
    KEY_SET = "key set"


class TooManyRequestsError(RefusedError):
    """This was asked for more often than it may be; `retry_after` is when it may be again at the latest."""

    def __init__(self, asked: Asked, rate: "Rate") -> None:
        super().__init__(f"asked for too often: {asked} allows {rate}")
        self.retry_after = rate.period


class BusyError(TooManyRequestsError):
    """As many answers were given to everybody as may be: whoever asks, it is not his fault."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So often within any stretch of time as long as the period."""

    number: int
    period: timedelta

    def __str__(self) -> str:
        """As `parse` reads it."""
        return f"{self.number}/{next(name for name, period in _PERIODS.items() if period == self.period)}"

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read `<number>/second`, `/minute` or `/hour`.

        Raises:
            PolicyError: it is none of these, or the number is not from 1 to 9,999,999.
        """
        found = _TEXT.match(text)
        if found is None:
            raise PolicyError("a rate is <number>/second, <number>/minute or <number>/hour, like 120/minute")
        return cls(int(found[1]), _PERIODS[found[2]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """The rate of each thing: of the admin plane per caller, of webhooks for all, of the key set per process.

    Callers whom nobody knows share one count, and so do deliveries that are not genuine, or not fresh:
    they use up nobody else's.
    """

    admin: Rate
    webhook: Rate
    key_set: Rate

    def of(self, asked: Asked) -> Rate:
        """Give the rate of this."""
        if asked is Asked.ADMIN:
            return self.admin
        return self.webhook if asked is Asked.WEBHOOK else self.key_set
