"""Backups hold what they say, open into nothing, restore what was lost, overwrite nothing and revive nothing."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain import audit_chain, canonical
from journal_keys.domain.access import admin_called
from journal_keys.domain.backup import BackupContentError, backup_text, read_backup
from journal_keys.domain.changes import LEDGER_RESTORED, AuditFact
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.ledger_clock import ClockWentBackError
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath, compromised_folder, versions_folder
from journal_keys.ports.secret_store import SecretHiddenError
from journal_keys.use_cases.refuse_restore import RestoreRefusedError
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.hiding import Hiding
from tests.support.moving import DB_URL, OPENING, SEAL, House
from tests.support.process import Process
from tests.support.world import W1, World

J, A = Family.JWT, Family.AES


async def lived_in() -> House:
    """A house that was moved into and rotated, with things made under several keys."""
    house = House()
    await house.migrated()
    for number in range(2):
        house.world.clock.pass_time(W1)
        for family in Family:
            await house.world.rotated(family, f"{family}-{number}")
    return house


async def made(house: House) -> tuple[str, str]:
    """A token and a ciphertext of now."""
    process = await Process(house.world).refresh()
    return process.signer.sign({"sub": "x"}), process.cipher.encrypt("said")


async def reads(house: House, token: str, ciphertext: str) -> bool:
    process = await Process(house.world).refresh()
    return process.verifier.verify(token)["sub"] == "x" and process.cipher.decrypt(ciphertext) == "said"


def lost(house: House) -> House:
    """Another house with the shelf of this one, and nothing else of it."""
    return House(world=World(clock=house.world.clock, seed=50), kept=house.kept)


async def test_everything_is_good_after_ledger_and_store_were_lost() -> None:
    house = await lived_in()
    works, texts = await house.works(), await made(house)
    secrets = house.secrets()
    place = (await house.backed_up()).place
    other = lost(house)
    outcome = await other.restored(place)
    assert (outcome.compromised, outcome.made, outcome.already, outcome.unfinished) == ((), (), False, None)
    assert other.secrets() == secrets, "material, secrets and projections, byte for byte"
    for family in Family:
        before, after = await house.world.ring(family), await other.world.ring(family)
        assert after.versions == before.versions
        assert after.generation > before.generation
    assert await other.unread(works) == []
    assert await reads(other, *texts)
    await other.world.verify_audit()
    count = len(await house.world.trail.entries()) - 1  # without the fact of the backup itself
    assert list(await other.world.trail.entries())[:count] == list(await house.world.trail.entries())[:count]


async def test_a_restored_ring_goes_on_rotating() -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    other = lost(house)
    await other.restored(place)
    old = await other.world.ring(A)
    other.world.clock.pass_time(W1)
    await other.world.rotated(A, "after")
    assert old.staged
    assert (await other.world.ring(A)).active.kid == old.staged.kid


async def test_without_signing_keys_a_backup_cannot_sign_and_tokens_of_before_are_good_all_the_same() -> None:
    house = await lived_in()
    texts, works = await made(house), await house.works()
    done = await house.backed_up(signing_keys=False)
    jwt = await house.world.ring(J)
    assert set(done.left_out) == {version.kid for version in jwt.accepted}
    backup, report = await house.checking(done.place, OPENING)
    assert set(backup.material) == {A, J}
    assert not backup.material[J]
    assert set(report.rings[J].without_material) == {version.kid for version in jwt.accepted}
    other = lost(house)
    outcome = await other.restored(done.place)
    after = await other.world.ring(J)
    assert set(outcome.made) == {after.active.kid, after.staged.kid if after.staged else None}
    assert after.get(jwt.active.kid).state is KeyState.DEACTIVATED
    assert await reads(other, *texts)
    assert await reads(other, *await made(other))
    assert await other.unread(works) == [works[2].kid], "a shared secret signs: it is left out with the signing keys"
    assert after.get(works[2].kid).state is KeyState.DESTROYED


async def test_chosen_rings_only() -> None:
    house = await lived_in()
    backup, _ = await house.checking((await house.backed_up(A)).place, OPENING)
    assert set(backup.material) == {A}
    assert set(backup.ledger.rings) == set(Family)


async def test_a_restore_never_overwrites_a_ledger() -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    other = House(world=await World(clock=house.world.clock, seed=60).initialised(), kept=house.kept)
    before = (other.secrets(), await other.world.ledger.heads())
    with pytest.raises(RestoreRefusedError, match="ledger"):
        await other.restored(place)
    assert (other.secrets(), await other.world.ledger.heads()) == before


async def called(house: House, *statuses: str) -> list[AuditFact]:
    """Let a service that runs beside this house's ledger be called; give what it audits."""
    clock = house.world.clock.read()
    calls = [admin_called(clock, None, {"route": "GET /status", "status": status}) for status in statuses]
    for fact in calls:
        await house.world.trail.append(fact)
    return calls


