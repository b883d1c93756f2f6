"""Moving in: planned without a secret, stopped by conflicts, proved by what the keys made before, done once."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from journal_keys.domain.errors import InvalidNameError
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Algorithm, Family, KeyState, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.migration import (
    DEFAULT_MAP,
    AesKeyVariables,
    ConflictError,
    ItemStatus,
    MigrationMap,
    MigrationMapError,
    Resolutions,
    Step,
)
from journal_keys.domain.paths import BACKED_UP, MARKER_NAME, SecretPath, family_folder, versions_folder
from journal_keys.ports.backup_shelf import BackupDamagedError, BackupMissingError
from journal_keys.ports.foreign_keys import ForeignKeyError
from journal_keys.ports.secret_store import SecretStoreUnavailableError
from journal_keys.use_cases.init_rings import LedgerMissingError
from journal_keys.use_cases.migrate_secrets import Migrated, Move, NothingToMigrate
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.hiding import Hiding
from tests.support.imported import P256, aes_json, foreign_keys, pem, text_key
from tests.support.moving import DB_URL, ENVIRONMENT, SEAL, House, changed, cut_short, occupied
from tests.support.world import START, W1, W2, WINDOWS, World

J, A = Family.JWT, Family.AES
OTHER = ed25519.Ed25519PrivateKey.from_private_bytes(b"another seed of thirty-two bytes")


async def test_an_environment_moves_into_an_empty_world_and_everything_made_before_is_read() -> None:
    house = House()
    works = await house.works()
    outcome = await house.migrated()
    assert isinstance(outcome, Migrated)
    assert outcome.proved == len(works) == 5
    assert set(outcome.moved) == {
        "JOURNAL_JWT_PRIVATE_KEY",
        "JOURNAL_JWT_DEV_PRIVATE_KEY_PEM",
        "JOURNAL_JWT_SECRET",
        "AUTH_ENC_KEYS",
        "JOURNAL_DB_URL_SYNC",
        "JOURNAL_NATS_URL",
        "JOURNAL_INFISICAL_WEBHOOK_SECRET",
    }
    assert await house.unread(works) == []
    jwt, aes = await house.world.ring(J), await house.world.ring(A)
    assert jwt.active.derived_kid == jwt.active.kid
    assert {v.kid: (v.state, v.algorithm) for v in jwt.versions if v.state is KeyState.DEACTIVATED} == {
        "dev-key": (KeyState.DEACTIVATED, Algorithm.ES256),
        works[2].kid: (KeyState.DEACTIVATED, Algorithm.HS256),
    }
    assert (aes.active.kid, aes.get(Kid("old_1")).state) == ("old-2", KeyState.DEACTIVATED)
    assert all(ring.staged and ring.staged.derived_kid is None for ring in (jwt, aes))
    secrets = house.secrets()
    assert secrets["/database/db_url_sync"] == b"postgresql://app:a-db-passw0rd@db/journal"
    assert secrets["/auth/webhooks/infisical_secret"] == b"a webhook secret of before"
    assert secrets["/auth/aes/active_kid"] == b"old-2"
    await house.world.verify_audit()


async def test_a_second_run_changes_nothing() -> None:
    house = House()
    await house.migrated()
    before = (house.secrets(), [await house.world.ring(family) for family in Family], await house.world.trail.head())
    assert await house.migrated() == NothingToMigrate(items=8)
    after = (house.secrets(), [await house.world.ring(family) for family in Family], await house.world.trail.head())
    assert before == after
    assert len(await house.shelf.listed()) == 1


async def test_the_plan_tells_each_item_and_no_secret() -> None:
    house = House()
    plan = await house.planned()
    told = repr(plan.lines)
    window_s = WINDOWS.promote_to_retire.total_seconds()
    because = {line.variable: line.because for line in plan.lines}
    assert because["JOURNAL_JWT_SECRET"] == f"it verifies for {window_s:g} s, and signs nothing more"
    assert because["JOURNAL_JWT_PRIVATE_KEY"] == "it goes on being the one in use"
    assert {line.step for line in plan.lines} == {Step.COPY, Step.MAKE}
    assert {line.target for line in plan.lines} >= {"/database/db_url_sync", "aes ring: old-2", "jwt ring", "aes ring"}
    for value in ENVIRONMENT.values():
        if len(value) > 10:
            assert expose(value).decode() not in told
    assert "passw0rd" not in told
    assert house.secrets() == {}
    assert (await house.world.ledger.heads()) == {}
    again = await house.planned()
    assert [line.here for line in again.lines] != [line.here for line in plan.lines], "fingerprints are of one run"


async def test_a_ring_that_is_there_takes_the_keys_in_and_goes_on_with_its_own() -> None:
    house = House(world=await World().initialised())
    before = {family: await house.world.ring(family) for family in Family}
    works = await house.works()
    await house.migrated()
    for family in Family:
        after = await house.world.ring(family)
        assert after.active == before[family].active
        assert after.staged == before[family].staged
        assert after.generation == before[family].generation + 1
    assert await house.unread(works) == []


async def test_of_an_environment_without_keys_in_use_the_first_keys_are_made() -> None:
    house = House()
    source = {name: ENVIRONMENT[name] for name in ("JOURNAL_JWT_SECRET",)}
    works = await house.works(source)
    await house.migrated(source)
    ring = await house.world.ring(J)
    assert (ring.active.algorithm, ring.active.derived_kid) == (Algorithm.EDDSA, None)
    assert await house.unread(works) == []
    assert (await house.world.ring(A)).active.derived_kid is None


CONFLICTS: Mapping[str, tuple[dict[str, KeyMaterial], str]] = {
    "no key": (changed(JOURNAL_JWT_PRIVATE_KEY=b"not PEM"), "JOURNAL_JWT_PRIVATE_KEY .*expected a private key in PEM"),
    "another public half": (changed(JOURNAL_JWT_PRIVATE_KEY=pem(P256)), "JOURNAL_JWT_PRIVATE_KEY .*not that of the"),
    "a public half alone": (changed(JOURNAL_JWT_PRIVATE_KEY=None), "JOURNAL_JWT_PUBLIC_KEY .*without"),
    "a kid alone": (changed(JOURNAL_JWT_DEV_PRIVATE_KEY_PEM=None), "JOURNAL_JWT_DEV_KEY_ID .*without"),
    "a malformed kid": (changed(JOURNAL_JWT_DEV_KEY_ID=b"1 2"), "DEV_PRIVATE_KEY_PEM .*expected a kid"),
    "a short secret": (changed(JOURNAL_JWT_SECRET=b"short"), "JOURNAL_JWT_SECRET .*32 bytes at least"),
    "no keys": (changed(AUTH_ENC_KEYS=b"{}"), "AUTH_ENC_KEYS .*expected a JSON object"),
    "an active kid alone": (changed(AUTH_ENC_KEYS=None), "AUTH_ENC_ACTIVE_KID .*without"),
    "an active kid of no key": (changed(AUTH_ENC_ACTIVE_KID=b"other"), "AUTH_ENC_ACTIVE_KID .*no key of"),
    "a malformed active kid": (changed(AUTH_ENC_ACTIVE_KID=b"1"), "AUTH_ENC_ACTIVE_KID .*expected a kid"),
    "no active kid for several": (changed(AUTH_ENC_ACTIVE_KID=None), "AUTH_ENC_KEYS .*2 keys: AUTH_ENC_ACTIVE_KID"),
}


@pytest.mark.parametrize(("source", "said"), CONFLICTS.values(), ids=CONFLICTS.keys())
async def test_what_cannot_be_used_stops_everything_unless_it_is_kept_by_name(
    source: dict[str, KeyMaterial], said: str
) -> None:
    house = House()
    with pytest.raises(ConflictError, match=said) as caught:
        await house.migrated(source)
    assert house.secrets() == {}
    assert list(await house.shelf.listed()) == []
    name = said.split(" ", maxsplit=1)[0]
    variable = next(variable for variable in source if variable.endswith(name))
    assert variable in str(caught.value)
    plan = await house.planned(source, resolutions=Resolutions(keep=frozenset({variable})))
    assert next(line.step for line in plan.lines if line.variable == variable) is Step.KEEP
    plan.check()


async def test_one_aes_key_needs_no_active_kid() -> None:
    house = House()
    await house.migrated(changed(AUTH_ENC_KEYS=aes_json("only"), AUTH_ENC_ACTIVE_KID=None))
    assert (await house.world.ring(A)).active.kid == "only"


async def test_another_value_in_the_store_is_a_conflict_that_only_its_name_resolves() -> None:
    house = await occupied()
    before = house.secrets()
    with pytest.raises(ConflictError, match=r"JOURNAL_DB_URL_SYNC .*another value is there"):
        await house.migrated()
    assert house.secrets() == before
    with pytest.raises(ConflictError):
        await house.migrated(resolutions=Resolutions(overwrite=frozenset({"JOURNAL_NATS_URL"})))
    await house.migrated(resolutions=Resolutions(keep=frozenset({"JOURNAL_DB_URL_SYNC"})))
    assert house.secrets()[str(DB_URL)] == b"another"


async def test_it_is_overwritten_where_somebody_says_so() -> None:
    house = await occupied()
    await house.migrated(resolutions=Resolutions(overwrite=frozenset({"JOURNAL_DB_URL_SYNC"})))
    assert house.secrets()[str(DB_URL)] == expose(ENVIRONMENT["JOURNAL_DB_URL_SYNC"])


@pytest.mark.parametrize(
    "resolutions",
    [
        Resolutions(keep=frozenset({"JOURNAL_DB_URL_SINC"})),
        Resolutions(keep=frozenset({"JOURNAL_NATS_URL"}), overwrite=frozenset({"JOURNAL_NATS_URL"})),
    ],
    ids=["mistyped", "both ways"],
)
async def test_a_resolution_of_nothing_is_refused(resolutions: Resolutions) -> None:
    with pytest.raises(InvalidNameError, match="JOURNAL_"):
        await House().migrated(resolutions=resolutions)


async def test_a_kid_that_the_ring_has_for_another_key_is_a_conflict_and_is_never_overwritten() -> None:
    house = House()
    await house.migrated(changed(AUTH_ENC_KEYS=aes_json("old_1", "old-2", seed=80)))
    for named in (Resolutions(), Resolutions(overwrite=frozenset({"AUTH_ENC_KEYS"}))):
        with pytest.raises(ConflictError, match="another key of this kid"):
            await house.migrated(resolutions=named)
    assert await house.migrated(resolutions=Resolutions(keep=frozenset({"old_1", "old-2"}))) == NothingToMigrate(
        items=8
    )


async def test_a_compromised_kid_is_not_revived_and_the_others_may_come() -> None:
    house = House()
    await house.migrated(changed(AUTH_ENC_KEYS=aes_json("old-2"), AUTH_ENC_ACTIVE_KID=None))
    await house.world.compromise(A, Kid("old-2"), actor="test", reason="leaked")
    source = changed(AUTH_ENC_KEYS=aes_json("old-2", "old_9"))
    with pytest.raises(ConflictError, match="COMPROMISED"):
        await house.migrated(source)
    await house.migrated(source, resolutions=Resolutions(keep=frozenset({"old-2"})))
    assert (await house.world.ring(A)).get(Kid("old_9")).is_accepted


async def test_a_tombstone_speaks_where_the_ledger_is_new() -> None:
    house = House()
    await house.migrated()
    await house.world.compromise(A, Kid("old_1"), actor="test", reason="leaked")
    other = House(world=World(clock=house.world.clock))
    stone = SecretPath.parse("/auth/aes/compromised/old_1")
    await other.world.store.put_new(stone, KeyMaterial(house.secrets()[str(stone)]))
    with pytest.raises(ConflictError, match="tombstone"):
        await other.migrated()


async def test_two_variables_with_one_kid_are_a_conflict() -> None:
    with pytest.raises(ConflictError, match="JOURNAL_JWT_PRIVATE_KEY has a key of the same kid"):
        await House().migrated(
            changed(JOURNAL_JWT_DEV_PRIVATE_KEY_PEM=ENVIRONMENT["JOURNAL_JWT_PRIVATE_KEY"], JOURNAL_JWT_DEV_KEY_ID=None)
        )


async def test_a_kid_that_the_other_ring_uses_is_a_conflict() -> None:
    shared = changed(JOURNAL_JWT_DEV_KEY_ID=b"old-2")
    with pytest.raises(ConflictError, match="DEV_PRIVATE_KEY_PEM has a key of the same kid"):
        await House().migrated(shared)
    house = House()
    await house.migrated(changed(AUTH_ENC_KEYS=None, AUTH_ENC_ACTIVE_KID=None, JOURNAL_JWT_DEV_KEY_ID=b"old-2"))
    with pytest.raises(ConflictError, match="the jwt ring has a key of this kid"):
        await house.migrated(changed(JOURNAL_JWT_DEV_PRIVATE_KEY_PEM=None, JOURNAL_JWT_DEV_KEY_ID=None))


async def test_two_keys_of_one_algorithm_that_no_token_names_are_a_conflict() -> None:
    nameless = changed(JOURNAL_JWT_DEV_PRIVATE_KEY_PEM=pem(OTHER), JOURNAL_JWT_DEV_KEY_ID=None)
    with pytest.raises(ConflictError, match="JOURNAL_JWT_PRIVATE_KEY has a EdDSA key without a kid, too"):
        await House().migrated(nameless)
    house = House()
    await house.migrated()
    with pytest.raises(ConflictError, match="is a HS256 key without a kid, too"):
        await house.migrated(changed(JOURNAL_JWT_SECRET=b"another secret for HS256 of 39 bytes..."))


def test_the_marker_is_no_kid() -> None:
    with pytest.raises(ForeignKeyError):
        foreign_keys(World()).aes_keys(aes_json(MARKER_NAME), created_at=START)


async def test_the_plan_says_of_one_key_only_that_it_stays_in_use() -> None:
    because = {line.target: line.because for line in (await House().planned()).lines}
    assert [target for target, why in because.items() if "in use" in why and "ring:" in target] == [
        next(target for target in because if target.startswith("jwt ring: jwt_")),
        "aes ring: old-2",
    ]


async def test_an_open_migration_is_completed_with_what_it_began_with_or_not_at_all() -> None:
    house = await cut_short()
    with pytest.raises(ConflictError, match="does not cover /infrastructure/otlp_endpoint"):
        await house.migrated(changed(JOURNAL_OTLP_ENDPOINT=b"http://otlp:4317"))
    assert "/infrastructure/otlp_endpoint" not in house.secrets()
    assert isinstance(await house.migrated(), Migrated)
    assert isinstance(await house.migrated(changed(JOURNAL_OTLP_ENDPOINT=b"http://otlp:4317")), Migrated)


async def test_a_lost_pre_image_can_be_given_up() -> None:
    house = await cut_short()
    elsewhere = House(world=house.world)
    with pytest.raises(BackupMissingError):
        await elsewhere.migrated()
    move = Move(resolutions=Resolutions(), seal=SEAL, actor="test", reason="its disk died", anew=True)
    assert isinstance(await elsewhere.migrating(ENVIRONMENT, DEFAULT_MAP, move), Migrated)
    assert len(await elsewhere.shelf.listed()) == 1


async def test_a_key_that_ended_in_its_ring_is_done_with() -> None:
    house = House()
    await house.migrated()
    house.world.clock.pass_time(W2)
    for family in Family:
        await house.world.reconciled(family)
    found = {one.variable: one for one in await house.statuses(ENVIRONMENT, DEFAULT_MAP)}
    assert (found["JOURNAL_JWT_SECRET"].state, found["JOURNAL_JWT_SECRET"].removable) == ("migrated", True)
    assert found["JOURNAL_JWT_SECRET"].because == "it ended: DESTROYED"
    assert isinstance(await house.migrated(), NothingToMigrate)


async def test_keys_of_a_lost_ledger_are_not_founded_anew() -> None:
    house = House()
    await house.migrated()
    lost = House(world=World(clock=house.world.clock, store=house.world.store))
    with pytest.raises(LedgerMissingError, match="recover"):
        await lost.migrated()


@pytest.mark.parametrize(
    ("folder", "times"),
    [
        pytest.param(versions_folder("aes"), 2, id="of keys, to the plan and once behind it"),
        pytest.param(family_folder("aes"), 1, id="of the guide's names"),
    ],
)
async def test_a_hidden_answer_does_not_found_a_ring_over_keys_of_a_lost_ledger(folder: SecretPath, times: int) -> None:
    house = House(world=await World().initialised(A))
    before = house.secrets()
    lost = House(world=World(clock=house.world.clock, store=Hiding(house.world.store, folder, times)))
    with pytest.raises(LedgerMissingError, match="recover"):
        await lost.migrated()
    assert house.secrets() == before
    assert await lost.world.ledger.heads() == {}


async def test_a_run_that_was_cut_short_is_completed_by_the_next_one_with_the_first_ones_pre_image() -> None:
    house = await cut_short()
    works = await house.works()
    first = [one.name for one in await house.shelf.listed()]
    assert len(first) == 1
    house.world.clock.pass_time(10 * W1)
    outcome = await house.migrated()
    assert isinstance(outcome, Migrated)
    assert [one.name for one in await house.shelf.listed()] == first
    assert outcome.pre_image.endswith(first[0])
    assert await house.unread(works) == []
    assert isinstance(await house.migrated(), NothingToMigrate)


async def test_a_run_goes_on_only_with_the_pre_image_of_its_beginning() -> None:
    house = await cut_short()
    elsewhere = House(world=house.world)
    with pytest.raises(BackupMissingError):
        await elsewhere.migrated()
    name = (await house.shelf.listed())[0].name
    await elsewhere.shelf.save(name, KeyMaterial(b"another"), SEAL)
    with pytest.raises(BackupDamagedError, match="not the file with which"):
        await elsewhere.migrated()


async def test_a_store_that_fails_once_is_asked_again_by_the_next_run() -> None:
    plan = FaultPlan(at=44, kind=FaultKind.ERROR_BEFORE)
    first = House(plan=plan)
    with suppress(SecretStoreUnavailableError):
        await first.migrated()
    assert isinstance(await House(world=first.world, kept=first.kept).migrated(), Migrated | NothingToMigrate)


async def test_fernet_keys_come_with_a_map_that_names_them() -> None:
    house = House()
    chosen = MigrationMap(secrets={}, fernet_keys=("APP_FERNET",))
    source = {"APP_FERNET": KeyMaterial(f"{text_key(1)},{text_key(2)}".encode())}
    plan = await house.planned(source, chosen)
    works = plan.works
    await house.migrated(source, chosen)
    assert len(works) == 2
    assert await house.unread(works) == []


async def test_status_says_what_is_where_and_what_the_environment_may_forget() -> None:
    house = await occupied()
    before = {one.variable: one for one in await house.statuses(ENVIRONMENT, DEFAULT_MAP)}
    assert before["JOURNAL_DB_URL_SYNC"].state == "differs"
    assert before["JOURNAL_NATS_URL"].state == "missing"
    assert before["JOURNAL_REDIS_URL"] == ItemStatus(
        variable="JOURNAL_REDIS_URL", target="-", state="absent", removable=False, because="it is not set"
    )
    assert not any(one.removable for one in before.values())
    source = changed(JOURNAL_REDIS_URL=b"redis://r:6379/0")
    await house.migrated(source, resolutions=Resolutions(overwrite=frozenset({"JOURNAL_DB_URL_SYNC"})))
    after = {one.variable: one for one in await house.statuses(source, DEFAULT_MAP)}
    assert {one.state for name, one in after.items() if name in source and one.state != "absent"} == {"migrated"}
    assert (after["JOURNAL_JWT_PUBLIC_KEY"].state, after["JOURNAL_JWT_PUBLIC_KEY"].removable) == ("migrated", True)
    assert after["AUTH_ENC_ACTIVE_KID"] == ItemStatus(
        variable="AUTH_ENC_ACTIVE_KID", target="-", state="migrated", removable=True, because="with AUTH_ENC_KEYS"
    )
    assert not after["JOURNAL_REDIS_URL"].removable
    assert after["JOURNAL_REDIS_URL"].because == "this package reads it at its start"
    moved = {name for name, one in after.items() if one.removable}
    assert moved == {line for line in after if after[line].state == "migrated"} - {"JOURNAL_REDIS_URL"}


async def test_what_was_not_moved_says_why_and_keeps_what_stands_beside_it() -> None:
    house = House()
    await house.migrated()
    source = changed(AUTH_ENC_KEYS=aes_json("old_1", "old-2", "new_3"), JOURNAL_JWT_SECRET=b"short")
    found = [one for one in await house.statuses(source, DEFAULT_MAP) if one.state != "absent" and not one.removable]
    beside = "not all that it holds was moved"
    short = (
        "a secret for HS256 has 32 bytes at least (RFC 7518 \u00a73.2), not 5: tokens of a shorter one can be forged"
    )
    assert [(one.variable, one.target, one.state, one.because) for one in found] == [
        ("JOURNAL_JWT_SECRET", "a ring", "unusable", short),
        ("AUTH_ENC_KEYS", "aes ring: old_1", "migrated", beside),
        ("AUTH_ENC_KEYS", "aes ring: old-2", "migrated", beside),
        ("AUTH_ENC_KEYS", "aes ring: new_3", "missing", "it decrypts, and encrypts nothing more"),
        ("AUTH_ENC_ACTIVE_KID", "-", "migrated", beside),
    ]


async def test_what_says_something_of_a_key_may_go_no_sooner_than_the_worst_of_that_variable() -> None:
    house = House()
    await house.migrated()
    source = changed(AUTH_ENC_KEYS=aes_json("new_3", "old_1", "old-2"))
    found = {one.variable: one for one in await house.statuses(source, DEFAULT_MAP) if one.target == "-"}
    kid, public = found["AUTH_ENC_ACTIVE_KID"], found["JOURNAL_JWT_PUBLIC_KEY"]
    assert (kid.state, kid.removable) == ("missing", False)
    assert (public.state, public.removable, public.because) == ("migrated", True, "with JOURNAL_JWT_PRIVATE_KEY")


@pytest.mark.parametrize(
    ("source", "variable", "state"),
    [
        pytest.param(changed(JOURNAL_JWT_PUBLIC_KEY=None), "JOURNAL_JWT_PUBLIC_KEY", "absent", id="not set"),
        pytest.param(changed(JOURNAL_JWT_PRIVATE_KEY=None), "JOURNAL_JWT_PUBLIC_KEY", "unusable", id="set alone"),
        pytest.param(changed(AUTH_ENC_ACTIVE_KID=b"other"), "AUTH_ENC_ACTIVE_KID", "unusable", id="of no key"),
    ],
)
async def test_what_says_something_of_a_key_has_one_status(
    source: dict[str, KeyMaterial], variable: str, state: str
) -> None:
    house = House()
    await house.migrated()
    assert [one.state for one in await house.statuses(source, DEFAULT_MAP) if one.variable == variable] == [state]


async def test_nothing_may_be_forgotten_while_a_migration_is_open() -> None:
    house = await cut_short()
    found = await house.statuses(ENVIRONMENT, DEFAULT_MAP)
    assert not any(one.removable for one in found)
    moved = {one.because for one in found if one.state == "migrated"}
    assert "a migration is open: run 'migration migrate' again" in moved


async def test_a_key_whose_work_is_not_read_may_not_be_forgotten() -> None:
    house = House()
    await house.migrated()
    await house.world.store.delete(versions_folder("aes").child("old_1"))
    fresh = House(world=house.world)
    found = {one.target: one for one in await fresh.statuses(ENVIRONMENT, DEFAULT_MAP)}
    assert not found["aes ring: old_1"].removable
    assert found["aes ring: old_1"].because == "what its keys made before is not read"
    assert not found["aes ring: old-2"].removable


MAPS = {
    "a variable twice": (lambda: MigrationMap(secrets={}, shared_secrets=("X", "X")), "X comes twice"),
    "a path twice": (lambda: MigrationMap(secrets={"X": DB_URL, "Y": DB_URL}), "db_url_sync comes twice"),
    "a path in no backup": (
        lambda: MigrationMap(secrets={"X": SecretPath.parse("/payments/key")}),
        f"in no backup: expected a secret in one of {', '.join(map(str, BACKED_UP))}$",
    ),
    "a ring's path": (
        lambda: MigrationMap(secrets={"X": SecretPath.parse("/auth/aes/keys_map")}),
        "belongs to a ring",
    ),
    "keys and kid the same": (
        lambda: MigrationMap(secrets={}, aes_keys=(AesKeyVariables(keys="X", active_kid="X"),)),
        "X comes twice",
    ),
}


@pytest.mark.parametrize(("make", "said"), MAPS.values(), ids=MAPS.keys())
def test_a_map_that_contradicts_itself_is_refused(make: Callable[[], MigrationMap], said: str) -> None:
    with pytest.raises(MigrationMapError, match=said):
        make()


async def test_markers_are_set_so_that_absence_means_absence() -> None:
    house = House()
    await house.migrated()
    marked = {path.removesuffix(f"/{MARKER_NAME}") for path in house.secrets() if path.endswith(MARKER_NAME)}
    assert marked >= {"/auth/jwt", "/auth/jwt/versions", "/auth/aes/compromised", "/database", "/infrastructure"}


def test_variables_that_hold_keys_are_no_public_halves_kids_or_other_secrets() -> None:
    chosen = replace(DEFAULT_MAP, fernet_keys=("APP_FERNET",))
    assert list(chosen.key_variables()) == [
        "JOURNAL_JWT_PRIVATE_KEY",
        "JOURNAL_JWT_DEV_PRIVATE_KEY_PEM",
        "JOURNAL_JWT_SECRET",
        "AUTH_ENC_KEYS",
        "APP_FERNET",
    ]
