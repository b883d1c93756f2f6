"""Retiring: signing keys after their last token, AES keys after a proof, material after the record."""

from datetime import timedelta

import pytest

from journal_keys.domain.keys import Family, KeyState
from journal_keys.domain.outcomes import NothingToRetire, Retired
from journal_keys.domain.paths import versions_folder
from tests.support.world import W2, World


async def test_a_signing_key_lives_for_w2_after_its_demotion_and_not_longer() -> None:
    world = await World().initialised(Family.JWT)
    old = (await world.ring(Family.JWT)).active.kid
    await world.rotated(Family.JWT)
    world.clock.pass_time(W2 - timedelta(microseconds=1))
    early = await world.retire(Family.JWT, actor="test", reason="early")
    assert isinstance(early, NothingToRetire)
    assert early.next_at == (await world.ledger.read(Family.JWT)).now + timedelta(microseconds=1)
    world.clock.pass_time(timedelta(microseconds=1))
    outcome = await world.retire(Family.JWT, actor="test", reason="old")
    assert isinstance(outcome, Retired)
    assert outcome.kids == (old,)
    assert (await world.ring(Family.JWT)).get(old).state is KeyState.DESTROYED
    assert old not in (await world.store.read_folder(versions_folder("jwt"))).secrets


async def test_time_alone_never_destroys_an_aes_key() -> None:
    world = await World().initialised(Family.AES)
    await world.rotated(Family.AES)
    world.clock.pass_time(timedelta(days=36_500))
    outcome = await world.retire(Family.AES, actor="test", reason="old")
    assert outcome == NothingToRetire(family=Family.AES, next_at=None)


async def test_an_aes_key_that_is_proved_unused_is_destroyed() -> None:
    world = await World().initialised(Family.AES)
    old = (await world.ring(Family.AES)).active.kid
    await world.rotated(Family.AES)
    outcome = await world.retire(Family.AES, actor="test", reason="no row names it", unused=frozenset({old}))
    assert isinstance(outcome, Retired)
    assert old not in (await world.store.read_folder(versions_folder("aes"))).secrets


@pytest.mark.parametrize("family", list(Family))
async def test_active_and_staged_keys_are_never_retired_whatever_is_claimed(family: Family) -> None:
    world = await World().initialised(family)
    before = await world.ring(family)
    world.clock.pass_time(timedelta(days=3650))
    claimed = frozenset(version.kid for version in before.versions)
    await world.retire(family, actor="test", reason="?", unused=claimed)
    assert await world.ring(family) == before
