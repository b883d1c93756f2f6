"""Take keys from elsewhere into a ring, or found it on them."""

from collections.abc import Mapping
from dataclasses import dataclass

from journal_keys.domain import material, rotation
from journal_keys.domain.changes import Transition
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyVersion, Kid
from journal_keys.domain.paths import versions_folder
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.rotation import Cause
from journal_keys.ports.hint_bus import HintBus
from journal_keys.ports.key_crypto import KeyOpener
from journal_keys.ports.ledger import Ledger, LedgerUnavailableError, StaleGenerationError
from journal_keys.ports.secret_store import SecretStore
from journal_keys.use_cases.make_key import MakeKey
from journal_keys.use_cases.place_keys import KeyToMove
from journal_keys.use_cases.plan_migration import MigrationPlan
from journal_keys.use_cases.project_ring import ProjectRing
from journal_keys.use_cases.put_values import PutValues

_MOST_TRIES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeKeysIn:
    """Material first, then the ring, then the guide's names; done again, it goes on."""

    ledger: Ledger
    store: SecretStore
    put: PutValues
    make_key: MakeKey
    opener: KeyOpener
    project: ProjectRing
    hints: HintBus
    policies: Mapping[Family, RotationPolicy]

    async def __call__(self, plan: MigrationPlan, family: Family, cause: Cause) -> KeyRing:
        """Give the ring with the plan's keys in it. Where there was none, it gets the keys that it lacks.

        Raises:
            WriteOnceConflictError: the store holds other material under a key's name.
            PortError: store or ledger failed; the same again goes on.
        """
        ring = await self._ring(plan, family, cause)
        await self.hints.publish(family, ring.generation)
        await self.project(ring)
        return ring

    async def _ring(self, plan: MigrationPlan, family: Family, cause: Cause) -> KeyRing:
        """Give the ring with the plan's keys in it."""
        keys = plan.of_family(family)
        versions = await self._stored(keys)
        made: list[KeyVersion] = []
        failure: StaleGenerationError | LedgerUnavailableError | None = None
        for _ in range(_MOST_TRIES):
            ring = (await self.ledger.read(family)).ring
            missing = [version for kid, version in versions.items() if ring is None or ring.find(kid) is None]
            if ring is not None and not missing:
                return ring
            try:
                await self.ledger.commit(await self._transition(ring, family, keys, versions, cause, made))
            except (StaleGenerationError, LedgerUnavailableError) as lost:
                failure = lost  # somebody else was first, or the answer was lost: the ledger says
        raise failure or StaleGenerationError(f"ring {family} was not looked at")

    async def _transition(
        self,
        ring: KeyRing | None,
        family: Family,
        keys: tuple[KeyToMove, ...],
        versions: Mapping[Kid, KeyVersion],
        cause: Cause,
        made: list[KeyVersion],
    ) -> Transition:
        if ring is not None:
            missing = [version for kid, version in versions.items() if ring.find(kid) is None]
            return lambda at: rotation.admit(ring, missing, cause.when(at))
        in_use = next((versions[one.kid] for one in keys if one.signs), None)
        while len(made) < (1 if in_use else 2):
            made.append(await self.make_key(self.policies[family], cause))
        active, staged = (in_use, made[0]) if in_use else (made[1], made[0])
        others = [version for kid, version in versions.items() if kid != active.kid]
        return lambda at: rotation.found_on(
            active, staged, others, cause.when(at), generation=max(1, int(at.timestamp()))
        )

    async def _stored(self, keys: tuple[KeyToMove, ...]) -> dict[Kid, KeyVersion]:
        """Put each key's material under its name, read it back, and prove it."""
        if not keys:
            return {}
        folder = versions_folder(keys[0].key.record.family)
        await self.put.new({folder.child(one.kid): one.line for one in keys})
        content = await self.store.read_folder(folder)
        versions = {}
        for one in keys:
            line = content.secrets.get(one.kid)
            if line is None or not line.same_as(one.line):
                raise MaterialCorruptError(f"{one.kid} reads back with other content than was written")
            record = material.decode(line)
            versions[one.kid] = material.unused_version(
                record, digest=line.digest(), public_jwk=self.opener.prove(record)
            )
        return versions
