"""What must hold after a crash: at once, and in rest after one pass. A breach is told in words."""

from dataclasses import dataclass, field

from journal_keys.adapters.crypto.key_crypto import CryptographyKeyOpener
from journal_keys.domain.audit_chain import EMPTY, AuditHead
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keyring import KeyRing, RingHead
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.material import KeyMaterial, decode
from journal_keys.domain.outcomes import Compromised, Initialised, Recovered, Retired, Rotated
from journal_keys.domain.paths import MARKER_NAME, SecretPath, compromised_folder, family_folder, versions_folder
from journal_keys.ports.secret_store import FolderContent
from tests.support.crash_rules import (
    BreachError,
    accepted_keys_have_their_material,
    no_key_is_lost,
    projections_are_true,
    projections_never_run_ahead,
    require,
)
from tests.support.crash_scenes import Scene
from tests.support.crash_worlds import NEW_VALUE, OLD_VALUE, PATH, Kept
from tests.support.grounds import MemoryChronicle, SqlChronicle
from tests.support.process import Process
from tests.support.world import World

_OPENER = CryptographyKeyOpener()
_PROVED: set[tuple[str, str]] = set()


@dataclass(slots=True)
class Inquest:
    """Looks at one world again and again, and holds it to what it saw."""

    world: World
    scene: Scene
    kept: Kept
    digests: dict[str, str] = field(default_factory=dict)
    """Of every write-once secret that was ever seen."""
    chain: AuditHead = EMPTY
    read_at: RingHead | None = None

    @property
    def family(self) -> Family:
        return self.kept.family

    @property
    def spent(self) -> frozenset[Kid]:
        """The kids that may end by design."""
        return self.scene.spends(self.kept.ring) if self.kept.ring else frozenset()

    async def ring(self) -> KeyRing | None:
        return (await self.world.ledger.read(self.family)).ring

    async def _folder(self, folder: SecretPath) -> FolderContent:
        return await self.world.store.read_folder(folder)

    async def at_once(self) -> None:
        """What holds at every readable instant, repaired or not."""
        versions = await self._folder(versions_folder(self.family))
        self._names_keep_their_content(versions)
        self._names_keep_their_content(await self._folder(compromised_folder(self.family)))
        await self._secret_is_whole()
        await self._chain_holds()
        ring = await self.ring()
        if ring is None:
            require(self.kept.ring is None or self.scene.loses_ledger, "the ring is gone")
            return
        no_key_is_lost(ring, self.kept.ring, self.spent)
        accepted_keys_have_their_material(ring, versions, self.kept.lost)
        projections_never_run_ahead(ring, await self._folder(family_folder(self.family)))
        self._generations_count_on()
        await self._old_texts_are_good(ring)

    async def at_rest(self) -> KeyRing:
        """What holds besides, when nothing is left to do."""
        await self.at_once()
        ring = await self.ring()
        if ring is None or ring.staged is None:
            raise BreachError("no successor is staged")
        accepted = {version.kid for version in ring.accepted}
        buried = {version.kid for version in ring.in_states(KeyState.COMPROMISED)}
        held = _names(await self._folder(versions_folder(self.family)))
        expected = accepted | buried if self.family is Family.AES else accepted
        require(held == expected, f"the store holds {held - expected} for nobody, and lacks {expected - held}")
        stones = _names(await self._folder(compromised_folder(self.family)))
        require(buried <= stones, f"no tombstone stands for {buried - stones}")
        require(stones.isdisjoint(accepted), f"{stones & accepted} have a tombstone and are accepted")
        projections_are_true(ring, await self._folder(family_folder(self.family)))
        return ring

    async def at_the_end(self) -> None:
        """What holds once the question of before was asked again."""
        ring = await self.at_rest()
        before = self.kept.ring
        if self.scene.promotes and before and before.staged:
            require(ring.active.kid == before.staged.kid, "the staged key of before is not ACTIVE")
            promoted = [v.kid for v in ring.versions if v.activated_at and not _was_active(before, v.kid)]
            require(len(promoted) == 1, f"{len(promoted)} keys were promoted, not one")
        secret = (await self._folder(PATH.folder)).secrets.get(PATH.name)
        require(secret is None or secret.same_as(NEW_VALUE), "the secret is not the one that was set")

    async def told(self, outcome: object) -> None:
        """An outcome that was given is true."""
        ring = await self.ring()
        match outcome:
            case Rotated(new_kid=kid) | Initialised(active_kid=kid) | Recovered(active_kid=kid):
                require(ring is not None and ring.active.kid == kid, f"{kid} is told to be ACTIVE and is not")
            case Compromised(kid=kid):
                require(ring is not None and not ring.get(kid).is_accepted, f"{kid} is told to be out and is not")
            case Retired(kids=kids):
                states = {ring.get(kid).state for kid in kids} if ring else set()
                require(states == {KeyState.DESTROYED}, "keys are told to be retired and are not")
            case _:
                return

    def _names_keep_their_content(self, content: FolderContent) -> None:
        for name, line in content.secrets.items():
            before = self.digests.setdefault(f"{content.folder}/{name}", line.digest())
            require(line.digest() == before, f"{name} changed its content")
            if content.folder == versions_folder(self.family) and name != MARKER_NAME:
                require(_is_key_of(name, line), f"{name} holds another key")

    def _generations_count_on(self) -> None:
        assert isinstance(self.world.ledger, MemoryChronicle | SqlChronicle)
        seen = [ring.generation for ring in self.world.ledger.history if ring.family is self.family]
        counted = list(range(seen[0], seen[0] + len(seen))) if seen else []
        require(seen == counted, f"the generations were {seen}")

    async def _old_texts_are_good(self, ring: KeyRing) -> None:
        if ring.head == self.read_at:
            return
        reader = await Process(self.world).refresh()
        accepted = {version.kid for version in ring.accepted}
        for kid, text in self.kept.texts:
            if kid not in accepted:
                continue  # judged by `_no_key_is_lost`
            try:
                reader.read(self.family, text)
            except JournalKeysError as refusal:
                raise BreachError(f"a text under {kid} is refused: {refusal}") from None
        self.read_at = ring.head

    async def _chain_holds(self) -> None:
        """Follow the chain from its beginning whenever it grew."""
        if await self.world.trail.head() != self.chain:
            self.chain = await self.world.verify_audit(kept=self.chain)

    async def _secret_is_whole(self) -> None:
        secret = (await self._folder(PATH.folder)).secrets.get(PATH.name)
        whole = secret is None or secret.same_as(OLD_VALUE) or secret.same_as(NEW_VALUE)
        require(whole, "the secret is neither the old nor the new one")


def _is_key_of(name: str, line: KeyMaterial) -> bool:
    """Whether the key itself gives the name; each line is looked at once."""
    if (name, line.digest()) not in _PROVED:
        record = decode(line)
        _OPENER.prove(record)
        if record.kid != name:
            return False
        _PROVED.add((name, line.digest()))
    return True


def _names(content: FolderContent) -> set[str]:
    return set(content.secrets.keys() - {MARKER_NAME})


def _was_active(ring: KeyRing, kid: Kid) -> bool:
    version = ring.find(kid)
    return version is not None and version.activated_at is not None
