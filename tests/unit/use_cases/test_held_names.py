"""Keys that somebody keeps by hand under the guide's names, where no ring wrote them, are lost by name only."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial, is_same
from journal_keys.domain.migration import ConflictError, Resolutions, Step
from journal_keys.domain.paths import SecretPath, family_folder
from journal_keys.ports.secret_store import FolderContent, SecretStoreError, SecretStoreProtocolError
from journal_keys.use_cases.held_names import held_names
from journal_keys.use_cases.migrate_secrets import Migrated
from journal_keys.use_cases.trail_facts import facts
from tests.support.fault_plan import FaultKind, FaultPlan, ProcessDied
from tests.support.hiding import Hiding
from tests.support.imported import aes_json, pem, public_pem, text_key
from tests.support.moving import DB_URL, ENVIRONMENT, House, changed
from tests.support.process import Process
from tests.support.world import World

OTHER = ed25519.Ed25519PrivateKey.from_private_bytes(b"a key kept by hand, of 32 bytes.")


def names_by_hand() -> dict[SecretPath, KeyMaterial]:
    """The guide's names, as an application filled them that knew no ring."""
    names = {
        "/auth/jwt/current_private_key": pem(OTHER),
        "/auth/jwt/current_public_key": public_pem(OTHER),
        "/auth/aes/active_kid": KeyMaterial(b"by-hand"),
        "/auth/aes/current_key": KeyMaterial(text_key(90).encode("ascii")),
        "/auth/aes/keys_map": aes_json("by-hand", seed=90),
    }
    return {SecretPath.parse(path): value for path, value in names.items()}


async def with_names(names: Mapping[SecretPath, KeyMaterial], hidden: SecretPath = DB_URL, times: int = 0) -> House:
    """A world without a ring that holds these, and hides a folder so many times."""
    plain = MemorySecretStore()
    for path, value in names.items():
        await plain.put_new(path, value)
    return House(world=World(store=Hiding(plain, hidden, times)))


async def held(house: House, names: Mapping[SecretPath, KeyMaterial]) -> list[str]:
    """Which of these the store still has as they were."""
    now = {path: (await house.world.store.read_folder(path.folder)).secrets.get(path.name) for path in names}
    return [str(path) for path, value in names.items() if is_same(now[path], value)]


@pytest.mark.parametrize("path", names_by_hand(), ids=str)
async def test_a_key_that_is_kept_by_hand_under_a_guides_name_is_only_lost_by_name(path: SecretPath) -> None:
    names = {path: names_by_hand()[path]}
    house = await with_names(names)
    lines = {line.variable: line for line in (await house.planned()).lines}
    assert lines[str(path)].step is Step.CONFLICT
    with pytest.raises(ConflictError, match=f"{path} .*--overwrite PATH"):
        await house.migrated()
    assert await held(house, names) == [str(path)]
    assert await house.world.ledger.heads() == {}
    assert [one async for one in facts(house.world.trail)] == []
    outcome = await house.migrated(resolutions=Resolutions(overwrite=frozenset({str(path)})))
    assert isinstance(outcome, Migrated)
    assert str(path) not in outcome.moved
    await house.rolled_back(outcome.pre_image)
    assert await held(house, names) == [str(path)]


async def test_names_of_the_keys_that_are_moved_are_in_nobodys_way() -> None:
    names = names_by_hand()
    house = await with_names(names)
    source = changed(
        JOURNAL_JWT_PRIVATE_KEY=pem(OTHER),
        JOURNAL_JWT_PUBLIC_KEY=public_pem(OTHER),
        AUTH_ENC_KEYS=aes_json("by-hand", seed=90),
        AUTH_ENC_ACTIVE_KID=b"by-hand",
    )
    assert isinstance(await house.migrated(source), Migrated)
    process = await Process(house.world).refresh()
    assert process.cipher.encrypt("said").startswith("jk2.by-hand.")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("/auth/aes/keys_map", aes_json("old_1", "another"), id="a map with one key more"),
        pytest.param("/auth/aes/keys_map", aes_json("old_1", seed=90), id="a map with another key of a kid"),
        pytest.param("/auth/aes/keys_map", KeyMaterial(b"no map"), id="no map"),
        pytest.param("/auth/aes/next_key", KeyMaterial(text_key(99).encode("ascii")), id="a next key"),
        pytest.param("/auth/jwt/next_private_key", KeyMaterial(b"no PEM"), id="no PEM"),
        pytest.param("/auth/jwt/next_public_key", public_pem(OTHER), id="a public key alone"),
    ],
)
async def test_whatever_a_guides_name_holds_beside_the_moved_keys_is_in_the_way(name: str, value: KeyMaterial) -> None:
    house = await with_names({SecretPath.parse(name): value})
    with pytest.raises(ConflictError, match=name):
        await house.migrated()


