"""A process that starts in an outage lives on what the last one knew: within its bounds, and no longer."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from journal_keys.adapters.crypto.token_cipher import WithdrawnKeyError
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.snapshot_store import NoSnapshotStore
from journal_keys.domain.errors import KeyUnavailableError, MaterialCorruptError, PortError, ViewStaleError
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Family
from journal_keys.domain.ledger_clock import ClockWentBackError
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.snapshot import SnapshotTooOldError
from journal_keys.domain.token import UnknownKidError
from journal_keys.ports.ledger import (
    LedgerAbsentError,
    LedgerCorruptError,
    LedgerSchemaError,
    LedgerUnavailableError,
)
from journal_keys.ports.secret_store import (
    FolderContent,
    SecretHiddenError,
    SecretNotFoundError,
    SecretStoreDeniedError,
    SecretStoreUnavailableError,
)
from journal_keys.ports.snapshot_store import SnapshotDamagedError, SnapshotForeignError, SnapshotKeyError
from journal_keys.use_cases.check_health import HealthStatus
from journal_keys.use_cases.restore_snapshot import Restored
from tests.support.lives import CutStore, Host, Life, first_life
from tests.support.snapshots import PATH, file_store
from tests.support.world import MAX_STALE, START, W1, WINDOWS

INSTANT = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)
PERIOD = MAX_STALE / 10
SECRET = b"postgresql://journal:canary@db/journal"


async def restarted(host: Host) -> Life:
    life = Life(host)
    assert await life.load() is not None
    return life


async def refuses_everything(life: Life, token: str, ciphertext: str) -> None:
    with pytest.raises(ViewStaleError):
        life.verifier.verify(token)
    with pytest.raises(ViewStaleError):
        life.cipher.decrypt(ciphertext)
    with pytest.raises(SecretStoreUnavailableError):
        await life.fetch(PATH)


async def test_a_restart_in_an_outage_verifies_decrypts_and_fetches_until_the_bound_and_then_refuses() -> None:
    host = Host()
    first = await first_life(host)
    token, ciphertext = first.signer.sign({"sub": "x"}), first.cipher.encrypt("kept")
    host.clock.pass_time(HOUR)
    host.cut()
    life = await restarted(host)
    host.clock.pass_time(MAX_STALE - HOUR)
    assert life.verifier.verify(token)["sub"] == "x"
    assert life.cipher.decrypt(ciphertext) == "kept"
    host.clock.pass_time(-INSTANT)
    assert expose(await life.fetch(PATH)) == SECRET
    host.clock.pass_time(2 * INSTANT)
    await refuses_everything(life, token, ciphertext)


async def test_at_its_bound_and_no_later_a_snapshot_is_used_and_its_oldest_ring_says_how_old_it_is() -> None:
    host = Host()
    await first_life(host)
    held = await host.snapshots.load()
    assert held is not None
    aes = held.rings[Family.AES]
    older = replace(aes, confirmed_at=aes.confirmed_at - HOUR, age=aes.age + HOUR)
    host.clock.pass_time(MAX_STALE - HOUR)
    await host.snapshots.save(replace(held, rings={**held.rings, Family.AES: older}))
    life = Life(host)
    assert await life.restore() == Restored(confirmed_at=older.confirmed_at, age=MAX_STALE)
    assert life.board.cipher is not None
    await host.snapshots.save(held)
    host.clock.pass_time(HOUR)
    life = Life(host)
    assert await life.restore() == Restored(confirmed_at=aes.confirmed_at, age=MAX_STALE)
    assert life.board.signing is not None
    assert life.board.cipher is not None


async def test_signing_and_encrypting_stop_at_the_view_ttl_and_no_private_signing_key_was_kept() -> None:
    host = Host()
    await first_life(host)
    held = await host.snapshots.load()
    assert held is not None
    assert held.rings[Family.JWT].material == {}
    host.cut()
    life = await restarted(host)
    with pytest.raises(KeyUnavailableError):
        life.signer.sign({"sub": "x"})
    host.clock.pass_time(WINDOWS.view_ttl)
    life.cipher.encrypt("x")
    host.clock.pass_time(INSTANT)
    with pytest.raises(ViewStaleError):
        life.signer.sign({"sub": "x"})
    with pytest.raises(ViewStaleError):
        life.cipher.encrypt("x")


async def test_where_the_setting_allows_it_signing_goes_on_within_its_own_bound() -> None:
    host = Host(sign_max_stale=HOUR)
    await first_life(host)
    host.cut()
    life = await restarted(host)
    host.clock.pass_time(HOUR)
    assert life.verifier.verify(life.signer.sign({"sub": "x"}))["sub"] == "x"
    host.clock.pass_time(INSTANT)
    with pytest.raises(ViewStaleError):
        life.signer.sign({"sub": "x"})


@pytest.mark.parametrize("there", ["signing", "cipher"])
async def test_a_view_that_is_there_stays_and_the_other_is_restored(there: str) -> None:
    host = Host()
    shown = getattr((await first_life(host)).board, there)
    host.cut()
    life = Life(host)
    life.board.show(shown)
    assert await life.load() is not None
    assert getattr(life.board, there) is shown
    assert None not in {life.board.signing, life.board.cipher}
    with pytest.raises(LedgerUnavailableError):
        await life.load()


async def test_the_end_of_the_outage_brings_everything_back_without_a_restart() -> None:
    host = Host()
    await first_life(host)
    host.cut()
    life = await restarted(host)
    host.clock.pass_time(2 * MAX_STALE)
    with pytest.raises(LedgerUnavailableError):
        await life.refresh()
    host.mend()
    await life.refresh()
    assert life.verifier.verify(life.signer.sign({"sub": "x"}))["sub"] == "x"
    assert life.cipher.decrypt(life.cipher.encrypt("x")) == "x"
    assert life.board.signing is not None
    assert life.board.cipher is not None
    assert not life.board.signing.is_restored
    assert not life.board.cipher.is_restored
    assert await life.keep()


async def test_a_refresh_that_fails_takes_nothing_away_from_a_restored_view() -> None:
    host = Host()
    await first_life(host)
    host.cut()
    life = await restarted(host)
    before = life.board.signing, life.board.cipher
    with pytest.raises(LedgerUnavailableError):
        await life.load()
    assert (life.board.signing, life.board.cipher) == before


async def test_in_a_healthy_world_the_snapshot_is_not_even_read(tmp_path: Path) -> None:
    host = Host(snapshots=file_store(tmp_path))
    await first_life(host)
    (tmp_path / "snapshot.jks").write_bytes(b"damaged")
    assert await Life(host).load() is None


async def test_a_snapshot_never_takes_the_place_of_a_view_that_stands() -> None:
    host = Host()
    await first_life(host)
    await host.world.compromise(Family.JWT, (await host.world.ring(Family.JWT)).active.kid, actor="test", reason="leak")
    life = Life(host)
    assert await life.load() is None
    newer, cipher = life.board.signing, life.board.cipher
    assert await life.restore() is None
    assert life.board.signing is newer
    assert life.board.cipher is cipher


async def test_the_ledger_s_ring_takes_the_snapshot_s_place_at_once_where_only_the_store_is_out() -> None:
    host = Host()
    first = await first_life(host)
    kid = (await host.world.ring(Family.JWT)).active.kid
    aes_kid = (await host.world.ring(Family.AES)).active.kid
    token, ciphertext = first.signer.sign({"sub": "x"}), first.cipher.encrypt("kept")
    for family, bad in ((Family.JWT, kid), (Family.AES, aes_kid)):
        await host.world.compromise(family, bad, actor="test", reason="leaked")
    host.cut(ledger=False)
    life = await restarted(host)
    with pytest.raises(UnknownKidError):
        life.verifier.verify(token)
    with pytest.raises(WithdrawnKeyError):
        life.cipher.decrypt(ciphertext)
    with pytest.raises(KeyUnavailableError):
        life.signer.sign({"sub": "x"})


async def test_a_key_compromised_since_comes_back_for_an_outage_only_and_goes_with_the_first_refresh() -> None:
    host = Host()
    first = await first_life(host)
    token = first.signer.sign({"sub": "x"})
    kid = (await host.world.ring(Family.JWT)).active.kid
    await host.world.compromise(Family.JWT, kid, actor="test", reason="leaked")
    host.cut()
    life = await restarted(host)
    assert life.verifier.verify(token)["sub"] == "x"
    host.mend()
    await life.load()
    with pytest.raises(UnknownKidError):
        life.verifier.verify(token)
    assert await life.keep()
    host.cut()
    after = await restarted(host)
    with pytest.raises((UnknownKidError, ViewStaleError)):
        after.verifier.verify(token)


ANSWERS = {
    "the ledger is damaged": (LedgerCorruptError("damaged"), None),
    "the ledger is newer": (LedgerSchemaError("newer"), None),
    "the clock went back": (ClockWentBackError("back"), None),
    "the store denies": (None, SecretStoreDeniedError("denied")),
    "the store hides": (None, SecretHiddenError("hidden")),
}


@pytest.mark.parametrize(("ledger", "store"), ANSWERS.values(), ids=ANSWERS)
async def test_what_is_no_outage_stops_the_start(ledger: PortError | None, store: PortError | None) -> None:
    host = Host()
    await first_life(host)
    host.ledger.fault, host.store.fault = ledger, store
    life = Life(host)
    with pytest.raises(PortError) as caught:
        await life.load()
    assert caught.value is (ledger or store)
    assert life.board.signing is None


@pytest.mark.parametrize("fault", [LedgerAbsentError("no file"), LedgerUnavailableError("no answer")], ids=str)
async def test_what_is_an_outage_of_the_ledger(fault: PortError) -> None:
    host = Host()
    await first_life(host)
    host.ledger.fault = fault
    assert await Life(host).load() is not None


async def test_without_a_snapshot_the_outage_itself_is_told() -> None:
    host = Host(snapshots=NoSnapshotStore())
    await host.world.initialised()
    host.cut()
    with pytest.raises(LedgerUnavailableError):
        await Life(host).load()


async def test_a_snapshot_that_is_too_old_is_refused_with_its_age_and_what_it_was_needed_for() -> None:
    host = Host()
    await first_life(host)
    host.clock.pass_time(MAX_STALE + timedelta(seconds=1))
    host.cut()
    with pytest.raises(SnapshotTooOldError) as caught:
        await Life(host).load()
    assert str(caught.value) == (
        "the snapshot the snapshot in memory was confirmed 86401 s ago, at 2026-01-01T00:11:15+00:00, which is more"
        " than JOURNAL_VERIFY_MAX_STALE 86400 s: nothing is verified or decrypted with it; it was needed because: the"
        " ledger gave no answer"
    )


async def test_a_damaged_a_foreign_and_a_differently_sealed_snapshot_are_refused_by_name(tmp_path: Path) -> None:
    host = Host(snapshots=file_store(tmp_path))
    await first_life(host)
    host.cut()
    file = tmp_path / "snapshot.jks"
    foreign = replace(host, snapshots=file_store(tmp_path, environment="prod"))
    unsealed = replace(host, snapshots=file_store(tmp_path, key=KeyMaterial(b"k" * 32)))
    for other, kind in ((foreign, SnapshotForeignError), (unsealed, SnapshotKeyError)):
        other.cut()
        with pytest.raises(kind, match=r"snapshot\.jks .*needed because: the ledger"):
            await Life(other).load()
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(SnapshotDamagedError, match=r"snapshot\.jks .*needed because: the ledger"):
        await Life(host).load()


def reboot(clock: ManualClock, wall: timedelta) -> None:
    clock.reboot()
    clock.step_wall(wall)


async def test_a_wall_clock_set_back_lengthens_no_life_in_the_same_boot() -> None:
    host = Host()
    await first_life(host)
    host.clock.pass_time(MAX_STALE + timedelta(seconds=1))
    host.clock.step_wall(-MAX_STALE)
    host.cut()
    with pytest.raises(SnapshotTooOldError):
        await Life(host).load()


async def test_a_wall_clock_set_forward_ends_no_life_in_the_same_boot() -> None:
    host = Host()
    await first_life(host)
    host.clock.step_wall(timedelta(days=365))
    host.cut()
    assert await Life(host).load() is not None


async def test_across_a_reboot_the_wall_clock_counts() -> None:
    host = Host()
    first = await first_life(host)
    token = first.signer.sign({"sub": "x"})
    host.cut()
    reboot(host.clock, MAX_STALE - HOUR)
    life = await restarted(host)
    host.clock.pass_time(HOUR)
    assert life.verifier.verify(token)["sub"] == "x"
    host.clock.pass_time(INSTANT)
    with pytest.raises(ViewStaleError):
        life.verifier.verify(token)


async def test_across_a_reboot_a_wall_clock_before_the_snapshot_is_refused_with_its_name() -> None:
    host = Host()
    await first_life(host)
    host.cut()
    reboot(host.clock, -HOUR)
    with pytest.raises(SnapshotTooOldError, match="the snapshot in memory is not used: this host's clock reads"):
        await Life(host).load()


async def test_what_was_counted_under_one_boot_is_not_forgotten_under_a_clock_set_back_in_the_next() -> None:
    host = Host()
    await first_life(host)
    host.cut()
    reboot(host.clock, MAX_STALE - HOUR)
    life = await restarted(host)
    assert await life.keep()
    reboot(host.clock, -(MAX_STALE - 2 * HOUR))
    with pytest.raises(SnapshotTooOldError, match="this host's clock reads"):
        await Life(host).load()


async def test_in_an_outage_a_clock_set_back_does_not_make_the_kept_age_smaller() -> None:
    host = Host()
    await first_life(host)
    host.cut()
    reboot(host.clock, 10 * HOUR)
    life = await restarted(host)
    host.clock.step_wall(-9 * HOUR)
    assert await life.keep()
    held = await host.snapshots.load()
    assert held is not None
    assert held.rings[Family.JWT].age == 10 * HOUR


async def test_what_one_process_counted_is_not_made_smaller_by_another_that_counted_less() -> None:
    host = Host()
    await first_life(host)
    host.cut()
    reboot(host.clock, HOUR)
    counted_less = await restarted(host)
    host.clock.step_wall(9 * HOUR)
    assert await (await restarted(host)).keep()
    assert await counted_less.keep()
    held = await host.snapshots.load()
    assert held is not None
    assert held.rings[Family.JWT].age == 10 * HOUR


async def test_a_snapshot_is_written_at_each_change_and_otherwise_ten_times_in_its_life() -> None:
    host = Host()
    life = await first_life(host)
    await life.refresh()
    assert not await life.keep()
    await host.world.rotated(Family.AES)
    await life.refresh()
    assert await life.keep()
    host.clock.pass_time(PERIOD - INSTANT)
    await life.refresh()
    assert not await life.keep()
    host.clock.pass_time(INSTANT)
    await life.refresh()
    assert await life.keep()
    held = await host.snapshots.load()
    assert held is not None
    assert held.rings[Family.AES].ring == await host.world.ring(Family.AES)
    assert held.rings[Family.AES].age == timedelta(0)


async def test_where_signing_has_a_shorter_life_it_is_written_ten_times_in_that() -> None:
    host = Host(sign_max_stale=HOUR)
    life = await first_life(host)
    host.clock.pass_time(HOUR / 10)
    await life.refresh()
    assert await life.keep()


async def test_what_another_process_confirmed_later_stays() -> None:
    host = Host()
    alone = await first_life(host)
    host.clock.pass_time(PERIOD)
    other = Life(host)
    await other.load()
    assert await other.keep()
    kept = await host.snapshots.load()
    assert not await alone.keep()
    assert await host.snapshots.load() is kept


async def test_a_process_that_knows_less_looks_again_when_the_next_snapshot_is_due() -> None:
    host = Host()
    alone = await first_life(host)
    before = await host.snapshots.load()
    assert before is not None
    host.clock.pass_time(PERIOD)
    other = Life(host)
    await other.load()
    assert await other.keep()
    assert not await alone.keep()
    await host.snapshots.save(before)
    host.clock.pass_time(PERIOD - INSTANT)
    assert not await alone.keep()
    host.clock.pass_time(INSTANT)
    assert await alone.keep()


async def test_a_confirmation_of_the_same_moment_is_no_later_one_whatever_the_wall_clock_says_of_it() -> None:
    host = Host()
    life = await first_life(host)
    host.clock.pass_time(PERIOD)
    await life.refresh()
    host.clock.step_wall(HOUR)
    other = Life(host)
    await other.load()
    assert await other.keep()
    assert await life.keep()


async def test_where_there_is_no_ring_that_encrypts_no_encryptions_are_kept() -> None:
    host = Host()
    await host.world.initialised(Family.JWT)
    life = Life(host)
    await life.load()
    assert await life.keep()
    held = await host.snapshots.load()
    assert held is not None
    assert (set(held.rings), held.encryptions) == ({Family.JWT}, 0)


async def test_a_secret_is_kept_up_to_its_bound_and_no_longer() -> None:
    host = Host()
    life = await first_life(host)
    host.cut(ledger=False)
    for passed, kept in ((MAX_STALE, {PATH: MAX_STALE}), (WINDOWS.view_ttl, {})):
        host.clock.pass_time(passed)
        assert await life.keep()
        held = await host.snapshots.load()
        assert held is not None
        assert {path: secret.age for path, secret in held.secrets.items()} == kept


class HalfStore(CutStore):
    """Gives no answer about one folder."""

    silent: SecretPath | None = None

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        if folder == self.silent:
            raise SecretStoreUnavailableError("no answer")
        return await super().read_folder(folder)


async def test_a_folder_that_gives_no_answer_keeps_no_other_one_out_of_the_snapshot() -> None:
    store, other = HalfStore(), SecretPath.parse("/infrastructure/nats_url")
    host = Host(wanted=frozenset({PATH, other}), store=store)
    await first_life(host)
    await store.put_new(other, KeyMaterial(b"nats://nats:4222"))
    for silent, read in ((PATH.folder, other), (other.folder, PATH)):
        store.silent = silent
        host.clock.pass_time(PERIOD)
        life = Life(host)
        await life.load()
        assert await life.keep()
        held = await host.snapshots.load()
        assert held is not None
        assert held.secrets[read].age == timedelta(0)


async def test_another_environment_s_snapshot_is_not_overwritten_and_a_damaged_one_is(tmp_path: Path) -> None:
    host = Host(snapshots=file_store(tmp_path))
    life = await first_life(host)
    file = tmp_path / "snapshot.jks"
    sealed = file.read_bytes()
    foreign = Host(snapshots=file_store(tmp_path, environment="prod"))
    with pytest.raises(SnapshotForeignError):
        await first_life(foreign)
    assert file.read_bytes() == sealed
    file.write_bytes(b"damaged")
    host.clock.pass_time(PERIOD)
    assert await life.keep()
    assert await Life(host).restore() is not None


async def test_a_snapshot_that_cannot_be_written_is_tried_again_after_a_pause(tmp_path: Path) -> None:
    host = Host(snapshots=file_store(tmp_path / "folder"))
    await host.world.initialised()
    life = Life(host)
    await life.load()
    with pytest.raises(PortError, match="folder"):
        await life.keep()
    assert not await life.keep()
    (tmp_path / "folder").mkdir()
    host.clock.pass_time(WINDOWS.view_ttl)
    assert await life.keep()


async def test_a_secret_is_kept_with_the_moment_of_its_reading_and_dropped_when_it_is_gone() -> None:
    host = Host()
    life = await first_life(host)
    host.store.fault = SecretStoreUnavailableError("no answer")
    host.clock.pass_time(PERIOD)
    assert await life.keep()
    held = await host.snapshots.load()
    assert held is not None
    assert held.secrets[PATH].age == PERIOD
    host.mend()
    await host.store.delete(PATH)
    host.clock.pass_time(WINDOWS.view_ttl)
    assert await life.keep()
    held = await host.snapshots.load()
    assert held is not None
    assert held.secrets == {}
    with pytest.raises(SecretNotFoundError):
        await life.fetch(PATH)


async def test_a_secret_that_was_forgotten_in_an_outage_is_not_given_again_by_this_process() -> None:
    host = Host()
    life = await first_life(host)
    host.cut()
    assert await life.fetch(PATH)
    await life.cache.invalidate(PATH)
    host.clock.pass_time(PERIOD)
    assert await life.keep()
    with pytest.raises(SecretStoreUnavailableError):
        await life.fetch(PATH)


async def test_a_secret_that_is_no_longer_wanted_leaves_the_snapshot() -> None:
    host = Host()
    await first_life(host)
    other = replace(host, wanted=frozenset())
    other.ledger, other.world = host.ledger, host.world
    life = Life(other)
    await life.load()
    assert await life.keep()
    held = await host.snapshots.load()
    assert held is not None
    assert held.secrets == {}


async def test_a_folder_is_read_once_for_all_its_secrets_and_not_between() -> None:
    wanted = frozenset({PATH, PATH.folder.child("db_url_sync")})
    host = Host(wanted=wanted)
    life = await first_life(host)
    before = host.store.reads
    assert not await life.keep()
    assert host.store.reads == before
    host.clock.pass_time(PERIOD)
    assert await life.keep()
    assert host.store.reads == before + 1


async def test_without_views_nothing_is_kept() -> None:
    host = Host()
    assert not await Life(host).keep()


async def test_encryptions_of_the_active_key_are_still_counted_after_a_restart() -> None:
    host = Host()
    life = await first_life(host)
    life.cipher.encrypt("x")
    host.clock.pass_time(PERIOD)
    assert await life.keep()
    host.cut()
    after = await restarted(host)
    assert after.board.cipher is not None
    assert after.world.budget.total(after.board.cipher.ring.active.kid) == 1


async def test_material_that_is_not_the_ring_s_is_not_used() -> None:
    host = Host()
    await first_life(host)
    held = await host.snapshots.load()
    assert held is not None
    aes = held.rings[Family.AES]
    (kid, *_) = aes.material
    wrong = replace(aes, material={**aes.material, kid: KeyMaterial(b"x")})
    await host.snapshots.save(replace(held, rings={**held.rings, Family.AES: wrong}))
    host.cut()
    with pytest.raises(MaterialCorruptError):
        await Life(host).load()


async def test_health_is_degraded_on_a_snapshot_and_says_since_when_until_it_is_too_old() -> None:
    host = Host()
    await first_life(host)
    host.cut()
    life = await restarted(host)
    found = await life.health()
    assert found.overall is HealthStatus.DEGRADED
    since = (START + W1).isoformat(timespec="seconds")
    assert all(
        part.reason.startswith(f"degraded since {since}, on a snapshot of then: ") for part in found.rings.values()
    )
    host.clock.pass_time(MAX_STALE + INSTANT)
    assert (await life.health()).overall is HealthStatus.UNHEALTHY
    host.mend()
    await life.refresh()
    host.cut(store=False)
    assert (await life.health()).overall is HealthStatus.UNHEALTHY


async def test_who_loads_views_waits_for_no_key_that_nobody_needs_yet() -> None:
    host = Host()
    life = await first_life(host)
    await host.world.rotated(Family.AES)
    before = host.store.reads
    await life.load()
    assert host.store.reads == before
    assert life.board.cipher is not None
    assert life.board.cipher.missing
    assert life.board.cipher.ring == await host.world.ring(Family.AES)


async def test_behind_a_snapshot_the_store_that_gave_no_answer_is_not_asked_again_for_such_a_key() -> None:
    host = Host(sign_max_stale=HOUR)
    await first_life(host)
    await host.world.rotated(Family.AES)
    host.cut(ledger=False)
    before, life = host.store.reads, Life(host)
    assert await life.load() is not None
    assert host.store.reads == before + len(Family)
    assert life.board.cipher is not None
    assert life.board.cipher.ring == await host.world.ring(Family.AES)
