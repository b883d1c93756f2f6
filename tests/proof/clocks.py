"""Random plans of clock jumps: whatever clocks do, no wait ends before its time has really passed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, TypeAlias

from journal_keys.domain import rotation
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Algorithm, Family, KeyState, KeyVersion, Kid
from journal_keys.domain.ledger_clock import ClockReading, ClockWentBackError, LedgerTime, accept, advance
from journal_keys.domain.windows import Windows
from tests.proof.verdict import Verdict

PLANS: Final = 1_000
NIGHTLY_PLANS: Final = 100_000
_STEPS: Final = 40
_HOSTS: Final = 3
_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
_YEAR: Final = timedelta(days=365)
_SECOND: Final = timedelta(seconds=1)
WINDOWS: Final = Windows(
    jwks_max_age=600 * _SECOND,
    view_ttl=300 * _SECOND,
    poll=15 * _SECOND,
    longest_token=3600 * _SECOND,
    leeway=60 * _SECOND,
    skew=60 * _SECOND,
)
Advance: TypeAlias = Callable[[LedgerTime | None, LedgerTime | None, ClockReading], LedgerTime]
"""From what any boot kept last, what the reading's boot kept last, and the reading."""


@dataclass(slots=True)
class Host:
    """One host's clocks, beside the time that really passes. A stopped wall clock stays where it is."""

    name: int
    wall: datetime
    uptime: timedelta
    boots: int = 0
    is_stopped: bool = False

    def pass_time(self, passed: timedelta) -> None:
        self.uptime += passed
        self.wall += timedelta(0) if self.is_stopped else passed

    def reboot(self, down: timedelta) -> None:
        self.boots += 1
        self.uptime = down * 0
        self.is_stopped = False

    def reading(self) -> ClockReading:
        return ClockReading(wall=self.wall, uptime=self.uptime, boot=f"host {self.name} boot {self.boots}")


@dataclass(slots=True)
class Plan:
    """One random plan: what the ledger's clock said, and what really passed since each wait began."""

    random: Random
    advance: Advance
    is_shared: bool
    """Whether all hosts read the wall clock of one server. One that is set by less than the skew costs the reserve."""
    true_s: float = 0.0
    time: LedgerTime | None = None
    marks: dict[str, LedgerTime] = field(default_factory=dict)
    hosts: list[Host] = field(default_factory=list)
    began: list[tuple[KeyRing, float]] = field(default_factory=list)
    accepted: int = 0
    waits_ended: int = 0
    shortest: list[str] = field(default_factory=list)

    def run(self) -> None:
        for name in range(_HOSTS):
            offset = self.random.choice([timedelta(0), 50 * _SECOND, -50 * _SECOND, _YEAR / 3, -_YEAR / 3])
            offset *= not self.is_shared
            self.hosts.append(Host(name, _EPOCH + offset, self.random.uniform(0, 1e7) * _SECOND))
        for _ in range(_STEPS):
            self._step()

    def _step(self) -> None:
        passed = self.random.choice([0.0, 0.2, 5.0, 200.0, 900.0]) * self.random.random()
        self.true_s += passed
        for one in self.hosts:
            one.pass_time(passed * _SECOND)
        host = self.random.choice(self.hosts)
        match self.random.randrange(8):
            case 0:
                step = self.random.choice([_YEAR, -_YEAR, 30 * _SECOND, -30 * _SECOND, 2 * _YEAR])
                self._set_wall(host, step)
            case 1:
                host.reboot(passed * _SECOND)
            case 2:
                host.is_stopped = not host.is_stopped and not self.is_shared
            case _:
                self._look(host)

    def _set_wall(self, host: Host, step: timedelta) -> None:
        if not self.is_shared:
            host.wall += step
        elif abs(step) > WINDOWS.skew:
            for one in self.hosts:
                one.wall += step

    def _look(self, host: Host) -> None:
        """Let a host keep the ledger's time, begin a wait at it, and judge the waits that began earlier."""
        reading = host.reading()
        try:
            own = self.marks.get(reading.boot) if self.is_shared else None
            self.time = self.advance(self.time, own, reading)
        except ClockWentBackError:
            self.accepted += 1
            self.time = accept(self.time, reading)
            self.marks.clear()
        self.marks[reading.boot] = self.time
        now = self.time.at
        self._judge(now)
        self.began.append((ring_since(now), self.true_s))

    def _judge(self, now: datetime) -> None:
        for ring, began_s in self.began:
            staged, deactivated = ring.versions[2], ring.versions[0]
            waits = {
                "W1": (now >= rotation.gate(staged, WINDOWS), WINDOWS.publish_to_promote),
                "W2": (deactivated in rotation.retirable(ring, WINDOWS, now=now), WINDOWS.promote_to_retire),
            }
            for name, (is_over, wait) in waits.items():
                self.waits_ended += is_over
                really = self.true_s - began_s
                if is_over and really < wait.total_seconds() - 0.001:
                    self.shortest.append(f"{name} of {wait.total_seconds():g} s ended after {really:.3f} s")