async def test_who_calls_a_service_beside_an_empty_ledger_keeps_nobody_from_a_restore() -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    other = lost(house)
    calls = await called(other, "200", "401", "503")
    await cast("MemoryLedger", other.world.ledger).accept_clock(actor="test", reason="it was wrong")
    accepted = (await other.world.trail.entries())[-1].fact
    await other.restored(place)
    entries = await other.world.trail.entries()
    audit_chain.verify(entries)
    assert entries[0] == (await house.world.trail.entries())[0]
    assert [entry.fact for entry in entries][-4:] == [*calls, accepted]
    assert (await other.restored(place)).already


async def test_a_trail_that_tells_of_a_key_keeps_everybody_from_a_restore() -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    other = lost(house)
    await called(other, "200")
    await other.world.trail.append((await house.world.trail.entries())[0].fact)
    before = (other.secrets(), await other.world.trail.entries())
    with pytest.raises(RestoreRefusedError, match="rings or an audit trail"):
        await other.restored(place)
    assert (other.secrets(), await other.world.trail.entries()) == before


async def test_a_backup_of_a_clock_that_was_ahead_is_restored_once_somebody_says_so() -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    other = lost(house)
    before = (await house.world.ledger.read(A)).now
    other.world.clock.step_wall(timedelta(hours=-1))
    for _ in range(2):
        with pytest.raises(ClockWentBackError, match="journal-keys restore' again with --accept-clock"):
            await other.restored(place)
        assert await other.world.ledger.heads() == {}
        await cast("MemoryLedger", other.world.ledger).accept_clock(actor="test", reason="as for reconcile")
    await other.restored(place, accepts_clock=True)
    assert (await other.world.ledger.read(A)).now == before
    seam = next(entry.fact for entry in await other.world.trail.entries() if entry.fact.action == LEDGER_RESTORED)
    assert seam.detail["clock"] == "accepted"
    assert (await other.restored(place)).already


async def test_a_restore_never_overwrites_a_secret() -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    other = lost(house)
    await other.put.new({DB_URL: KeyMaterial(b"another")})
    before = other.secrets()
    with pytest.raises(RestoreRefusedError, match="db_url_sync"):
        await other.restored(place)
    assert other.secrets() == before
    assert await other.world.ledger.heads() == {}


async def test_done_again_it_changes_nothing_and_brings_nothing_back() -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    other = lost(house)
    await other.restored(place)
    await other.world.store.delete(DB_URL)
    before = other.secrets()
    assert (await other.restored(place)).already
    assert other.secrets() == before


@pytest.mark.parametrize("family", Family)
async def test_a_key_with_a_tombstone_is_not_revived(family: Family) -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    active = (await house.world.ring(family)).active.kid
    await house.world.compromise(family, active, actor="test", reason="leaked")
    stone = compromised_folder(family).child(active)
    other = lost(house)
    await other.world.store.put_new(stone, KeyMaterial(house.secrets()[str(stone)]))
    outcome = await other.restored(place)
    ring = await other.world.ring(family)
    assert outcome.compromised == (active,)
    assert ring.get(active).state is KeyState.COMPROMISED
    assert ring.active.kid != active
    assert (str(versions_folder(family).child(active)) in other.secrets()) is (family is A)
    await reads(other, *await made(other))


async def test_a_ledger_that_was_lost_alone_is_restored_over_its_store() -> None:
    house = await lived_in()
    texts = await made(house)
    place = (await house.backed_up()).place
    other = House(world=World(clock=house.world.clock, store=house.world.store, seed=51), kept=house.kept)
    await other.restored(place)
    assert await reads(other, *texts)


async def test_a_backup_that_is_older_than_the_store_is_refused_and_recover_is_named() -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    house.world.clock.pass_time(W1)
    await house.world.rotated(A, "since")
    before = house.secrets()
    other = House(world=World(clock=house.world.clock, store=house.world.store, seed=51), kept=house.kept)
    with pytest.raises(RestoreRefusedError, match=r"older than the store.*recover"):
        await other.restored(place)
    assert other.secrets() == before
    assert await other.world.ledger.heads() == {}


async def test_a_ledger_that_was_lost_alone_keeps_the_signing_keys_that_the_store_has() -> None:
    house = await lived_in()
    texts, works = await made(house), await house.works()
    place = (await house.backed_up(signing_keys=False)).place
    before = await house.world.ring(J)
    other = House(world=World(clock=house.world.clock, store=house.world.store, seed=51), kept=house.kept)
    outcome = await other.restored(place)
    assert outcome.made == ()
    assert (await other.world.ring(J)).versions == before.versions
    assert await reads(other, *texts)
    assert await other.unread(works) == []


async def test_after_a_restore_without_signing_keys_backups_go_on() -> None:
    house = await lived_in()
    other = lost(house)
    await other.restored((await house.backed_up(signing_keys=False)).place)
    done = await other.backed_up()
    assert set(done.left_out) == {
        version.kid for version in (await other.world.ring(J)).accepted if version.kid not in done.kids
    }
    assert done.left_out


def hiding(house: House, folder: SecretPath, times: int) -> House:
    plain = house.world.store
    assert isinstance(plain, MemorySecretStore)
    store = Hiding(plain, folder, times)
    return House(world=World(clock=house.world.clock, store=store, shared_ledger=house.world.ledger), kept=house.kept)


