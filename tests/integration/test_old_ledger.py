"""A ledger that is restored from an older copy costs no key: nothing is swept that it once published."""

import asyncio
import shutil
from pathlib import Path

import pytest

from journal_keys.container import Container
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import Recovered
from journal_keys.domain.paths import SecretPath
from journal_keys.entrypoints.resources import open_container, rebuild
from journal_keys.entrypoints.settings import Settings
from journal_keys.ports.ledger import LedgerAbsentError, LedgerBehindError
from journal_keys.use_cases.check_health import HealthStatus
from tests.support.embedded import make_rings, w1_s
from tests.support.served_app import TEXT, quick_settings, rotate_both


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    made = quick_settings(
        tmp_path, journal_jwks_max_age=0.02, journal_infisical_cache_ttl=0.02, journal_ledger_poll=0.01
    )
    await make_rings(made)
    return made


def file_of(settings: Settings) -> Path:
    return settings.journal_keys_home / "ledger.sqlite3"


async def made_with_lost_keys(settings: Settings) -> tuple[str, str]:
    """Keep a copy of the ledger, rotate twice, make a token and a ciphertext, and put the copy back."""
    copy = settings.journal_keys_home.with_name("ledger.old")
    shutil.copy(file_of(settings), copy)
    async with open_container(settings) as container:
        await rotate_both(container, "first")
        await rotate_both(container, "second")
        await container.refresh_views()()
        made = container.signer().sign({"sub": "alice"}), container.cipher().encrypt(TEXT)
    shutil.copy(copy, file_of(settings))
    return made


async def stored(container: Container) -> dict[Family, set[str]]:
    return {family: set((await container.read_material()(family)).secrets) for family in Family}


async def test_an_old_ledger_sweeps_no_key_and_overwrites_no_name(settings: Settings) -> None:
    await made_with_lost_keys(settings)
    async with open_container(settings) as container:
        before = await stored(container)
        projected = (await container.fetch_secret()(SecretPath.parse("/auth/aes/active_kid"))).digest()
        await asyncio.sleep(3 * w1_s(settings))
        for family in Family:
            with pytest.raises(LedgerBehindError, match=r"older than the store.*run 'journal-keys recover'"):
                await container.reconcile()(family)
        await rotate_both(container, "with-the-old-ledger")
        for family in Family:
            with pytest.raises(LedgerBehindError):
                await container.reconcile()(family)
        after = await stored(container)
        assert all(before[family] <= after[family] for family in Family)
        health = await container.check_health()()
        assert health.overall is HealthStatus.DEGRADED
        assert all("that the ledger does not know" in part.reason for part in health.rings.values())
        container.cache().forget(None)
        assert (await container.fetch_secret()(SecretPath.parse("/auth/aes/active_kid"))).digest() == projected


async def test_recover_takes_the_lost_keys_in_again(settings: Settings) -> None:
    token, ciphertext = await made_with_lost_keys(settings)
    file_of(settings).unlink()
    async with rebuild(settings) as container:
        for family in Family:
            assert isinstance(await container.recover_ledger()(family, actor="ops", reason="an old copy"), Recovered)
            await container.reconcile()(family)
        await container.refresh_views()()
        assert container.verifier().verify(token)["sub"] == "alice"
        assert container.cipher().decrypt(ciphertext) == TEXT


async def test_a_process_that_runs_never_goes_on_in_a_ledger_that_was_deleted(settings: Settings) -> None:
    async with open_container(settings) as running:
        token = await _signed(running)
        for file in settings.journal_keys_home.glob("ledger.sqlite3*"):
            file.unlink()
        with pytest.raises(LedgerAbsentError):
            await running.reconcile()(Family.JWT)
        assert (await running.check_health()()).overall is HealthStatus.UNHEALTHY
        async with rebuild(settings) as rebuilt:
            for family in Family:
                assert isinstance(await rebuilt.recover_ledger()(family, actor="ops", reason="gone"), Recovered)
        await asyncio.sleep(3 * w1_s(settings))
        await rotate_both(running, "in-the-new-one")
        async with open_container(settings) as other:
            rings = [(await one.ledger().read(Family.JWT)).ring for one in (running, other)]
            assert rings[0] == rings[1]
            await other.refresh_views()()
            assert other.verifier().verify(token)["sub"] == "alice"


async def test_a_process_that_runs_goes_on_in_the_file_that_was_put_in_the_place_of_its_own(settings: Settings) -> None:
    copy = settings.journal_keys_home.with_name("ledger.old")
    shutil.copy(file_of(settings), copy)
    async with open_container(settings) as running:
        await rotate_both(running, "first")
        shutil.copy(copy, copy.with_suffix(".new"))
        copy.with_suffix(".new").rename(file_of(settings))
        for leftover in settings.journal_keys_home.glob("ledger.sqlite3-*"):
            leftover.unlink()
        seen = (await running.ledger().read(Family.JWT)).ring
    async with open_container(settings) as other:
        assert seen == (await other.ledger().read(Family.JWT)).ring
    assert seen is not None
    assert seen.generation == 1


async def test_an_old_copy_without_lost_keys_is_no_trouble(settings: Settings) -> None:
    copy = settings.journal_keys_home.with_name("ledger.old")
    shutil.copy(file_of(settings), copy)
    async with open_container(settings) as container:
        token = await _signed(container)
    shutil.copy(copy, file_of(settings))
    async with open_container(settings) as container:
        for family in Family:
            await container.reconcile()(family)
        await rotate_both(container, "after")
        await container.refresh_views()()
        assert container.verifier().verify(token)["sub"] == "alice"


async def _signed(container: Container) -> str:
    await container.refresh_views()()
    return container.signer().sign({"sub": "alice"})
