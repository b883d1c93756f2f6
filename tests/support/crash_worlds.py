"""The worlds that a crash finds, and what was made in them before."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from journal_keys.adapters.memory.secret_cache import MemorySecretCache
from journal_keys.domain import rotation
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath, family_folder, versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.use_cases.store_secret import StoreSecret
from tests.support.process import Process
from tests.support.projected import FOREIGN
from tests.support.world import POLICIES, W1, W2, WINDOWS, World

PATH: Final = SecretPath.parse("/database/db_url_async")
OLD_VALUE: Final = KeyMaterial(b"old value")
NEW_VALUE: Final = KeyMaterial(b"new value")


@dataclass(slots=True)
class Kept:
    """What was made before the crash: the ring, and tokens or ciphertexts under keys of it that are alive still."""

    family: Family
    ring: KeyRing | None = None
    texts: list[tuple[Kid, str]] = field(default_factory=list)
    lost: frozenset[Kid] = frozenset()
    """Accepted keys whose material was gone already."""

    async def look(self, world: World) -> None:
        """Take down the ring as the crash finds it."""
        self.ring = (await world.ledger.read(self.family)).ring
        held = (await world.store.read_folder(versions_folder(self.family))).secrets
        accepted = self.ring.accepted if self.ring else ()
        self.lost = frozenset(version.kid for version in accepted if version.kid not in held)

    @property
    def before(self) -> KeyRing:
        """The ring, where there was one."""
        assert self.ring is not None
        return self.ring

    def outlive_tokens(self, world: World, duration: timedelta) -> None:
        """Let so much time pass that every token so far has expired; ciphertexts stay."""
        world.clock.pass_time(duration)
        if self.family is Family.JWT:
            self.texts.clear()

    async def make_one(self, world: World) -> None:
        """Sign or encrypt under the ACTIVE key."""
        process = await Process(world).refresh()
        self.texts.append(process.write(self.family))


async def rest(world: World, kept: Kept) -> None:
    """A ring with a DEACTIVATED, an ACTIVE and a staged key, and something made under each that was ever ACTIVE."""
    await world.initialised(kept.family)
    await kept.make_one(world)
    await world.rotated(kept.family, "earlier")
    world.clock.pass_time(W1)
    await kept.make_one(world)


async def due(world: World, kept: Kept) -> None:
    await rest(world, kept)
    kept.outlive_tokens(world, POLICIES[kept.family].interval)
    await kept.make_one(world)


async def just_rotated(world: World, kept: Kept) -> None:
    await rest(world, kept)
    await world.rotated(kept.family, "just-now")
    await kept.make_one(world)


async def nothing(world: World, kept: Kept) -> None:
    """A world that was never initialised."""


async def past_retention(world: World, kept: Kept) -> None:
    await rest(world, kept)
    kept.outlive_tokens(world, W2)
    await kept.make_one(world)


async def much_undone(world: World, kept: Kept) -> None:
    """A rotation that may go on, a key past its time, material that nobody published, an altered projection."""
    await past_retention(world, kept)
    await world.rotated(kept.family, "first")
    await world.rotated(kept.family, "waits")
    await kept.make_one(world)
    now = (await world.ledger.read(kept.family)).now
    await world.make_key(POLICIES[kept.family], Cause(at=now, actor="test", reason="died"))
    world.clock.pass_time(W1)
    name = {"jwt": "current_private_key", "aes": "active_kid"}[kept.family]
    await world.store.overwrite({family_folder(kept.family).child(name): FOREIGN})


async def half_compromised(world: World, kept: Kept) -> None:
    """A compromise that ended at its commit, and a staged key whose material was lost since."""
    await rest(world, kept)
    ring = await world.ring(kept.family)
    await world.ledger.commit(lambda at: rotation.compromise(ring, ring.active.kid, _cause(world).when(at)))
    staged = (await world.stage(await world.ring(kept.family), POLICIES[kept.family], _cause(world))).staged
    assert staged is not None
    await world.store.delete(versions_folder(kept.family).child(staged.kid))
    await kept.make_one(world)


async def one_compromised(world: World, kept: Kept) -> None:
    """A tombstone, as `recover` must respect it, and no more: the compromise died before the material was deleted."""
    await rest(world, kept)
    (old,) = oldest_of(await world.ring(kept.family))
    path = versions_folder(kept.family).child(old)
    line = (await world.store.read_folder(path.folder)).secrets[old]
    await world.compromise(kept.family, old, actor="test", reason="leaked")
    await world.store.put_new(path, line)
    world.clock.pass_time(W1)


def oldest_of(ring: KeyRing) -> frozenset[Kid]:
    """The DEACTIVATED key that was demoted first."""
    demoted = sorted(ring.in_states(KeyState.DEACTIVATED), key=lambda version: version.since)
    return frozenset({demoted[0].kid})


async def with_a_secret(world: World, kept: Kept) -> None:
    await rest(world, kept)
    await store_secret(world, OLD_VALUE)


def _cause(world: World) -> Cause:
    return Cause(at=world.clock.read().wall, actor="test", reason="test")


async def store_secret(process: World, value: KeyMaterial) -> None:
    cache = MemorySecretCache(process.clock, WINDOWS.view_ttl, timedelta(0))
    await StoreSecret(store=process.store, cache=cache)(PATH, value)
