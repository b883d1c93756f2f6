"""Wrong designs of moving in and out that the enumeration of faults must find."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

from journal_keys.domain import material
from journal_keys.domain.backup import Backup
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import KeyVersion, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath, versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.use_cases.destroy_key import DestroyKey
from journal_keys.use_cases.find_losses import FindLosses
from journal_keys.use_cases.keep_pre_image import KeepPreImage, OpenMigration
from journal_keys.use_cases.migrate_secrets import MigrateSecrets
from journal_keys.use_cases.place_keys import KeyToMove
from journal_keys.use_cases.plan_migration import MigrationPlan
from journal_keys.use_cases.restore_backup import RestoreBackup
from journal_keys.use_cases.roll_back_migration import RollBackMigration
from journal_keys.use_cases.take_keys_in import TakeKeysIn
from tests.support.moving import House

T = TypeVar("T")


def _as(kind: type[T], ours: Any, **others: object) -> T:  # noqa: ANN401 (any use case)
    """The same ports in a wrong verb."""
    return kind(**{one.name: getattr(ours, one.name) for one in fields(ours)}, **others)


def deletes_before_it_records(house: House) -> None:
    """A crash between leaves a ring whose key is gone."""

    class Wrong(DestroyKey):
        async def _commit(self, ring: KeyRing, version: KeyVersion, cause: Cause, told: str) -> KeyRing:
            await self.store.delete(versions_folder(ring.family).child(version.kid))
            return await super()._commit(ring, version, cause, told)

    house.destroying = _as(Wrong, house.destroying)


def restores_the_ledger_first(house: House) -> None:
    """A crash between leaves rings without keys, and the next run believes that all is done."""

    class Wrong(RestoreBackup):
        async def _put(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
            later.append(values)
            await super()._put({})

        async def _projected(self) -> str | None:
            for values in later:
                await super()._put(values)
            return await super()._projected()

    later: list[Mapping[SecretPath, KeyMaterial]] = []
    house.restoring = _as(Wrong, house.restoring)


def looks_at_no_tombstone(house: House) -> None:
    """A key that was compromised after the backup is back."""

    class Wrong(FindLosses):
        async def buried(self, backup: Backup, **_: object) -> frozenset[Kid]:  # noqa: ARG002 (that is what is wrong)
            return frozenset()

    house.restoring = replace(house.restoring, find_losses=_as(Wrong, house.restoring.find_losses))


def makes_lines_anew(house: House) -> None:
    """What a run stored is another line to the next one, which is written once only."""

    class Wrong(TakeKeysIn):
        async def _stored(self, keys: tuple[KeyToMove, ...]) -> dict[Kid, KeyVersion]:
            for one in keys:
                path = versions_folder(one.key.record.family).child(one.kid)
                await self.store.put_new(path, material.encode(one.key.record))
            return await super()._stored(keys)

    house.migrating = _replaced(house, take_in=_as(Wrong, house.migrating.take_in))


def keeps_a_pre_image_per_run(house: House) -> None:
    """The next run's shows what the first one had changed already."""

    class Wrong(KeepPreImage):
        async def __call__(self, plan: MigrationPlan, **asked: Any) -> OpenMigration:  # noqa: ANN401 (as ours)
            place, digest = await self.write(plan, asked["seal"])
            return OpenMigration(pre_image=place, digest=digest, touches=frozenset())

    house.migrating = _replaced(house, keep=_as(Wrong, house.migrating.keep))


def forgets_what_it_removed(house: House) -> None:
    """The next run of a rollback finds the rings back, and leaves the material of their keys."""

    class Wrong(RollBackMigration):
        async def _strays(self, *_: object) -> frozenset[Kid]:
            return frozenset()

        async def _removed_before(self, sha256: str) -> frozenset[Kid] | None:
            found = await super()._removed_before(sha256)
            return None if found is None else frozenset()

    house.rolling_back = _as(Wrong, house.rolling_back)


def _replaced(house: House, **parts: Any) -> MigrateSecrets:  # noqa: ANN401 (parts of the verb)
    return replace(house.migrating, **parts)
