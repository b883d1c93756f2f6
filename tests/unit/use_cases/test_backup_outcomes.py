"""What a backup and a restore tell and refuse, and what they do when others come between."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import combinations

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain.backup import Backup, BackupContentError, backup_text, read_backup, read_pre_image
from journal_keys.domain.changes import LEDGER_RESTORED
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.ledger_copy import LedgerCopy
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import MARKER_NAME, SecretPath, compromised_folder, versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.ports.ledger import LedgerUnavailableError
from journal_keys.ports.progress import Progress
from journal_keys.ports.secret_store import FolderContent, SecretStoreError
from journal_keys.use_cases.back_up import Wanted
from journal_keys.use_cases.check_backup import RingReport
from journal_keys.use_cases.refuse_restore import RestoreRefusedError
from tests.support.contested_ledger import touch
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.heard import Heard
from tests.support.hiding import Hiding
from tests.support.moving import DB_URL, OPENING, SEAL, House, Told, changed
from tests.support.world import POLICIES, W1, WINDOWS, World

J, A = Family.JWT, Family.AES
FAMILIES = pytest.mark.parametrize("family", list(Family))
NATS_URL = SecretPath.parse("/infrastructure/nats_url")
OWN = SecretPath.parse("/application/own")
OLD = Kid("old_1")
LOOKS = 6


class BusyLedger(MemoryLedger):
    """A ledger beside which something happens behind each copy, and once before it is refounded."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock, WINDOWS.skew)
        self.copies = 0
        self.behind_copy: Callable[[], Awaitable[object]] | None = None

    async def copy(self) -> LedgerCopy:
        copied = await super().copy()
        self.copies += 1
        if self.behind_copy is not None:
            await self.behind_copy()
        return copied


@dataclass
class HidingAt(Hiding):
    """A store that shows nothing of one folder at those looks into it that are numbered here, from 0."""

    hidden: tuple[int, ...] = ()
    looks: int = 0

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        if folder == self.folder:
            self.looks += 1
            if self.looks - 1 in self.hidden:
                return FolderContent(folder, {})
        return await self.plain.read_folder(folder)


async def lived_in(world: World | None = None) -> House:
    house = House(world=world or World())
    await house.migrated()
    house.world.clock.pass_time(W1)
    for family in Family:
        await house.world.rotated(family, f"{family}-0")
    return house


def lost(house: House, *, plan: FaultPlan | None = None) -> House:
    """Another house with the shelf of this one, and nothing else of it."""
    return House(world=World(clock=house.world.clock, seed=50), kept=house.kept, plan=plan)


def without_ledger(house: House, *, plan: FaultPlan | None = None) -> House:
    """A house that lost its ledger alone."""
    world = World(clock=house.world.clock, store=house.world.store, seed=51)
    return House(world=world, kept=house.kept, plan=plan)


async def without_ledger_and_hiding(house: House, folder: SecretPath, hidden: tuple[int, ...]) -> House:
    """The same over a copy of the store, which hides a folder now and then."""
    plain = MemorySecretStore()
    for path, value in house.secrets().items():
        await plain.put_new(SecretPath.parse(path), KeyMaterial(value))
    store = HidingAt(plain, folder, 0, hidden)
    return House(world=World(clock=house.world.clock, store=store, seed=51), kept=house.kept)


async def opened(house: House) -> Backup:
    backup, _ = await house.checking((await house.backed_up()).place, OPENING)
    return backup


async def test_whoever_waits_is_told_how_far_a_backup_its_opening_and_its_restore_are() -> None:
    house = await lived_in()
    heard = Told()
    wanted = Wanted(families=frozenset(Family), signing_keys=True, seal=SEAL, actor="test", reason="nightly")
    done = await house.backing_up(wanted, tell=heard)
    steps = ("copying the ledger", "reading secrets", "sealing", "sealing")
    assert heard.said == [(doing, number, len(steps) - 1) for number, doing in enumerate(steps)]
    heard = Told()
    backup, _ = await house.checking(done.place, OPENING, tell=heard)
    opening = [("opening keys", number, len(done.kids)) for number, _ in enumerate(done.kids, 1)]
    assert heard.said == opening
    assert done.secrets == len(backup.secrets)
    heard = Told()
    await lost(house).restoring(done.place, OPENING, actor="test", reason="disk died", tell=heard)
    values = len(done.kids) + done.secrets
    assert heard.said == [*opening, ("putting values", 0, values), ("restoring the ledger", 0, 1)]


