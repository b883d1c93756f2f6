"""A key is destroyed only where nothing needs it, or somebody answers for that, and a backup holds it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet

from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.errors import InvalidNameError, UnknownKeyError
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.outcomes import Recovered, Rotated
from journal_keys.domain.paths import family_folder, versions_folder
from journal_keys.ports.hint_bus import HintBus
from journal_keys.ports.key_usage import KeyUsage
from journal_keys.ports.ledger import LedgerUnavailableError
from journal_keys.ports.secret_store import SecretStoreUnavailableError
from journal_keys.use_cases.destroy_key import DestroyedKey, DestroyRefusedError, Grounds, kids_named
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.heard import Heard
from tests.support.imported import text_key
from tests.support.moving import OPENING, House
from tests.support.process import Process
from tests.support.projected import mapped_kids
from tests.support.world import W1, W2, WINDOWS, World

J, A = Family.JWT, Family.AES
BASE = Grounds(reason="tidying up", actor="test", without_backup=True)


async def rotated(hints: HintBus | None = None) -> tuple[House, Kid, Kid]:
    """A house in which each ring rotated once, and the DEACTIVATED keys that were made in it."""
    house = House(world=World(hints=hints or MemoryHintBus()))
    await house.inner.initialised()
    old = {family: (await house.world.ring(family)).active.kid for family in Family}
    for family in Family:
        assert isinstance(await house.world.rotated(family, family.value), Rotated)
    house.world.clock.pass_time(W1)
    return house, old[J], old[A]


async def state(house: House, family: Family, kid: Kid) -> KeyState:
    return (await house.world.ring(family)).get(kid).state


async def test_an_aes_key_that_no_ciphertext_names_is_destroyed_and_its_material_is_gone() -> None:
    hints = Heard()
    house, _, kid = await rotated(hints)
    hints.told.clear()
    now = house.world.clock.read().wall
    done = await house.destroying(kid, replace(BASE, examined=7))
    assert done == DestroyedKey(family=A, kid=kid, at=now, grounds="nothing needs it")
    assert hints.told == [(A, (await house.world.ring(A)).generation)]
    assert await state(house, A, kid) is KeyState.DESTROYED
    assert str(versions_folder("aes").child(kid)) not in house.secrets()
    fact = list(await house.world.trail.entries())[-1].fact
    assert fact == AuditFact(
        at=now,
        actor="test",
        action="key_destroyed",
        family=A,
        kid=kid,
        reason="tidying up",
        detail={"was": "DEACTIVATED", "grounds": "nothing needs it"},
    )


async def test_none_at_all_is_proof_only_where_nothing_was_counted() -> None:
    house, _, kid = await rotated()
    assert isinstance(house.world.ledger, KeyUsage)
    await house.world.ledger.add(kid, 3)
    with pytest.raises(DestroyRefusedError, match="3 encryptions, and no ciphertext was shown"):
        await house.destroying(kid, replace(BASE, examined=0))
    await house.destroying(kid, replace(BASE, examined=1))
    assert await state(house, A, kid) is KeyState.DESTROYED


async def uncounted(house: House, old: Kid, how: str) -> tuple[House, Kid]:
    """A house whose ledger never counted all encryptions of an AES key, and that key."""
    if how == "imported":
        await house.migrated()
        house.world.clock.pass_time(W1)
        return house, Kid("old_1")
    place = (await house.backed_up()).place
    again = House(world=World(clock=house.world.clock, store=house.world.store, seed=9), kept=house.kept)
    if how == "restored":
        await again.restored(place)
    else:
        for family in Family:
            await again.world.recover(family, actor="test", reason="the ledger was lost")
    house.world.clock.pass_time(W1)
    return again, old


@pytest.mark.parametrize("how", ["imported", "recovered", "restored"])
async def test_none_at_all_is_no_proof_for_a_key_that_may_have_encrypted_uncounted(how: str) -> None:
    first, _, old = await rotated()
    house, kid = await uncounted(House() if how == "imported" else first, old, how)
    before = (house.secrets(), await house.world.ledger.heads())
    with pytest.raises(DestroyRefusedError, match="not all that it encrypted was counted here, and no ciphertext was"):
        await house.destroying(kid, replace(BASE, examined=0))
    assert (house.secrets(), await house.world.ledger.heads()) == before
    await house.destroying(kid, replace(BASE, examined=1))
    assert await state(house, A, kid) is KeyState.DESTROYED


async def test_a_key_with_a_tombstone_in_a_rebuilt_ledger_may_have_encrypted() -> None:
    house, _, old = await rotated()
    await house.world.compromise(A, old, actor="test", reason="leaked")
    again = House(world=World(clock=house.world.clock, store=house.world.store, seed=9))
    await again.world.recover(A, actor="test", reason="the ledger was lost")
    assert await state(again, A, old) is KeyState.COMPROMISED
    for examined in (None, 0):
        with pytest.raises(DestroyRefusedError, match="may be needed"):
            await again.destroying(old, replace(BASE, examined=examined))
    done = await again.destroying(old, replace(BASE, examined=0, override="Ada"))
    assert done.grounds == "overridden: Ada"


async def test_a_key_that_was_made_in_a_rebuilt_ledger_was_counted_from_its_beginning() -> None:
    house, _, _ = await rotated()
    again = House(world=World(clock=house.world.clock, store=house.world.store, seed=9))
    found = await again.world.recover(A, actor="test", reason="the ledger was lost")
    active = []
    for name in ("one", "two", "three"):
        again.world.clock.pass_time(2 * W1)
        await again.world.rotated(A, name)
        active.append((await again.world.ring(A)).active.kid)
    again.world.clock.pass_time(2 * W1)
    kid = active[1]
    assert isinstance(found, Recovered)
    assert kid not in found.kids
    await again.destroying(kid, replace(BASE, examined=0))
    assert await state(again, A, kid) is KeyState.DESTROYED


async def test_an_aes_key_is_not_destroyed_while_an_instance_may_encrypt_with_it() -> None:
    house = House()
    await house.inner.initialised()
    kid = (await house.world.ring(A)).active.kid
    await house.world.rotated(A)
    view = WINDOWS.oldest_signer_view + WINDOWS.poll + WINDOWS.skew
    house.world.clock.pass_time(view - timedelta(seconds=1))
    with pytest.raises(DestroyRefusedError, match="may encrypt with it until"):
        await house.destroying(kid, replace(BASE, examined=0))
    house.world.clock.pass_time(timedelta(seconds=1))
    await house.destroying(kid, replace(BASE, examined=0))


async def test_a_signing_key_is_needed_until_its_last_token_ended() -> None:
    house, kid, _ = await rotated()
    house.world.clock.pass_time(W2 - W1 - timedelta(seconds=1))  # W1 passed since it was demoted
    with pytest.raises(DestroyRefusedError, match="may live until"):
        await house.destroying(kid, BASE)
    house.world.clock.pass_time(timedelta(seconds=1))
    await house.destroying(kid, BASE)
    assert await state(house, J, kid) is KeyState.DESTROYED


REFUSED = {
    "nobody went through the ciphertexts": (
        BASE,
        "may be needed: it encrypted; go through all ciphertexts that there are; or say",
    ),
    "ciphertexts name it": (
        replace(BASE, examined=9, in_use=frozenset({"KID"})),
        "may be needed: ciphertexts name it; rewrap them first; or say",
    ),
    "no backup": (replace(BASE, examined=9, without_backup=False), "no backup that was shown"),
}


@pytest.mark.parametrize(("grounds", "said"), REFUSED.values(), ids=REFUSED.keys())
async def test_without_proof_or_backup_nothing_is_changed(grounds: Grounds, said: str) -> None:
    house, _, kid = await rotated()
    if grounds.in_use:
        grounds = replace(grounds, in_use=frozenset({kid}))
    before = (house.secrets(), await house.world.ledger.heads())
    with pytest.raises(DestroyRefusedError, match=said):
        await house.destroying(kid, grounds)
    assert (house.secrets(), await house.world.ledger.heads()) == before


async def test_somebody_may_answer_for_it_by_name() -> None:
    house, _, kid = await rotated()
    done = await house.destroying(kid, replace(BASE, override="ticket 4711, Ada"))
    assert done.grounds == "overridden: ticket 4711, Ada"
    assert list(await house.world.trail.entries())[-1].fact.detail["grounds"] == done.grounds
    with pytest.raises(InvalidNameError):
        await house.destroying(kid, replace(BASE, override=""))


async def test_a_key_in_use_or_staged_is_never_destroyed() -> None:
    house, _, _ = await rotated()
    ring = await house.world.ring(A)
    assert ring.staged
    for kid in (ring.active.kid, ring.staged.kid):
        with pytest.raises(DestroyRefusedError, match="only a DEACTIVATED or COMPROMISED"):
            await house.destroying(kid, replace(BASE, examined=0, override="me"))


async def test_a_backup_has_to_hold_this_very_key() -> None:
    house, _, kid = await rotated()
    backup, _ = await house.checking((await house.backed_up()).place, OPENING)
    jwt_only, _ = await house.checking((await house.backed_up(J)).place, OPENING)
    grounds = replace(BASE, examined=0, without_backup=False)
    with pytest.raises(DestroyRefusedError, match="does not hold"):
        await house.destroying(kid, replace(grounds, backup=jwt_only))
    await house.destroying(kid, replace(grounds, backup=backup))
    assert await state(house, A, kid) is KeyState.DESTROYED


async def test_a_compromised_key_can_be_destroyed_too() -> None:
    house, _, _ = await rotated()
    for family in Family:
        kid = (await house.world.ring(family)).active.kid
        await house.world.compromise(family, kid, actor="test", reason="leaked")
        await house.destroying(kid, replace(BASE, examined=0))
        assert await state(house, family, kid) is KeyState.DESTROYED


async def test_done_again_it_removes_what_a_crash_left() -> None:
    house, _, kid = await rotated()
    line = (await house.world.store.read_folder(versions_folder("aes"))).secrets[kid]
    first = await house.destroying(kid, replace(BASE, examined=0))
    await house.world.store.put_new(versions_folder("aes").child(kid), line)
    house.world.clock.pass_time(W1)
    assert await house.destroying(kid, BASE) == replace(first, grounds="it was before", already=True)
    assert str(versions_folder("aes").child(kid)) not in house.secrets()


async def mapped(house: House) -> set[str]:
    return mapped_kids((await house.world.store.read_folder(family_folder("aes"))).secrets)


async def test_the_guides_names_no_longer_hold_a_destroyed_key() -> None:
    house, _, kid = await rotated()
    before = await mapped(house)
    await house.destroying(kid, replace(BASE, examined=0))
    assert await mapped(house) == before - {kid}


async def test_done_again_it_takes_the_key_out_of_the_guides_names() -> None:
    house, _, kid = await rotated()
    path = family_folder("aes").child("keys_map")
    keys_map = (await house.world.store.read_folder(path.folder)).secrets[path.name]
    await house.destroying(kid, replace(BASE, examined=0))
    await house.world.store.overwrite({path: keys_map})
    assert kid in await mapped(house)
    await house.destroying(kid, BASE)
    assert kid not in await mapped(house)


async def test_names_that_cannot_be_written_are_told_and_done_again_they_are() -> None:
    quiet = FaultPlan(at=-1, kind=FaultKind.ERROR_BEFORE)
    await destroyed_behind(quiet)
    house, _, kid = await rotated()
    plan = FaultPlan(at=quiet.calls.index("overwrite"), kind=FaultKind.ERROR_BEFORE)
    with pytest.raises(SecretStoreUnavailableError):
        await House(world=house.world, plan=plan).destroying(kid, replace(BASE, examined=0))
    assert await state(house, A, kid) is KeyState.DESTROYED
    assert kid in await mapped(house)
    assert (await house.destroying(kid, BASE)).already
    assert kid not in await mapped(house)


async def destroyed_behind(plan: FaultPlan) -> tuple[House, Kid]:
    plain, _, kid = await rotated()
    house = House(world=plain.world, plan=plan)
    await house.destroying(kid, replace(BASE, examined=0))
    return plain, kid


@pytest.mark.parametrize("kind", [FaultKind.ERROR_AFTER, FaultKind.ERROR_BEFORE], ids=["done", "not done"])
async def test_a_commit_without_an_answer_is_looked_up(kind: FaultKind) -> None:
    quiet = FaultPlan(at=-1, kind=kind)
    await destroyed_behind(quiet)
    plan = FaultPlan(at=quiet.calls.index("commit"), kind=kind)
    if kind is FaultKind.ERROR_BEFORE:
        with pytest.raises(LedgerUnavailableError):
            await destroyed_behind(plan)
        assert "delete" not in plan.calls
        return
    house, kid = await destroyed_behind(plan)
    assert await state(house, A, kid) is KeyState.DESTROYED
    assert str(versions_folder("aes").child(kid)) not in house.secrets()


async def test_a_kid_that_no_ring_had_is_unknown() -> None:
    house, _, _ = await rotated()
    with pytest.raises(UnknownKeyError, match="no ring ever had a key aes_0"):
        await house.destroying(Kid("aes_0"), BASE)


async def test_ciphertexts_are_gone_through_by_their_kids() -> None:
    house, _, kid = await rotated()
    process = await Process(house.world).refresh()
    ours = process.cipher.encrypt("x")
    v1 = '{"v":1,"kid":"old_1","iv":"AAAAAAAAAAAAAAAA","ct":"AAAAAAAAAAAAAAAAAAAAAA"}'
    active = (await house.world.ring(A)).active.kid
    assert kids_named([ours, v1, ours]) == (frozenset({active, "old_1"}), 3)
    assert kids_named([]) == (frozenset(), 0)
    assert kid != active
    for strange, said in (
        ("nonsense", "ciphertext 2: "),
        (Fernet(text_key(1)).encrypt(b"x").decode(), "2 is a Fernet"),
    ):
        with pytest.raises(DestroyRefusedError, match=said):
            kids_named([ours, strange])
