"""The audit chain while a process lives: what is new, what was changed, cut off, or made anew."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from journal_keys.domain import audit_chain
from journal_keys.domain.audit_chain import EMPTY, AuditEntry, AuditHead
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.keys import Family
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.ledger import LedgerCorruptError
from journal_keys.use_cases.watch_audit import WatchAudit
from tests.support.moving import House
from tests.support.world import START, World


def fact(number: int, action: str = "happened") -> AuditFact:
    return AuditFact(at=START, actor="test", action=action, family=None, kid=None, reason=f"number {number}")


def chained(facts: Iterable[AuditFact]) -> list[AuditEntry]:
    head, entries = EMPTY, []
    for one in facts:
        entries.append(audit_chain.link(head, one))
        head = audit_chain.head_of(entries[-1])
    return entries


def chain(length: int, *, first: int = 1) -> list[AuditEntry]:
    return chained(map(fact, range(first, first + length)))


def refounded(length: int, *, kept: int, number: int = 1000, action: str = "ledger_restored") -> list[AuditEntry]:
    """A chain that keeps some of the former one, and goes on from its refounding."""
    behind = map(fact, range(2001, 2001 + length - kept - 1))
    return chained([*map(fact, range(1, kept + 1)), fact(number, action), *behind])


@dataclass
class TrailInHand(AuditTrail):
    """A trail that a test changes as nobody may."""

    held: list[AuditEntry] = field(default_factory=list)

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        return [entry for entry in self.held if entry.sequence > after][:limit]

    async def head(self) -> AuditHead:
        return audit_chain.head_of(self.held[-1]) if self.held else EMPTY

    async def append(self, fact: AuditFact) -> AuditHead:
        self.held.append(audit_chain.link(await self.head(), fact))
        return await self.head()


def watch(trail: TrailInHand) -> tuple[WatchAudit, World]:
    world = World()
    return WatchAudit(trail=trail, clock=world.clock), world


async def test_before_the_first_look_nothing_is_said() -> None:
    looked, _ = watch(TrailInHand(chain(3)))
    assert (looked.status().head, looked.status().whole_at, looked.status().broken) == (EMPTY, None, "")


@pytest.mark.parametrize("length", [0, 1, 199, 200, 201, 500])
async def test_a_chain_that_holds_is_followed_to_its_end(length: int) -> None:
    trail = TrailInHand(chain(length))
    looked, world = watch(trail)
    found = await looked()
    assert (found.head, found.whole_at, found.broken) == (await trail.head(), world.clock.read().wall, "")


async def test_what_is_new_is_followed_by_the_next_look() -> None:
    trail = TrailInHand(chain(3))
    looked, world = watch(trail)
    await looked()
    await trail.append(fact(4))
    world.clock.pass_time(timedelta(minutes=1))
    found = await looked()
    assert (found.head.sequence, found.whole_at, found.broken) == (4, world.clock.read().wall, "")


async def test_a_new_entry_that_does_not_follow_is_told_at_every_look() -> None:
    trail = TrailInHand(chain(3))
    looked, _ = watch(trail)
    await looked()
    trail.held.append(replace(audit_chain.link(await trail.head(), fact(4)), fact=fact(5)))
    for _ in range(2):
        found = await looked()
        assert found.broken == "audit entry 4 was changed after it was written"
        assert found.head.sequence == 3


async def test_an_old_entry_that_was_changed_is_told() -> None:
    trail = TrailInHand(chain(3))
    looked, _ = watch(trail)
    await looked()
    trail.held[1] = replace(trail.held[1], fact=fact(7))
    assert (await looked()).broken == "audit entry 2 was changed after it was written"


async def test_an_old_entry_far_behind_is_told_after_as_many_looks_as_it_takes() -> None:
    trail = TrailInHand(chain(5_000))
    looked, _ = watch(trail)
    await looked()  # whole, and the first 2,000 once more
    trail.held[4_899] = replace(trail.held[4_899], fact=fact(7))
    assert [(await looked()).broken for _ in range(2)] == ["", "audit entry 4900 was changed after it was written"]


async def test_an_end_that_was_cut_off_is_told() -> None:
    trail = TrailInHand(chain(3))
    looked, _ = watch(trail)
    await looked()
    del trail.held[-1]
    assert (await looked()).broken == "the chain ends at entry 2 and had entry 3 before"


@pytest.mark.parametrize("length", [3, 5])
async def test_a_chain_that_was_made_anew_is_told_though_it_holds_in_itself(length: int) -> None:
    trail = TrailInHand(chain(3))
    looked, _ = watch(trail)
    await looked()
    trail.held = chain(length, first=11)
    assert (await looked()).broken


async def test_a_chain_that_was_mended_holds_again_only_after_it_was_followed_whole() -> None:
    trail = TrailInHand(chain(2_400))
    looked, world = watch(trail)
    await looked()
    good = trail.held[1]
    trail.held[1] = replace(good, fact=fact(7))
    broken = [(await looked()).broken for _ in range(2)]
    assert broken == ["", "audit entry 2 was changed after it was written"]  # the first look ended the round before
    trail.held[1] = good
    world.clock.pass_time(timedelta(minutes=1))
    assert (await looked()).broken  # 2,000 of them so far
    found = await looked()
    assert (found.broken, found.whole_at) == ("", world.clock.read().wall)


async def test_a_chain_that_the_first_look_found_broken_was_whole_at_no_time_before_it_was_followed_whole() -> None:
    trail = TrailInHand(chain(2_400))
    looked, world = watch(trail)
    good = trail.held[249]
    trail.held[249] = replace(good, fact=fact(7))
    assert (await looked()).whole_at is None
    trail.held[249] = good
    assert (await looked()).whole_at is None  # 2,000 of them so far
    assert (await looked()).whole_at == world.clock.read().wall


async def test_a_chain_that_one_look_just_follows_is_whole_at_every_look() -> None:
    trail = TrailInHand(chain(2_000))
    looked, world = watch(trail)
    for _ in range(3):
        assert (await looked()).whole_at == world.clock.read().wall
        world.clock.pass_time(timedelta(minutes=1))


@dataclass
class Headed(TrailInHand):
    """A trail whose head is told from elsewhere than its entries."""

    kept: AuditHead = EMPTY

    async def head(self) -> AuditHead:
        return self.kept


async def test_a_chain_that_was_made_anew_beneath_its_head_is_told() -> None:
    trail = Headed(chain(3))
    trail.kept = audit_chain.head_of(trail.held[-1])
    looked, _ = watch(trail)
    await looked()
    trail.held = chain(3, first=11)
    assert (await looked()).broken == "audit entry 3 is another one than before: the chain was made anew"


async def looks(looked: WatchAudit, number: int) -> list[bool]:
    return [bool((await looked()).broken) for _ in range(number)]


@pytest.mark.parametrize(
    ("length", "kept", "action"),
    [
        (250, 249, "ledger_restored"),
        (300, 250, "ledger_restored"),
        (1500, 250, "ledger_restored"),
        (150, 0, "key_recovered"),
        (1500, 0, "key_recovered"),
    ],
    ids=["restored, shorter", "restored, as long", "restored, longer", "recovered, shorter", "recovered, longer"],
)
async def test_a_ledger_that_was_refounded_is_told_once_and_holds_when_it_was_followed_whole(
    length: int, kept: int, action: str
) -> None:
    trail = TrailInHand(chain(300))
    looked, world = watch(trail)
    await looked()
    trail.held = refounded(length, kept=kept, action=action)
    world.clock.pass_time(timedelta(minutes=1))
    assert await looks(looked, 2) == [True, False]
    found = looked.status()
    assert (found.head, found.whole_at) == (await trail.head(), world.clock.read().wall)


@pytest.mark.parametrize("verb", ["restore", "recover"])
async def test_what_our_own_verbs_write_is_a_refounding(verb: str) -> None:
    house = House()
    await house.inner.initialised()
    place = (await house.backed_up()).place
    trail = TrailInHand(list(await house.world.trail.entries()))
    looked, _ = watch(trail)
    await looked()
    new = House(world=World(clock=house.world.clock, store=house.world.store), kept=house.kept)
    if verb == "restore":
        await new.restored(place)
    else:
        await new.world.recover(Family.AES, actor="test", reason="the ledger was lost")
    trail.held = list(await new.world.trail.entries())
    assert await looks(looked, 2) == [True, False]
    assert looked.status().head == await trail.head()


async def test_a_refounded_chain_is_broken_for_as_many_looks_as_it_takes_to_follow_it() -> None:
    trail = TrailInHand(chain(300))
    looked, _ = watch(trail)
    await looked()
    trail.held = refounded(4_001, kept=0)
    assert await looks(looked, 4) == [True, True, True, False]


async def test_a_refounded_chain_is_watched_like_any_other() -> None:
    trail = TrailInHand(chain(300))
    looked, _ = watch(trail)
    await looked()
    trail.held = refounded(250, kept=200)
    assert await looks(looked, 3) == [True, False, False]
    trail.held[100] = replace(trail.held[100], fact=fact(7))
    assert (await looked()).broken == "audit entry 101 was changed after it was written"


@pytest.mark.parametrize("length", [2, 3, 5, 2_300])
async def test_a_chain_that_was_made_anew_stays_broken(length: int) -> None:
    trail = TrailInHand(chain(3))
    looked, _ = watch(trail)
    await looked()
    trail.held = chain(length, first=11)
    assert await looks(looked, 6) == [True] * 6


@pytest.mark.parametrize("number", range(1, 3))
async def test_a_refounding_from_before_excuses_no_chain_that_was_made_anew(number: int) -> None:
    trail = TrailInHand(chained([fact(1, "key_recovered"), fact(2, "ledger_restored"), *map(fact, range(3, 250))]))
    looked, _ = watch(trail)
    await looked()
    facts = [one.fact for one in trail.held]
    trail.held = chained([*facts[:number], *map(fact, range(11, 311))])  # some of them are left out
    assert await looks(looked, 6) == [True] * 6


async def test_a_refounding_does_not_excuse_an_entry_that_was_changed() -> None:
    trail = TrailInHand(chain(300))
    looked, _ = watch(trail)
    await looked()
    trail.held = refounded(400, kept=250)
    trail.held[100] = replace(trail.held[100], fact=fact(7))
    assert await looks(looked, 4) == [True] * 4
    assert looked.status().broken == "audit entry 101 was changed after it was written"


async def test_an_end_that_is_cut_off_while_the_chain_is_broken_is_told_when_the_rest_was_mended() -> None:
    trail = TrailInHand(chain(300))
    looked, _ = watch(trail)
    await looked()
    good = trail.held[1]
    trail.held[1] = replace(good, fact=fact(7))
    await trail.append(fact(301))
    await looked()
    trail.held[1] = good
    del trail.held[-1]
    assert await looks(looked, 4) == [True] * 4


async def test_a_chain_that_is_refounded_again_while_it_is_followed_is_followed_anew() -> None:
    trail = TrailInHand(chain(300))
    looked, _ = watch(trail)
    await looked()
    trail.held = refounded(4_100, kept=0)
    assert await looks(looked, 2) == [True, True]  # 2,000 of them so far
    trail.held = refounded(2_000, kept=0, number=1001)
    assert await looks(looked, 4) == [True, True, False, False]
    assert looked.status().head == await trail.head()


async def test_many_entries_that_come_meanwhile_do_not_break_a_round() -> None:
    trail = TrailInHand(chain(2_400))
    looked, _ = watch(trail)
    await looked()
    trail.held = chain(6_000)
    assert [(await looked()).broken for _ in range(4)] == [""] * 4
    assert looked.status().head.sequence == 6_000


class Counted(TrailInHand):
    """A trail that notes how much of it was read at once, and in all."""

    read: int = 0
    most: int = 0

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        found = await super().entries(after=after, limit=limit)
        self.read, self.most = self.read + len(found), max(self.most, len(found))
        return found


async def test_a_look_at_a_long_chain_reads_little_of_it_and_little_at_once() -> None:
    trail = Counted(chain(5_000))
    looked, _ = watch(trail)
    await looked()
    trail.read = 0
    await looked()
    assert (trail.read, trail.most) == (2_000, 200)


class Garbled(TrailInHand):
    """A trail with an entry that no release wrote."""

    at: int = 0

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        found = await super().entries(after=after, limit=limit)
        if any(entry.sequence == self.at for entry in found):
            raise LedgerCorruptError("an audit entry is malformed")
        return found


@pytest.mark.parametrize("number", [2, 4], ids=["among the old ones", "among the new ones"])
async def test_an_entry_that_cannot_be_read_is_a_broken_chain_until_it_can(number: int) -> None:
    trail = Garbled(chain(3))
    looked, _ = watch(trail)
    await looked()
    await trail.append(fact(4))
    trail.at = number
    assert (await looked()).broken == "an audit entry is malformed"
    trail.at = 0
    assert (await looked()).broken == ""


@dataclass
class SlowTrail(TrailInHand):
    """A trail that others may have a turn before it answers."""

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        await asyncio.sleep(0)
        return await super().entries(after=after, limit=limit)


async def test_looks_at_once_do_not_take_each_other_for_gaps() -> None:
    trail = SlowTrail(chain(2500))
    looked, _ = watch(trail)
    found = await asyncio.gather(*(looked() for _ in range(3)))
    assert [one.broken for one in found] == [""] * 3
    assert found[0].head == await trail.head()
    assert found[0].whole_at is not None


async def test_a_look_that_was_given_up_hinders_no_other() -> None:
    trail = SlowTrail(chain(2500))
    looked, _ = watch(trail)
    given_up = asyncio.create_task(looked())
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.gather(given_up, return_exceptions=True)
    assert (await looked()).head == await trail.head()
