"""What a process knew last, so that it may outlive the process: rings, their material, chosen secrets, and their ages.

Ages only grow. Within one boot the uptime clock counts them, whatever the wall clock does; across boots and hosts only
the wall clock can, and one that stands before the snapshot is not believed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from journal_keys.domain.errors import PortError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.ledger_clock import UNSURE_BOOT, ZERO, ClockReading
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath


class SnapshotError(PortError):
    """The snapshot could not be kept, or cannot be used."""


class SnapshotTooOldError(SnapshotError):
    """What the snapshot holds was confirmed too long ago, or nobody can tell how long ago."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeptRing:
    """One ring, how long ago the ledger confirmed it, and the stored lines of those of its keys that may be used.

    `confirmed_at` is what the wall clock read at the confirmation: its name, from which no age is counted.
    """

    ring: KeyRing
    confirmed_at: datetime
    age: timedelta
    material: Mapping[Kid, KeyMaterial] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeptSecret:
    """One secret, and how long ago the store gave it."""

    value: KeyMaterial
    age: timedelta


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot:
    """All that is kept, with ages as of `taken`. `encryptions` were made under the ACTIVE AES key, as far as known."""

    taken: ClockReading
    rings: Mapping[Family, KeptRing]
    secrets: Mapping[SecretPath, KeptSecret]
    encryptions: int

    def aged(self, now: ClockReading) -> "Snapshot":
        """Give the same, as of `now`.

        Raises:
            SnapshotTooOldError: the clocks do not tell how long ago it was taken.
        """
        passed = elapsed(self.taken, now)
        return replace(
            self,
            taken=now,
            rings={family: replace(kept, age=kept.age + passed) for family, kept in self.rings.items()},
            secrets={path: replace(kept, age=kept.age + passed) for path, kept in self.secrets.items()},
        )


@dataclass(slots=True)
class SnapshotPace:
    """When one process looks after its snapshot next: when there is news, or the time has come."""

    news: object = None
    next_s: float = 0.0

    def is_due(self, news: object, now_s: float) -> bool:
        """Whether this is other news than at the last look, or the pause is over."""
        return news != self.news or now_s >= self.next_s

    def pause(self, news: object, until_s: float) -> None:
        """Look again at this uptime, or at other news."""
        self.news, self.next_s = news, until_s


def elapsed(then: ClockReading, now: ClockReading) -> timedelta:
    """Give the time between two readings, never less than a clock that can be believed has counted.

    Raises:
        SnapshotTooOldError: the boot is another, and the wall clock stands before the earlier reading.
    """
    counted, walked = now.uptime - then.uptime, now.wall - then.wall
    is_same_boot = now.boot == then.boot and counted >= ZERO
    if is_same_boot and not now.boot.startswith(UNSURE_BOOT):
        return counted
    if walked < ZERO:
        raise SnapshotTooOldError(
            f"this host's clock reads {now.wall.isoformat(timespec='seconds')}, yet the snapshot was taken at"
            f" {then.wall.isoformat(timespec='seconds')}, under another boot: nobody can tell how old it is; set the"
            " clock right"
        )
    return max(counted, walked) if is_same_boot else walked