async def test_a_kept_key_is_not_moved_and_its_name_is_in_the_way() -> None:
    house = await with_names({SecretPath.parse("/auth/aes/keys_map"): ENVIRONMENT["AUTH_ENC_KEYS"]})
    with pytest.raises(ConflictError, match="keys_map"):
        await house.migrated(resolutions=Resolutions(keep=frozenset({"old_1"})))


@pytest.mark.parametrize("times", [1, 2, 3, 4, 5, 6])
async def test_a_name_that_is_hidden_from_the_plan_is_not_lost(times: int) -> None:
    names = {path: value for path, value in names_by_hand().items() if path.folder == family_folder("aes")}
    house = await with_names(names, family_folder("aes"), times)
    with pytest.raises((ConflictError, SecretStoreError)):
        await house.migrated()
    house.world.store.times = 0  # type: ignore[attr-defined]
    assert await held(house, names) == [str(path) for path in names]
    assert await house.world.ledger.heads() == {}


@pytest.mark.parametrize("founded", [0, 1])
async def test_the_same_again_completes_a_run_that_said_which_names_may_be_lost(founded: int) -> None:
    said = Resolutions(overwrite=frozenset(map(str, names_by_hand())))
    count = FaultPlan(at=-1, kind=FaultKind.HANG)
    counted = await with_names(names_by_hand())
    await House(world=counted.world, plan=count).migrated(resolutions=said)
    commits = [number for number, name in enumerate(count.calls) if name == "commit"]
    house = await with_names(names_by_hand())
    plan = FaultPlan(at=commits[founded], kind=FaultKind.DEATH_AFTER)
    with pytest.raises(ProcessDied):
        await House(world=house.world, kept=house.kept, plan=plan).migrated(resolutions=said)
    assert len(await house.world.ledger.heads()) == founded + 1
    assert isinstance(await house.migrated(resolutions=said), Migrated)
    assert await held(house, names_by_hand()) == []


async def test_a_public_key_beside_the_moved_key_that_is_not_its_half_is_in_the_way() -> None:
    names = {
        SecretPath.parse("/auth/jwt/current_private_key"): ENVIRONMENT["JOURNAL_JWT_PRIVATE_KEY"],
        SecretPath.parse("/auth/jwt/current_public_key"): public_pem(OTHER),
    }
    house = await with_names(names)
    because = "no ring wrote it, and it is not among the keys to be moved: it would be lost"
    with pytest.raises(ConflictError, match=rf"1 conflicts: /auth/jwt/current_public_key \(jwt ring\): {because}\."):
        await house.migrated()


@dataclass
class HidingAfterwards(Hiding):
    """A store that shows the folder so many times first."""

    shown: int = 0

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        if folder == self.folder and self.shown:
            self.shown -= 1
            return await self.plain.read_folder(folder)
        return await super().read_folder(folder)


async def test_names_that_only_the_first_look_shows_are_held() -> None:
    house = await with_names(names_by_hand())
    folder = family_folder("aes")
    found = await held_names(HidingAfterwards(house.world.store, folder, times=1, shown=1), Family.AES)
    assert [folder.child(name) for name in found.values] == [
        SecretPath.parse(f"/auth/aes/{name}") for name in ("current_key", "active_kid", "keys_map")
    ]


async def test_names_that_are_others_behind_the_marker_are_told() -> None:
    house = await with_names(names_by_hand())
    folder = family_folder("aes")
    found = await held_names(house.world.store, Family.AES)
    await house.put.mark(frozenset({folder}))
    await found.check(house.world.store)
    await house.world.store.delete(folder.child("active_kid"))
    await house.put.new({folder.child("next_key"): KeyMaterial(b"a next key")})
    with pytest.raises(
        SecretStoreProtocolError,
        match=r"^/auth/aes/next_key, /auth/aes/active_kid was read with two answers: no key was moved$",
    ):
        await found.check(house.world.store)
