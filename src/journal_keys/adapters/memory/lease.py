"""Turns within one process."""

from dataclasses import dataclass, field
from datetime import timedelta

from journal_keys.ports.clock import Clock
from journal_keys.ports.lease import Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLease(Lease):
    """One holder's way to turns in a dictionary: who holds each, until which uptime. Who is alone gets every one."""

    holder: str
    clock: Clock
    turns: dict[str, tuple[str, float]] = field(default_factory=dict)

    async def take(self, name: str, lasts: timedelta) -> bool:
        """Take it where it is free, ended, or ours."""
        now_s = self.clock.uptime_s()
        holder, ends_s = self.turns.get(name, (self.holder, now_s))
        if holder != self.holder and now_s < ends_s:
            return False
        self.turns[name] = self.holder, now_s + lasts.total_seconds()
        return True

    async def give_back(self, name: str) -> None:
        """Forget it, if it is ours."""
        if self.turns.get(name, ("", 0.0))[0] == self.holder:
            del self.turns[name]