def ring_since(at: datetime) -> KeyRing:
    """A ring whose keys were demoted, promoted and published at this moment of the ledger's clock."""
    states = {KeyState.DEACTIVATED: 0, KeyState.ACTIVE: 1, KeyState.PRE_ACTIVATION: 2}
    versions = tuple(
        KeyVersion(
            kid=Kid(f"jwt_{number}"),
            family=Family.JWT,
            algorithm=Algorithm.EDDSA,
            digest="",
            public_jwk=None,
            state=state,
            created_at=at,
            published_at=at,
            activated_at=None if state is KeyState.PRE_ACTIVATION else at,
            deactivated_at=at if state is KeyState.DEACTIVATED else None,
        )
        for state, number in states.items()
    )
    return KeyRing(family=Family.JWT, generation=1, changed_at=at, versions=versions)


def ours(kept: LedgerTime | None, own: LedgerTime | None, reading: ClockReading) -> LedgerTime:
    """The ledger's clock as it is."""
    return advance(kept, reading, skew=WINDOWS.skew, own=own)


def wall_believed(kept: LedgerTime | None, _own: LedgerTime | None, reading: ClockReading) -> LedgerTime:
    """A wrong design: the wall clock's time is the ledger's."""
    at = reading.wall if kept is None else max(kept.at, reading.wall)
    return LedgerTime(at=at, reading=reading)


def wall_believed_across_boots(kept: LedgerTime | None, own: LedgerTime | None, reading: ClockReading) -> LedgerTime:
    """A wrong design: within a boot the uptime counts, across boots and hosts the wall clock."""
    if kept is not None and reading.boot == kept.reading.boot:
        return ours(kept, own, reading)
    return wall_believed(kept, own, reading)


def each_boot_counts_for_itself(kept: LedgerTime | None, own: LedgerTime | None, reading: ClockReading) -> LedgerTime:
    """A wrong design: what a boot counted since its own last reading has passed since the last reading of all."""
    if kept is None or own is None:
        return ours(kept, own, reading)
    return LedgerTime(at=max(kept.at, own.at + reading.uptime - own.reading.uptime), reading=reading)


def shared_wall_believed(kept: LedgerTime | None, own: LedgerTime | None, reading: ClockReading) -> LedgerTime:
    """A wrong design: nobody looks whether the shared wall clock was set meanwhile."""
    if kept is None or own is None or reading.boot == kept.reading.boot:
        return ours(kept, own, reading)
    most = own.at + reading.uptime - own.reading.uptime
    at = min(kept.at + (reading.wall - kept.reading.wall), most)
    return LedgerTime(at=max(kept.at, at), reading=reading)


def search(plans: int, chosen: Advance, seed: int = 1) -> tuple[int, int, list[str]]:
    """Run the plans; give how many waits ended, how often a clock was accepted, and what ended too early."""
    ended, accepted, early = 0, 0, []
    for number in range(plans):
        plan = Plan(Random(seed * 1_000_003 + number), chosen, is_shared=bool(number % 2))
        plan.run()
        ended += plan.waits_ended
        accepted += plan.accepted
        early += [f"plan {number}: {text}" for text in plan.shortest]
    return ended, accepted, early


def run(*, nightly: bool) -> Verdict:
    """Search with the clock as it is."""
    plans = NIGHTLY_PLANS if nightly else PLANS
    ended, accepted, early = search(plans, ours)
    figures = f"clock plans {plans}, waits ended {ended}, clocks set back {accepted}"
    summary = f"{figures}, waits shortened {len(early)}"
    return Verdict(lines=(*early[:10], summary), holds=not early and ended > plans)