async def test_a_folder_that_is_hidden_is_no_empty_one_to_a_backup() -> None:
    house = await lived_in()
    with pytest.raises(SecretHiddenError, match="/database"):
        await hiding(house, DB_URL.folder, 1).backed_up()


async def test_one_hidden_answer_revives_no_compromised_key() -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    kid = Kid("old_1")
    await house.world.compromise(A, kid, actor="test", reason="leaked")
    other = House(world=World(clock=house.world.clock, store=house.world.store, seed=51), kept=house.kept)
    outcome = await hiding(other, compromised_folder(A), 1).restored(place)
    assert outcome.compromised == (kid,)
    assert (await other.world.ring(A)).get(kid).state is KeyState.COMPROMISED


@pytest.mark.parametrize("family", list(Family))
async def test_one_hidden_answer_lets_no_older_backup_in(family: Family) -> None:
    house = await lived_in()
    place = (await house.backed_up()).place
    house.world.clock.pass_time(W1)
    await house.world.rotated(family, "since")
    before = house.secrets()
    other = House(world=World(clock=house.world.clock, store=house.world.store, seed=51), kept=house.kept)
    with pytest.raises(RestoreRefusedError, match=r"older than the store.*recover"):
        await hiding(other, versions_folder(family), 1).restored(place)
    assert house.secrets() == before
    assert await other.world.ledger.heads() == {}


async def test_keys_that_were_imported_since_are_not_forgotten_by_a_restore() -> None:
    house = House(world=await World().initialised())
    place = (await house.backed_up()).place
    await house.migrated()
    other = House(world=World(clock=house.world.clock, store=house.world.store, seed=51), kept=house.kept)
    with pytest.raises(RestoreRefusedError, match="older than the store"):
        await other.restored(place)


async def test_material_that_is_missing_cannot_be_backed_up_in_silence() -> None:
    house = await lived_in()
    await house.world.store.delete(versions_folder("aes").child("old_1"))
    with pytest.raises(MaterialCorruptError, match="old_1"):
        await house.backed_up()


async def test_a_backup_is_audited_with_its_digest() -> None:
    house = await lived_in()
    done = await house.backed_up()
    fact = list(await house.world.trail.entries())[-1].fact
    assert (fact.action, fact.detail["sha256"], fact.actor) == ("backup_made", done.sha256, "test")
    assert done.sha256 == await house.shelf.digest(done.place)


async def test_secrets_that_no_ring_owns_are_in_it_and_projections_and_markers_are_not() -> None:
    house = await lived_in()
    own = SecretPath.parse("/application/own")
    await house.put.mark(frozenset({own.folder}))
    await house.put.new({own: KeyMaterial(b"mine")})
    backup, report = await house.checking((await house.backed_up()).place, OPENING)
    assert set(report.secrets) == {
        "/application/own",
        "/auth/webhooks/infisical_secret",
        "/database/db_url_sync",
        "/infrastructure/nats_url",
    }
    assert expose(backup.secrets[own]) == b"mine"


async def test_a_key_that_does_not_open_its_canary_is_found_out() -> None:
    house = await lived_in()
    backup, _ = await house.checking((await house.backed_up()).place, OPENING)
    kids = list(backup.canaries)
    for kid in kids:
        wrong = {**backup.canaries, kid: backup.canaries[kids[0] if kid != kids[0] else kids[1]]}
        place = await house.shelf.save(f"wrong-{kid}", backup_text(replace(backup, canaries=wrong)), SEAL)
        with pytest.raises(MaterialCorruptError, match=kid):
            await house.checking(place, OPENING)


async def test_every_member_of_a_backup_counts() -> None:
    house = await lived_in()
    backup, _ = await house.checking((await house.backed_up()).place, OPENING)
    document = canonical.from_json(expose(backup_text(backup)).decode())
    assert read_backup(backup_text(backup)).canaries == backup.canaries

    def refused(changed: object) -> None:
        with pytest.raises(BackupContentError):
            read_backup(KeyMaterial(canonical.to_json(changed).encode()))

    for name in document:
        refused({key: value for key, value in document.items() if key != name})
        refused({**document, name: 5})
    refused({**document, "more": 1})
    for name in document["manifest"]:
        refused({**document, "manifest": {**document["manifest"], name: {}}})
    material = {**document["material"], "aes": {**document["material"]["aes"], "old_1": "AAAA"}}
    refused({**document, "material": material})
    for nonsense in (b"", b"[]", b"nonsense", b"\xff", b"{}"):
        with pytest.raises(BackupContentError):
            read_backup(KeyMaterial(nonsense))


async def test_a_retirement_in_the_middle_of_a_backup_is_looked_at_again() -> None:
    house = await lived_in()
    plan = FaultPlan(at=-1, kind=FaultKind.HANG)
    await House(world=house.world, kept=house.kept, plan=plan).backed_up()
    assert plan.calls.count("copy") == 1
    ring = await house.world.ring(A)
    assert Kid("old_1") in {version.kid for version in ring.accepted}