async def test_a_report_says_what_is_in_a_backup_and_a_restore_gives_the_same_one() -> None:
    house = await lived_in()
    entries = len(await house.world.trail.entries())
    done = await house.backed_up()
    _, report = await house.checking(done.place, OPENING)
    rings = {family: await house.world.ring(family) for family in Family}
    assert report.rings == {
        family: RingReport(
            generation=ring.generation,
            active_kid=ring.active.kid,
            opened=tuple(version.kid for version in ring.versions),
            without_material=(),
        )
        for family, ring in rings.items()
    }
    assert (report.made_at, report.environment, report.audit_entries) == (
        (await house.world.ledger.read(A)).now,
        house.backing_up.environment,
        entries,
    )
    assert (await lost(house).restored(done.place)).report == report


async def test_the_audit_names_the_file_of_a_backup_and_the_moment_that_a_restore_goes_back_to() -> None:
    house = await lived_in()
    done = await house.backed_up()
    made = (await house.world.trail.entries())[-1].fact
    assert made.detail == {"file": done.place, "sha256": done.sha256}
    house.world.clock.pass_time(W1)
    other = lost(house)
    await other.restoring(done.place, OPENING, actor="operator", reason="disk died")
    seam = next(entry.fact for entry in await other.world.trail.entries() if entry.fact.action == LEDGER_RESTORED)
    assert seam.detail == {"sha256": done.sha256, "made_at": made.at.isoformat()}
    assert (seam.actor, seam.reason) == ("operator", "disk died")


async def test_what_a_key_left_behind_it_keeps_no_later_key_out_of_a_backup() -> None:
    house = await lived_in()
    first = (await house.world.ring(J)).versions[0]
    await house.world.compromise(J, first.kid, actor="test", reason="leaked")
    done = await house.backed_up()
    assert done.left_out == ()
    assert {version.kid for version in (await house.world.ring(J)).accepted} <= set(done.kids)
    other = lost(house)
    await other.restored((await house.backed_up(signing_keys=False)).place)
    ring = await other.world.ring(J)
    assert ring.versions[0].state is not KeyState.ACTIVE
    assert ring.active.kid in (await other.backed_up()).kids


async def busy_house() -> tuple[House, BusyLedger]:
    clock = ManualClock(World().clock.read().wall)
    ledger = BusyLedger(clock)
    house = await lived_in(World(clock=clock, shared_ledger=ledger))
    ledger.copies = 0
    return house, ledger


async def test_a_key_that_goes_away_behind_the_copy_is_looked_at_again() -> None:
    house, ledger = await busy_house()
    kid = (await house.world.ring(J)).active.kid

    async def leak() -> None:
        ledger.behind_copy = None
        await house.world.compromise(J, kid, actor="test", reason="leaked")

    ledger.behind_copy = leak
    done = await house.backed_up()
    assert kid not in done.kids
    assert (await house.world.ring(J)).active.kid in done.kids


async def test_material_that_is_missing_is_told_at_once_where_the_ledger_stands_still() -> None:
    house, ledger = await busy_house()
    await house.world.store.delete(versions_folder(A).child(OLD))
    with pytest.raises(MaterialCorruptError, match=f"the material of {OLD} is missing"):
        await house.backed_up()
    assert ledger.copies == 1


async def test_material_that_is_missing_is_told_also_where_the_ledger_never_stands_still() -> None:
    house, ledger = await busy_house()
    await house.world.store.delete(versions_folder(A).child(OLD))

    async def change() -> None:
        ring = await house.world.ring(A)
        await ledger.commit(lambda at: touch(ring, at))

    ledger.behind_copy = change
    with pytest.raises(MaterialCorruptError, match=f"the material of {OLD} is missing"):
        await house.backed_up()
    assert ledger.copies > 1


async def test_a_restore_into_the_ledger_that_was_backed_up_is_refused() -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    with pytest.raises(RestoreRefusedError) as caught:
        await house.restored(place)
    assert str(caught.value) == (
        "the ledger holds rings or an audit trail already, and a restore never overwrites: restore into a new ledger,"
        " or use what is there"
    )


async def test_a_restore_of_another_backup_than_the_one_that_was_restored_is_refused() -> None:
    house = await lived_in()
    first, second = (await house.backed_up()).place, (await house.backed_up()).place
    other = lost(house)
    await other.restored(first)
    with pytest.raises(RestoreRefusedError):
        await other.restored(second)
    assert (await other.restored(first)).already


async def test_values_that_a_restore_would_overwrite_are_named_and_none_of_its_own() -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    other = lost(house)
    await other.put.new({NATS_URL: KeyMaterial(b"another"), DB_URL: KeyMaterial(b"another")})
    with pytest.raises(RestoreRefusedError) as caught:
        await other.restored(place)
    assert str(caught.value) == (
        f"the store holds other values at {DB_URL}, {NATS_URL}, and a restore never overwrites: nothing was changed;"
        " delete them first if they are to be restored"
    )


