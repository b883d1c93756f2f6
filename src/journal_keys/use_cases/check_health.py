"""Say whether keys can be used and changed: the guide's health question."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from journal_keys.domain import rotation
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.windows import Windows
from journal_keys.ports.ledger import Ledger
from journal_keys.use_cases.read_material import ReadMaterial, records_of


class HealthStatus(StrEnum):
    """Healthy: all is as it should be. Degraded: keys work, somebody should look. Unhealthy: they do not."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartHealth:
    """One part's status; `reason` is empty when it is healthy, and never holds a secret."""

    status: HealthStatus
    reason: str = ""
    active_kid: Kid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Every part, and the worst of them. `at` is the ledger's time, None where it did not answer."""

    rings: Mapping[Family, PartHealth]
    store: PartHealth
    at: datetime | None

    @property
    def overall(self) -> HealthStatus:
        """Unhealthy if a ring is; degraded if any part is not healthy; else healthy."""
        if any(part.status is HealthStatus.UNHEALTHY for part in self.rings.values()):
            return HealthStatus.UNHEALTHY
        parts = [*self.rings.values(), self.store]
        worst = any(part.status is not HealthStatus.HEALTHY for part in parts)
        return HealthStatus.DEGRADED if worst else HealthStatus.HEALTHY


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckHealth:
    """Read both rings and their stored material."""

    ledger: Ledger
    read_material: ReadMaterial
    policies: Mapping[Family, RotationPolicy]
    windows: Windows

    async def __call__(self) -> Health:
        """Give the health; a part that fails is a value here, never an exception of ours."""
        rings: dict[Family, PartHealth] = {}
        store = PartHealth(status=HealthStatus.HEALTHY)
        at: datetime | None = None
        for family, policy in self.policies.items():
            try:
                page = await self.ledger.read(family)
            except JournalKeysError as failure:
                rings[family] = PartHealth(status=HealthStatus.UNHEALTHY, reason=str(failure))
                continue
            at = page.now
            if page.ring is None:
                reason = f"the ledger has no {family} ring: run 'journal-keys init'"
                rings[family] = PartHealth(status=HealthStatus.UNHEALTHY, reason=reason)
                continue
            rings[family] = self._ring(page.ring, policy, page.now)
            store = await self._store(page.ring, store)
        return Health(rings=rings, store=store, at=at)

    def _ring(self, ring: KeyRing, policy: RotationPolicy, now: datetime) -> PartHealth:
        overdue = now - rotation.due_at(ring, policy)
        reason = ""
        if ring.staged is None:
            reason = "no key is staged: run 'journal-keys reconcile'"
        elif overdue > self.windows.publish_to_promote:
            reason = f"rotation is overdue by {overdue.total_seconds():.0f} s"
        status = HealthStatus.DEGRADED if reason else HealthStatus.HEALTHY
        return PartHealth(status=status, reason=reason, active_kid=ring.active.kid)

    async def _store(self, ring: KeyRing, so_far: PartHealth) -> PartHealth:
        try:
            records = records_of(await self.read_material(ring.family), ring.accepted)
        except JournalKeysError as failure:
            return PartHealth(status=HealthStatus.UNHEALTHY, reason=str(failure))
        lost = [version.kid for version in ring.accepted if version.kid not in records]
        needed = lost if ring.family is Family.AES else [kid for kid in lost if kid == ring.active.kid]
        if needed:
            return PartHealth(status=HealthStatus.UNHEALTHY, reason=f"material is missing: {', '.join(needed)}")
        return so_far
