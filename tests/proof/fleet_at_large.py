"""What simulated instances ask of the ledger in one life, second by second, and what the gate makes of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.outcomes import Rotated, Waiting
from tests.proof.simulated_fleet import Instance, SimulatedFleet, most_within
from tests.support.virtual_time import run_virtually

REST_POLLS: Final = 4
_HINTED_S: Final = 1.25
"""Within which a hint has made everybody look: a pause of 0.1 s, a second, and what is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What follows from the settings, for so many instances. One looks at most every 3/4 poll, and on average 7/8."""

    count: int
    poll_s: float
    expiry_s: float

    @property
    def looks_per_s(self) -> float:
        """On average at rest."""
        return self.count / (0.875 * self.poll_s)

    @property
    def most_looks_per_s(self) -> float:
        """In the worst second at rest: jitter leaves no more than twice the average."""
        return 2 * self.looks_per_s

    @property
    def reports_per_s(self) -> float:
        """At rest: no more than four in the life of a report."""
        return 4 * self.count / self.expiry_s

    @property
    def most_per_s(self) -> float:
        """Everything in the worst second without a hint: twice a look, a report and two pages per instance and poll."""
        return 8 * self.count / (0.875 * self.poll_s)

    @property
    def most_hinted_per_s(self) -> float:
        """In the second after a hint: everybody looks, reads page and count, and reports, on top of what goes on."""
        return 4 * self.count + self.most_per_s

    @property
    def most_hinted_per_tenth(self) -> float:
        """In a tenth of that second: no more than twice the average."""
        return 2 * self.most_hinted_per_s / 10


@dataclass(slots=True, kw_only=True)
class Life:
    """The figures of one fleet, and what is wrong with them."""

    bounds: Bounds
    lines: list[str] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)

    def hold(self, what: str, found: float, most: float) -> None:
        """Note a figure and the bound that it may not pass."""
        self.lines.append(f"  {what}: {found:.4g} (at most {most:.4g})")
        if found > most:
            self.wrongs.append(f"{what}: {found:.4g}, more than {most:.4g}")


@dataclass(slots=True, kw_only=True)
class Witness:
    """Lets a fleet live through starts, rest, rotations and a death, and holds it against its bounds."""

    fleet: SimulatedFleet
    life: Life
    poll_s: float
    now_s: Callable[[], float]

    async def begin(self) -> None:
        """All start in one moment, and part at once: no second behind the first is worse than one of rest."""
        began_s = self.now_s()
        await asyncio.sleep(2 * self.poll_s)
        most = most_within(self.fleet.asked(began_s + 1, "look"), 1)
        self.life.hold("looks in the worst second after a start at once", most, self.life.bounds.most_looks_per_s)

    async def rest(self) -> None:
        """Nothing happens."""
        bounds, began_s = self.life.bounds, self.now_s()
        await asyncio.sleep(REST_POLLS * self.poll_s)
        span_s = self.now_s() - began_s
        counts, looks = self.fleet.counts(began_s), self.fleet.asked(began_s, "look")
        self.life.hold("at rest, looks per second", len(looks) / span_s, bounds.looks_per_s * 1.05)
        self.life.hold("at rest, looks in the worst second", most_within(looks, 1), bounds.most_looks_per_s)
        self.life.hold("at rest, reports per second", counts["report"] / span_s, bounds.reports_per_s * 1.5)
        self.life.hold("at rest, questions per second", sum(counts.values()) / span_s, 2.5 * bounds.looks_per_s)
        worst = most_within(self.fleet.asked(began_s), 1)
        self.life.hold("at rest, questions in the worst second", worst, bounds.most_per_s)

    async def rotate_hinted(self, family: Family) -> None:
        """A rotation at once, of which hints tell everybody."""
        bounds, began_s = self.life.bounds, self.now_s()
        if not isinstance(await self.fleet.rotate(family, f"first-{family}"), Rotated):
            self.life.wrongs.append(f"{family}: nobody was behind, and yet it waited")
        generation = await self.fleet.generation(family)
        await asyncio.sleep(self.poll_s)
        asked = self.fleet.asked(began_s)
        self.life.hold(f"{family}, hinted: worst second", most_within(asked, 1), bounds.most_hinted_per_s)
        self.life.hold(f"{family}, hinted: worst tenth", most_within(asked, 0.1), bounds.most_hinted_per_tenth)
        late_s = self._last_held_s(family, generation) - began_s
        self.life.hold(f"{family}, hinted: seconds until all held it", late_s, _HINTED_S)

    async def wait_for(self, family: Family, slow: Instance) -> None:
        """A rotation that waits for one whose store does not answer, and is decided when that one has caught up."""
        began_s, old = self.now_s(), await self._asked_to_wait(family)
        generation = await self.fleet.generation(family)
        await asyncio.sleep(self.poll_s)
        others_s = self._last_held_s(family, generation) - began_s
        self.life.hold(f"{family}, by polls alone: seconds until all others held it", others_s, self.poll_s)
        worst = most_within(self.fleet.asked(began_s), 1)
        self.life.hold(f"{family}, by polls alone: questions in the worst second", worst, self.life.bounds.most_per_s)
        slow.mend(family)
        promoted_s = await self._promoted_s(family, old, within_s=3 * self.poll_s)
        decided_s = promoted_s - self._last_held_s(family, generation)
        self.life.hold(f"{family}: seconds from the last report to the promotion", decided_s, self.poll_s)

    async def outlive(self, family: Family, slow: Instance, doomed: Instance) -> None:
        """A rotation that waits for one that was killed, until its last report expires and no longer than a poll."""
        doomed.kill()
        name = doomed.container.instance_name()
        (dead,) = (one for one in await self.fleet.ledger.instances() if one.name == name)
        old = await self._asked_to_wait(family)
        slow.mend(family)
        left_s = (dead.expires_at - self.fleet.clock.read().wall).total_seconds()
        expires_s = self.now_s() + left_s
        promoted_s = await self._promoted_s(family, old, within_s=left_s + 3 * self.poll_s)
        if promoted_s < expires_s:
            self.life.wrongs.append(f"{family}: promoted before the report of one that is behind expired")
        self.life.hold(
            f"{family}: seconds from the dead one's expiry to the promotion", promoted_s - expires_s, self.poll_s
        )

    async def _asked_to_wait(self, family: Family) -> Kid:
        outcome = await self.fleet.rotate(family, f"second-{family}")
        if not isinstance(outcome, Waiting):
            self.life.wrongs.append(f"{family}: one was behind, and yet it was {type(outcome).__name__}")
        return await self._active(family)

    async def _active(self, family: Family) -> Kid:
        ring = (await self.fleet.operator.ledger().read(family)).ring
        assert ring is not None
        return ring.active.kid

    async def _promoted_s(self, family: Family, old: Kid, *, within_s: float) -> float:
        """When another key became ACTIVE; never, where that took longer."""
        ends_s = self.now_s() + within_s
        while await self._active(family) == old:
            if self.now_s() > ends_s:
                return float("inf")
            await asyncio.sleep(self.poll_s / 8)
        return self.fleet.ledger.active_s[await self._active(family)]

    def _last_held_s(self, family: Family, generation: int) -> float:
        """When the last of those that say it first said that it holds this generation."""
        held_s = self.fleet.ledger.held_s
        return max(at_s for (_, one, held), at_s in held_s.items() if one is family and held == generation)


def live(count: int, fleet: SimulatedFleet) -> Life:
    """Let so many instances live, on a clock of their own."""
    return run_virtually(_live(count, fleet))


async def _live(count: int, fleet: SimulatedFleet) -> Life:
    settings = fleet.settings
    poll_s = settings.poll.total_seconds()
    bounds = Bounds(count=count, poll_s=poll_s, expiry_s=settings.instance_expiry.total_seconds())
    now_s = asyncio.get_running_loop().time
    await fleet.started(count)
    witness = Witness(fleet=fleet, life=Life(bounds=bounds), poll_s=poll_s, now_s=now_s)
    slow, other, doomed = fleet.instances[1:4]
    await witness.begin()
    slow.cut(Family.JWT)
    other.cut(Family.AES)
    for family in Family:
        await witness.rotate_hinted(family)
    await witness.rest()
    await witness.wait_for(Family.JWT, slow)
    await witness.outlive(Family.AES, other, doomed)
    await fleet.ended()
    return witness.life