async def test_imported_keys_that_a_backup_does_not_know_are_named_and_orphans_and_damaged_lines_are_not() -> None:
    house = House(world=await World().initialised())
    place = (await house.backed_up()).place
    await house.migrated(changed(AUTH_ENC_KEYS=None, AUTH_ENC_ACTIVE_KID=None))
    at = house.world.clock.read().wall
    await house.world.make_key(POLICIES[J], Cause(at=at, actor="test", reason="died"))
    for number in range(20):
        await house.world.store.put_new(versions_folder(J).child(f"damaged_{number}"), KeyMaterial(b"nonsense"))
    imported = [version.kid for version in (await house.world.ring(J)).versions if version.derived_kid is not None]
    assert len(imported) > 1
    with pytest.raises(RestoreRefusedError) as caught:
        await without_ledger(house).restored(place)
    assert str(caught.value) == (
        f"the store shows {', '.join(sorted(imported))}, which the backup does not know: it is older than the store;"
        " nothing was changed. Run 'journal-keys recover', which takes every stored key in, or restore a younger backup"
    )


@FAMILIES
async def test_a_key_that_was_made_and_never_published_keeps_nobody_from_a_restore(family: Family) -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    at = house.world.clock.read().wall
    orphan = await house.world.make_key(POLICIES[family], Cause(at=at, actor="test", reason="died"))
    other = without_ledger(house)
    await other.restored(place)
    assert (await other.world.ring(family)).find(orphan.kid) is None


@FAMILIES
@pytest.mark.parametrize("hidden", list(combinations(range(LOOKS), 2)), ids=str)
async def test_two_hidden_answers_let_no_older_backup_in(family: Family, hidden: tuple[int, ...]) -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    house.world.clock.pass_time(W1)
    await house.world.rotated(family, "since")
    other = await without_ledger_and_hiding(house, versions_folder(family), hidden)
    with pytest.raises((RestoreRefusedError, SecretStoreError)):
        await other.restored(place)
    assert await other.world.ledger.heads() == {}


@pytest.mark.parametrize("hidden", list(combinations(range(LOOKS), 2)), ids=str)
async def test_two_hidden_answers_revive_no_compromised_key(hidden: tuple[int, ...]) -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    await house.world.compromise(A, OLD, actor="test", reason="leaked")
    other = await without_ledger_and_hiding(house, compromised_folder(A), hidden)
    try:
        outcome = await other.restored(place)
    except SecretStoreError:
        assert await other.world.ledger.heads() == {}
    else:
        assert outcome.compromised == (OLD,)
        assert (await other.world.ring(A)).get(OLD).state is KeyState.COMPROMISED


async def test_a_restore_puts_nothing_again_that_is_there() -> None:
    house = await lived_in()
    plan = FaultPlan(at=-1, kind=FaultKind.HANG)
    other = without_ledger(house, plan=plan)
    await other.restored((await house.backed_up()).place)
    markers = [path for path in other.secrets() if SecretPath.parse(path).name == MARKER_NAME]
    assert plan.calls.count("put_new") == len(markers)


async def test_a_restore_forgets_what_was_cached_of_the_values_that_it_put_and_nothing_else() -> None:
    house = await lived_in()
    other = lost(house)

    async def load(path: SecretPath) -> KeyMaterial:
        return KeyMaterial(f"of {path}".encode())

    for path in (OWN, DB_URL):
        await other.cache.get(path, load)
    await other.restored((await house.backed_up()).place)
    assert other.cache.peek(str(DB_URL)) is None
    assert other.cache.peek(str(OWN)) == f"of {OWN}"


async def test_a_restore_hints_at_every_ring_that_it_restored() -> None:
    house = await lived_in()
    other, hints = lost(house), Heard()
    restoring = replace(other.restoring, hints=hints)
    await restoring((await house.backed_up()).place, OPENING, actor="test", reason="disk died")
    assert hints.told == [(family, (await other.world.ring(family)).generation) for family in Family]


async def number_of(call: str, house: House, place: str) -> int:
    """The number of the first such call of a restore that nothing disturbs."""
    plan = FaultPlan(at=-1, kind=FaultKind.HANG)
    await lost(house, plan=plan).restored(place)
    return plan.calls.index(call)


async def test_names_that_could_not_be_written_are_told_and_written_by_the_same_restore_once_more() -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    plan = FaultPlan(at=await number_of("overwrite", house, place), kind=FaultKind.ERROR_BEFORE)
    other = lost(house, plan=plan)
    assert (await other.restored(place)).unfinished == "planned: no answer"
    again = await other.restored(place)
    assert (again.already, again.unfinished) == (True, None)
    assert other.secrets() == house.secrets()


