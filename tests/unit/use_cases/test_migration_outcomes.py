"""What a migration tells, audits and leaves in full, and what it does where store or ledger are not as it expects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain import material
from journal_keys.domain.changes import AuditFact, RingChange, Transition
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.keys import Algorithm, Family, Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord
from journal_keys.domain.migration import (
    DEFAULT_MAP,
    ConflictError,
    PlanLine,
    Resolutions,
    Step,
    refuse_conflicts,
)
from journal_keys.domain.paths import MARKER_NAME, SecretPath, versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.ports.foreign_keys import WorkForm
from journal_keys.ports.ledger import LedgerUnavailableError
from journal_keys.ports.secret_store import SecretStoreProtocolError
from journal_keys.use_cases.keep_pre_image import COMPLETED, open_migration
from journal_keys.use_cases.migrate_secrets import Migrated, Move
from journal_keys.use_cases.prove_migration import MigrationUnprovedError
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.heard import Heard
from tests.support.hiding import Hiding
from tests.support.imported import admitted, aes_json, work_reader
from tests.support.moving import DB_URL, ENVIRONMENT, SEAL, House, Told, changed, cut_short, occupied
from tests.support.process import Process
from tests.support.views import PROFILE
from tests.support.world import START, WINDOWS, World

A = Family.AES
OTHER_SECRET = SecretPath.parse("/application/other")


async def test_a_migration_tells_how_far_it_is() -> None:
    house, told = await occupied(), Told()
    named = Resolutions(overwrite=frozenset({"JOURNAL_DB_URL_SYNC"}))
    move = Move(resolutions=named, seal=SEAL, actor="test", reason="moving in")
    done = await house.migrating(ENVIRONMENT, DEFAULT_MAP, move, tell=told)
    assert isinstance(done, Migrated)
    assert told.said == [
        ("planning", 0, 1),
        ("setting secrets", 0, len(ENVIRONMENT.keys() & DEFAULT_MAP.secrets.keys())),
        *(("taking keys in", number, len(Family)) for number in range(len(Family))),
        *(("reading what the keys made before", number, done.proved) for number in range(done.proved)),
    ]


async def test_the_end_of_a_migration_is_audited_with_its_pre_image() -> None:
    house = House()
    done = await house.migrated()
    assert isinstance(done, Migrated)
    assert (await house.world.trail.entries())[-1].fact == AuditFact(
        at=START,
        actor="test",
        action=COMPLETED,
        family=None,
        kid=None,
        reason="moving in",
        detail={"pre_image": done.pre_image},
    )


async def test_a_migration_hints_at_each_ring_and_its_generation() -> None:
    heard = Heard()
    house = House(world=World(hints=heard))
    await house.migrated()
    assert heard.told == [(family, (await house.world.ring(family)).generation) for family in Family]


async def test_a_moved_secret_is_forgotten_by_the_cache_and_no_other_is() -> None:
    house = House()

    async def load(_: SecretPath) -> KeyMaterial:
        return KeyMaterial(b"of before")

    for path in (DB_URL, OTHER_SECRET):
        await house.cache.get(path, load)
    await house.migrated()
    assert [house.cache.peek(str(path)) for path in (DB_URL, OTHER_SECRET)] == [None, "of before"]


async def test_the_plan_tells_of_each_secret_what_is_there_and_why() -> None:
    house = await occupied()
    await house.put.new({DEFAULT_MAP.secrets["JOURNAL_NATS_URL"]: ENVIRONMENT["JOURNAL_NATS_URL"]})
    kept = Resolutions(keep=frozenset({"JOURNAL_INFISICAL_WEBHOOK_SECRET"}))
    plan = await house.planned(changed(JOURNAL_OTLP_ENDPOINT=b"http://otlp:4317"), resolutions=kept)
    found = {line.variable: line for line in plan.lines}
    assert {name: (found[name].step, found[name].because) for name in found if name in DEFAULT_MAP.secrets} == {
        "JOURNAL_DB_URL_SYNC": (Step.CONFLICT, "another value is there"),
        "JOURNAL_NATS_URL": (Step.SAME, ""),
        "JOURNAL_INFISICAL_WEBHOOK_SECRET": (Step.KEEP, "somebody said so"),
        "JOURNAL_OTLP_ENDPOINT": (Step.COPY, ""),
    }
    other, same = found["JOURNAL_DB_URL_SYNC"], found["JOURNAL_NATS_URL"]
    assert other.there not in {None, other.here}
    assert same.there == same.here
    assert found["JOURNAL_OTLP_ENDPOINT"].there is None


def test_all_conflicts_are_told_at_once_with_what_can_be_said_to_each() -> None:
    line = PlanLine(
        variable="JOURNAL_X", target="a ring", step=Step.CONFLICT, here=None, there=None, because="it is short"
    )
    with pytest.raises(ConflictError) as caught:
        refuse_conflicts([line, replace(line, step=Step.COPY), replace(line, variable="JOURNAL_Y")])
    assert str(caught.value) == (
        "nothing was changed, because of 2 conflicts: JOURNAL_X (a ring): it is short; JOURNAL_Y (a ring): it is short."
        " Say for each --keep VARIABLE (or the kid), or, where a secret is to be replaced, --overwrite VARIABLE; for a"
        " path, put its key into the environment, move it away, or say --overwrite PATH"
    )


LINES: Mapping[str, Callable[[MaterialRecord], KeyMaterial]] = {
    "no record": lambda _: KeyMaterial(b"no record"),
    "another key that gives itself out for this one": lambda record: material.encode(
        replace(record, key=KeyMaterial(b"another key of thirty-two bytes."))
    ),
    "this key for another algorithm": lambda record: material.encode(replace(record, algorithm=Algorithm.FERNET)),
    "this key as one that was made here": lambda record: material.encode(replace(record, derived_kid=None)),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
async def test_other_material_under_a_kid_in_the_store_is_a_conflict(
    line: Callable[[MaterialRecord], KeyMaterial],
) -> None:
    house = House(world=await World().initialised())
    key = next(one.key for one in (await house.planned()).keys if one.kid == "old_1")
    await house.world.store.put_new(versions_folder("aes").child("old_1"), line(key.record))
    before = house.secrets()
    with pytest.raises(ConflictError, match="old_1: the store has other material of this kid"):
        await house.migrated()
    assert house.secrets() == before


async def test_a_migration_that_is_open_goes_on_with_its_pre_image_unless_that_is_given_up() -> None:
    house = House()
    keep = partial(house.keep, await house.planned(), seal=SEAL, actor="test", reason="moving in")
    opened = await keep()
    assert await open_migration(house.world.trail) == opened
    assert await keep() == opened
    assert (await keep(anew=True)).pre_image != opened.pre_image


async def test_what_an_open_migration_does_not_cover_is_named_secrets_and_keys() -> None:
    house = await cut_short()
    more = changed(AUTH_ENC_KEYS=aes_json("old_1", "old-2", "new_3"), JOURNAL_OTLP_ENDPOINT=b"http://otlp:4317")
    covered = "does not cover /infrastructure/otlp_endpoint, aes:new_3: complete it with what it began with, or roll it"
    with pytest.raises(ConflictError, match=f"{covered} back$"):
        await house.migrated(more)


async def test_a_path_that_is_read_with_two_answers_is_in_no_pre_image() -> None:
    plain = MemorySecretStore()
    await plain.put_new(DB_URL, KeyMaterial(b"another"))
    looks_of_plan, looks_before = 1, 1
    house = House(world=World(store=Hiding(plain, DB_URL.folder, looks_of_plan + looks_before)))
    with pytest.raises(SecretStoreProtocolError, match=f"^{DB_URL} was read twice with two answers: nothing was"):
        await house.migrated()
    assert await house.shelf.listed() == []


async def test_where_no_key_is_in_use_no_more_keys_are_made_than_the_ring_has() -> None:
    house = House()
    await house.migrated({"JOURNAL_JWT_SECRET": ENVIRONMENT["JOURNAL_JWT_SECRET"]})
    for family in Family:
        stored = (await house.world.store.read_folder(versions_folder(family))).secrets.keys() - {MARKER_NAME}
        assert stored == {version.kid for version in (await house.world.ring(family)).versions}


async def test_a_key_that_another_run_took_in_meanwhile_is_not_taken_in_twice() -> None:
    house = House(world=await World().initialised())
    plan = await house.planned()
    await admitted(house.world, A, *(one.key for one in plan.of_family(A) if one.kid == "old_1"))
    await house.migrating.take_in(plan, A, Cause(at=plan.at, actor="test", reason="moving in"))
    kids = [version.kid for version in (await house.world.ring(A)).versions]
    assert sorted(kid for kid in kids if kid.startswith("old")) == ["old-2", "old_1"]


async def test_material_that_reads_back_as_another_founds_no_ring() -> None:
    plan = FaultPlan(at=-1, kind=FaultKind.GARBAGE)
    house = House(plan=plan)
    planned = await house.planned()
    put_and_read_back = len(planned.of_family(A)) + 1
    plan.at = len(plan.calls) + put_and_read_back
    with pytest.raises(MaterialCorruptError, match=r"^old_1 reads back with other content than was written$"):
        await house.migrating.take_in(planned, A, Cause(at=planned.at, actor="test", reason="moving in"))
    assert await house.world.ledger.heads() == {}


class Unanswering(MemoryLedger):
    """A ledger that commits nothing, and does not say so."""

    async def commit(self, transition: Transition) -> RingChange:  # noqa: ARG002 (it is not made)
        raise LedgerUnavailableError("no answer")


async def test_a_ledger_that_never_answers_is_told_as_that() -> None:
    clock = ManualClock(START)
    house = House(world=World(clock=clock, shared_ledger=Unanswering(clock, WINDOWS.skew)))
    with pytest.raises(LedgerUnavailableError, match="no answer"):
        await house.migrated()


class Losing(MemorySecretStore):
    """A store that loses secrets as soon as the last of the guide's names is written."""

    def __init__(self, *lost: SecretPath) -> None:
        super().__init__()
        self.lost = lost

    async def overwrite(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        await super().overwrite(values)
        if any(path.name == "keys_map" for path in values):
            for path in self.lost:
                await self.delete(path)


async def test_keys_whose_work_is_not_read_are_named_and_the_migration_stays_open() -> None:
    lost = [Kid("old_0"), Kid("old_1")]
    house = House(world=World(store=Losing(*map(versions_folder("aes").child, lost))))
    with pytest.raises(MigrationUnprovedError) as caught:
        await house.migrated(changed(AUTH_ENC_KEYS=aes_json(*lost, "old-2")))
    assert str(caught.value) == (
        f"what {', '.join(lost)} made before is not read through the rings: the migration is not complete;"
        " 'migration rollback' leads back"
    )
    assert await open_migration(house.world.trail) is not None


@dataclass
class Slow(Hiding):
    """A store that takes very long to create its first secret."""

    clock: ManualClock
    takes: timedelta

    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:
        self.clock.pass_time(self.takes)
        self.takes = timedelta()
        await super().put_new(path, value)


async def test_tokens_that_end_while_the_migration_runs_do_not_stop_it() -> None:
    clock = ManualClock(START)
    store = Slow(MemorySecretStore(), DB_URL, 0, clock, PROFILE.longest_token + 2 * WINDOWS.leeway)
    house = House(world=World(clock=clock, store=store))
    works = await house.works()
    done = await house.migrated()
    assert isinstance(done, Migrated)
    assert done.proved == len(works)
    read = work_reader(await Process(house.world).refresh())
    assert {work.form for work in works if not read.reads(work)} == {WorkForm.TOKEN}
