"""Undo a migration: every touched path and every ring as they were, from the sealed pre-image."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from journal_keys.domain import material
from journal_keys.domain.backup import PreImage, read_pre_image
from journal_keys.domain.backup_seal import Opening
from journal_keys.domain.changes import AuditFact, check_reason
from journal_keys.domain.errors import DomainError, MaterialCorruptError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, KeyVersion, Kid
from journal_keys.domain.ledger_copy import RingsPutBack
from journal_keys.domain.material import KeyMaterial, MaterialRecord, is_same
from journal_keys.domain.paths import MARKER_NAME, SecretPath, is_owned, versions_folder
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.backup_shelf import BackupShelf
from journal_keys.ports.hint_bus import HintBus
from journal_keys.ports.ledger import Ledger, LedgerUnavailableError
from journal_keys.ports.ledger_archive import LedgerArchive
from journal_keys.ports.progress import Progress, Silent
from journal_keys.ports.secret_cache import SecretCache
from journal_keys.ports.secret_store import SecretStore, SecretStoreProtocolError
from journal_keys.use_cases.keep_pre_image import ROLLED_BACK
from journal_keys.use_cases.plan_migration import MigrationPlan
from journal_keys.use_cases.put_values import PutValues
from journal_keys.use_cases.trail_facts import facts

_MOST_LOOKS: Final = 8


class RollbackRefusedError(DomainError):
    """A rollback would lose or revive something, which stays; the message says whether the rings went back before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """How many paths have their earlier content again, and which keys are gone."""

    paths: int
    removed: tuple[Kid, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """One run's parameters. `source` is a plan of what the environment holds now: what it no longer has would be lost.

    `forget` are keys that may be lost, `overwrite` paths whose content may be lost.
    """

    actor: str
    reason: str
    source: MigrationPlan
    forget: frozenset[Kid] = frozenset()
    overwrite: frozenset[SecretPath] = frozenset()

    def still_holds_key(self, version: KeyVersion) -> bool:
        """Whether the environment still has this imported key."""
        return any(
            one.kid == version.kid and one.key.record.derived_kid == version.derived_kid for one in self.source.keys
        )

    def may_lose(self, path: SecretPath, held: KeyMaterial | None, written: str) -> bool:
        """Whether somebody said so, or the migration set what is held there, and the environment still has it."""
        if path in self.overwrite:
            return True
        is_written = held is not None and held.digest() == written
        return is_written and any(one.path == path and one.value.digest() == written for one in self.source.secrets)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBackMigration:
    """The rings first, then the store; done again, it goes on."""

    ledger: Ledger
    archive: LedgerArchive
    trail: AuditTrail
    store: SecretStore
    cache: SecretCache
    put: PutValues
    hints: HintBus
    shelf: BackupShelf

    async def __call__(self, place: str, opening: Opening, undo: Undo, *, tell: Progress | None = None) -> RolledBack:
        """Give what was put back.

        A ring that was there before has its versions of then, under the next generation: one that goes back could be
        mistaken for one that an instance holds. One that was not there is gone.

        Raises:
            InvalidNameError: the reason is malformed.
            BackupError: the pre-image cannot be opened, or is none.
            RollbackRefusedError: a key was used, compromised or destroyed since, or a secret was set by others.
            SecretHiddenError: the store does not show a folder that this call marked.
            PortError: store or ledger failed; the same again goes on.
        """
        check_reason(undo.reason)
        tell = tell or Silent()
        image = read_pre_image(await self.shelf.load(place, opening))
        rings = await self._rings()
        for family, ring in rings.items():
            _refuse_loss(ring, image.ledger.rings.get(family), undo)
        _refuse_foreign(await self._held(image.written), image, undo, "nothing was changed")
        removed = {family: _removed(ring, image.ledger.rings.get(family)) for family, ring in rings.items()}
        sha256 = await self.shelf.digest(place)
        earlier = await self._removed_before(sha256)
        if earlier is None or not _are_back(rings, image):
            tell("putting the rings back", 0, 1)
            await self._put_back(rings, image, removed, undo, sha256)
        gone = {*(kid for kids in removed.values() for kid in kids), *(earlier or ()), *image.imported}
        tell("putting values back", 0, len(image.paths))
        await self._restore(image, gone, undo)
        return RolledBack(paths=len(image.paths), removed=tuple(sorted(gone)))

    async def _rings(self) -> Mapping[Family, KeyRing | None]:
        return {family: (await self.ledger.read(family)).ring for family in Family}

    async def _put_back(
        self,
        rings: Mapping[Family, KeyRing | None],
        image: PreImage,
        removed: Mapping[Family, Iterable[Kid]],
        undo: Undo,
        sha256: str,
    ) -> None:
        kids = " ".join(kid for kids in removed.values() for kid in kids)

        def transition(at: datetime) -> RingsPutBack:
            fact = AuditFact(
                at=at,
                actor=undo.actor,
                action=ROLLED_BACK,
                family=None,
                kid=None,
                reason=undo.reason,
                detail={"sha256": sha256, "removed": kids},
            )
            return RingsPutBack(
                rings={family: _earlier(image.ledger.rings.get(family), ring, at) for family, ring in rings.items()},
                facts=(fact,),
            )

        heads = {family: ring.head if ring else None for family, ring in rings.items()}
        try:
            await self.archive.put_back(heads, transition)
        except LedgerUnavailableError:
            if await self._removed_before(sha256) is None or not _are_back(await self._rings(), image):
                raise  # an earlier rollback of the same pre-image is no proof of this one
        for family, ring in rings.items():
            if ring is not None:
                await self.hints.publish(family, ring.generation + 1)

    async def _removed_before(self, sha256: str) -> frozenset[Kid] | None:
        """What a rollback of this very pre-image removed from the rings, None where there was none."""
        found: frozenset[Kid] | None = None
        async for fact in facts(self.trail):
            if fact.action == ROLLED_BACK and fact.detail.get("sha256") == sha256:
                found = frozenset(Kid(kid) for kid in fact.detail["removed"].split())
        return found

    async def _shown(self, folder: SecretPath) -> Mapping[str, KeyMaterial]:
        """What a folder holds. Absence counts behind our marker only, which goes with the folder's others."""
        content = await self.store.read_folder(folder)
        if not content.is_marked:
            await self.put.mark(frozenset({folder}))
            content = (await self.store.read_folder(folder)).require_marked()
        return content.secrets

    async def _held(self, paths: Iterable[SecretPath]) -> Mapping[SecretPath, KeyMaterial]:
        folders = sorted({path.folder for path in paths})
        return {folder.child(name): value for folder in folders for name, value in (await self._shown(folder)).items()}

    async def _strays(self, family: Family, image: PreImage) -> frozenset[Kid]:
        """Keys that a migration made for a new ring, and did not get to publish: nobody else would sweep them."""
        if family in image.ledger.rings:
            return frozenset()
        lines = await self._shown(versions_folder(family))
        records = [record for name, line in lines.items() if name != MARKER_NAME and (record := _record(line))]
        return frozenset(record.kid for record in records if record.created_at >= image.made_at)

    async def _restore(self, image: PreImage, gone: Iterable[Kid], undo: Undo) -> None:
        """Put back what differs until nothing does, then the markers: a folder is ours until it is as before."""
        removed = {
            versions_folder(family).child(kid): None
            for family in Family
            for kid in {*gone, *await self._strays(family, image)}
        }
        paths = {**removed, **image.paths}
        others: list[SecretPath] = []
        for _ in range(_MOST_LOOKS):
            held = await self._held(paths)
            _refuse_foreign(held, image, undo, "the rings went back already, and the same again goes on")
            differing = {path: value for path, value in paths.items() if not is_same(held.get(path), value)}
            others = [path for path in differing if path.name != MARKER_NAME]
            await self._set({path: differing[path] for path in others or differing})
            if not others:
                return
        raise SecretStoreProtocolError(
            f"{', '.join(map(str, sorted(others)))} was put back {_MOST_LOOKS} times and is not as before"
        )

    async def _set(self, values: Mapping[SecretPath, KeyMaterial | None]) -> None:
        await self.put.set({path: value for path, value in values.items() if value is not None})
        for path in sorted(path for path, value in values.items() if value is None):
            await self.store.delete(path)
        for path in values:
            if not is_owned(path):
                await self.cache.invalidate(path)


def _refuse_foreign(held: Mapping[SecretPath, KeyMaterial], image: PreImage, undo: Undo, state: str) -> None:
    foreign = [
        str(path)
        for path, written in image.written.items()
        if not is_same(held.get(path), image.paths.get(path)) and not undo.may_lose(path, held.get(path), written)
    ]
    if foreign:
        raise RollbackRefusedError(
            f"{', '.join(foreign)} was changed since the migration, or the environment no longer has what was set"
            f" there (--from-file names an env file): say --overwrite for each that may be lost; {state}"
        )


def _record(line: KeyMaterial) -> MaterialRecord | None:
    try:
        return material.decode(line)
    except MaterialCorruptError:
        return None


def _are_back(rings: Mapping[Family, KeyRing | None], image: PreImage) -> bool:
    return all(_versions(ring) == _versions(image.ledger.rings.get(family)) for family, ring in rings.items())


def _versions(ring: KeyRing | None) -> tuple[KeyVersion, ...]:
    return ring.versions if ring else ()


def _earlier(before: KeyRing | None, now: KeyRing | None, at: datetime) -> KeyRing | None:
    if before is None:
        return None
    generation = max(before.generation, now.generation if now else 0) + 1
    return replace(before, generation=generation, changed_at=at)


def _removed(ring: KeyRing | None, before: KeyRing | None) -> tuple[Kid, ...]:
    known = {version.kid for version in before.versions} if before else set()
    return tuple(version.kid for version in ring.versions if version.kid not in known) if ring else ()


def _is_lost(version: KeyVersion, before: KeyRing | None, undo: Undo) -> bool:
    """Whether a rollback would forget a key that made something, or that it did."""
    if version.activated_at is None or version.state is KeyState.DESTROYED or version.kid in undo.forget:
        return False
    old = before.find(version.kid) if before else None
    if old is not None:
        return old.activated_at is None
    return version.derived_kid is None or not undo.still_holds_key(version)


def _refuse_loss(ring: KeyRing | None, before: KeyRing | None, undo: Undo) -> None:
    if ring is None:
        return
    used = [version.kid for version in ring.versions if _is_lost(version, before, undo)]
    if used:
        raise RollbackRefusedError(
            f"{', '.join(used)} of ring {ring.family} came into use since the migration, or the environment no longer"
            " has it (--from-file names an env file): what was signed or encrypted with it would be lost; say --forget"
            " for each that may go"
        )
    ended = {KeyState.COMPROMISED, KeyState.DESTROYED}
    revived = [
        version.kid
        for version in ring.versions
        if version.state in ended and before and (old := before.find(version.kid)) and old.state not in ended
    ]
    if revived:
        raise RollbackRefusedError(
            f"{', '.join(revived)} of ring {ring.family} was compromised or destroyed since the migration: a rollback"
            " would revive it"
        )