async def test_a_ledger_that_was_refounded_without_an_answer_is_restored_and_one_that_was_not_is_told() -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    number = await number_of("refound", house, place)
    other = lost(house, plan=FaultPlan(at=number, kind=FaultKind.ERROR_AFTER))
    assert (await other.restored(place)).unfinished is None
    assert (await other.world.ring(A)).versions == (await house.world.ring(A)).versions
    other = lost(house, plan=FaultPlan(at=number, kind=FaultKind.ERROR_BEFORE))
    with pytest.raises(LedgerUnavailableError):
        await other.restored(place)
    assert await other.world.ledger.heads() == {}


@dataclass
class Rival(Progress):
    """Prepares somebody else's ledger for the moment in which a restore turns to its own."""

    ledger: MemoryLedger
    prepared: MemoryLedger

    def __call__(self, doing: str, done: int, total: int) -> None:  # noqa: ARG002 (as the port has it)
        if doing == "restoring the ledger":
            vars(self.ledger).update(vars(self.prepared))


async def restored_beside(house: House, place: str, rival: House) -> House:
    """Restore while another house's ledger comes into the place of the empty one."""
    other = lost(house)
    ledger, prepared = other.world.ledger, rival.world.ledger
    assert isinstance(ledger, MemoryLedger)
    assert isinstance(prepared, MemoryLedger)
    tell = Rival(ledger, prepared)
    await other.restoring(place, OPENING, actor="test", reason="disk died", tell=tell)
    return other


async def test_two_restores_of_one_backup_at_the_same_time_are_one() -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    rival = lost(house)
    await rival.restored(place)
    other = await restored_beside(house, place, rival)
    told = [entry.fact.action for entry in await other.world.trail.entries()]
    assert told.count(LEDGER_RESTORED) == 1


async def test_a_ledger_that_somebody_else_began_in_the_middle_of_a_restore_stays_and_is_named() -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    rival = House(world=await World(clock=house.world.clock, seed=60).initialised())
    before = await rival.world.ledger.heads()
    with pytest.raises(RestoreRefusedError, match=r"^the ledger holds rings or an audit trail already: nothing was"):
        await restored_beside(house, place, rival)
    assert await rival.world.ledger.heads() == before


async def test_a_key_is_at_hand_where_the_backup_has_it_whatever_the_store_holds() -> None:
    house = await lived_in()
    backup = await opened(house)
    other = lost(house)
    await other.put.mark(
        frozenset(folder(family) for family in Family for folder in (versions_folder, compromised_folder))
    )
    losses = await other.restoring.find_losses(backup)
    assert losses.at_hand == {(family, kid) for family, kept in backup.material.items() for kid in kept}
    assert losses.buried == frozenset()


@pytest.mark.parametrize("canary", ["", "AAAA"], ids=["nothing", "three bytes"])
async def test_a_canary_that_is_too_short_is_found_out(canary: str) -> None:
    house = await lived_in()
    backup = await opened(house)
    for kid in backup.canaries:
        wrong = replace(backup, canaries={**backup.canaries, kid: canary})
        place = await house.shelf.save(f"wrong-{kid}", backup_text(wrong), SEAL)
        with pytest.raises(MaterialCorruptError, match=kid):
            await house.checking(place, OPENING)


async def test_a_canary_that_is_none_is_found_out() -> None:
    house = await lived_in()
    backup = await opened(house)
    for kid in backup.canaries:
        wrong = replace(backup, canaries={**backup.canaries, kid: "no base64url!"})
        place = await house.shelf.save(f"wrong-{kid}", backup_text(wrong), SEAL)
        with pytest.raises(MaterialCorruptError, match=kid):
            await house.checking(place, OPENING)


@FAMILIES
async def test_a_line_that_the_ledger_of_a_backup_does_not_know_is_no_part_of_it(family: Family) -> None:
    backup = await opened(await lived_in())
    kept = backup.material[family]
    one, other, *_ = kept
    foreign = Kid("foreign")
    for lines, canaries in (
        ({**kept, one: kept[other]}, backup.canaries),
        ({**kept, foreign: kept[one]}, {**backup.canaries, foreign: backup.canaries[one]}),
    ):
        wrong = replace(backup, material={**backup.material, family: lines}, canaries=canaries)
        with pytest.raises(BackupContentError) as caught:
            read_backup(backup_text(wrong))
        assert str(caught.value) == "this is no backup of version 1, or it contradicts its own manifest"


def test_a_file_that_is_none_of_a_migration_is_refused_and_the_one_that_is_expected_is_named() -> None:
    with pytest.raises(BackupContentError) as caught:
        read_pre_image(KeyMaterial(b"{}"))
    assert str(caught.value) == ("this is not what 'migration migrate' writes first: expected a file of it, version 1")
