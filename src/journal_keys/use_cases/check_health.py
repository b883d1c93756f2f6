"""Say whether keys can be used and changed: the guide's health question."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from journal_keys.domain import material
from journal_keys.domain.errors import JournalKeysError, MaterialCorruptError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import MARKER_NAME
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.status import trouble_of
from journal_keys.domain.windows import Windows
from journal_keys.ports.clock import Clock
from journal_keys.ports.key_usage import KeyUsage
from journal_keys.ports.ledger import Ledger, LedgerPage
from journal_keys.ports.secret_store import FolderContent
from journal_keys.ports.store_condition import StoreCondition
from journal_keys.ports.view_board import ViewBoard
from journal_keys.use_cases.make_views import is_shared
from journal_keys.use_cases.project_ring import unknown_to
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
    def parts(self) -> dict[str, PartHealth]:
        """All of them by name: each ring, `store`."""
        return {**{family.value: part for family, part in self.rings.items()}, "store": self.store}

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
    condition: StoreCondition
    usage: KeyUsage
    policies: Mapping[Family, RotationPolicy]
    windows: Windows
    board: ViewBoard
    clock: Clock
    verify_max_stale: timedelta

    async def __call__(self) -> Health:
        """Give the health; a part that fails is a value here, never an exception of ours."""
        rings: dict[Family, PartHealth] = {}
        store = PartHealth(status=HealthStatus.HEALTHY)
        at: datetime | None = None
        for family, policy in self.policies.items():
            content, shown = await self._content(family)
            store = max(store, shown, key=lambda part: _WORSE[part.status])
            try:
                page = await self.ledger.read(family)
                used = await self.usage.total(page.ring.active.kid) if page.ring and family is Family.AES else 0
            except JournalKeysError as failure:
                rings[family] = self._out_of_reach(family, str(failure))
                continue
            at = page.now
            rings[family] = self._ring(page, policy, content, used)
        return Health(rings=rings, store=self._in_its_condition(store), at=at)

    def _out_of_reach(self, family: Family, reason: str) -> PartHealth:
        """Unhealthy, unless a snapshot's view still verifies and decrypts."""
        view = self.board.signing if family is Family.JWT else self.board.cipher
        if view is None or not view.is_restored:
            return PartHealth(status=HealthStatus.UNHEALTHY, reason=reason)
        since = view.confirmed_at.isoformat(timespec="seconds")
        if self.clock.uptime_s() - view.confirmed_s > self.verify_max_stale.total_seconds():
            return PartHealth(
                status=HealthStatus.UNHEALTHY, reason=f"the snapshot of {since} is too old by now: {reason}"
            )
        return PartHealth(
            status=HealthStatus.DEGRADED,
            reason=f"degraded since {since}, on a snapshot of then: {reason}",
            active_kid=view.ring.active.kid,
        )

    def _in_its_condition(self, store: PartHealth) -> PartHealth:
        trouble = self.condition.trouble()
        if not trouble or store.status is not HealthStatus.HEALTHY:
            return store
        return PartHealth(status=HealthStatus.DEGRADED, reason=trouble)

    async def _content(self, family: Family) -> tuple[FolderContent | None, PartHealth]:
        """The ring's stored material, and how the store is: whether it answers, and with nothing but keys."""
        try:
            content = await self.read_material(family)
        except JournalKeysError as failure:
            return None, PartHealth(status=HealthStatus.UNHEALTHY, reason=str(failure))
        strange = [name for name, line in content.secrets.items() if name != MARKER_NAME and not _is_material(line)]
        if strange:
            reason = f"{len(strange)} names in {content.folder} hold no key: somebody else wrote them"
            return content, PartHealth(status=HealthStatus.DEGRADED, reason=reason)
        return content, PartHealth(status=HealthStatus.HEALTHY)

    def _ring(self, page: LedgerPage, policy: RotationPolicy, content: FolderContent | None, used: int) -> PartHealth:
        ring = page.ring
        if ring is None:
            reason = f"the ledger has no {policy.family} ring: run 'journal-keys init'"
            return PartHealth(status=HealthStatus.UNHEALTHY, reason=reason)
        lost = _lost(ring, content) if content else ""
        if lost:
            return PartHealth(status=HealthStatus.UNHEALTHY, reason=lost, active_kid=ring.active.kid)
        forgotten = self._forgotten(page, ring, content) if content else []
        reason = trouble_of(ring, policy, self.windows, now=page.now, encryptions=used)
        if forgotten:
            cure = _ASK_MIGRATION if content and any(_is_imported(content.secrets[kid]) for kid in forgotten) else _ASK
            reason = f"the store keeps keys that the ledger does not know: {', '.join(forgotten)}: {cure}"
        status = HealthStatus.DEGRADED if reason else HealthStatus.HEALTHY
        return PartHealth(status=status, reason=reason, active_kid=ring.active.kid)

    def _forgotten(self, page: LedgerPage, ring: KeyRing, content: FolderContent) -> list[str]:
        """Stored keys that a pass of reconcile should have swept by now."""
        oldest = page.now - 2 * self.windows.publish_to_promote
        unknown = sorted(unknown_to(ring, content))
        return [name for name in unknown if (made := _made_at(content.secrets[name])) and made < oldest]


_ASK: Final = "run 'journal-keys reconcile'"
_ASK_MIGRATION: Final = "a migration was not completed: run 'journal-keys migration migrate' again, or roll it back"
_WORSE: Final = {HealthStatus.HEALTHY: 0, HealthStatus.DEGRADED: 1, HealthStatus.UNHEALTHY: 2}


def _is_material(line: KeyMaterial) -> bool:
    return _made_at(line) is not None


def _is_imported(line: KeyMaterial) -> bool:
    return material.decode(line).derived_kid is not None


def _made_at(line: KeyMaterial) -> datetime | None:
    """When the stored key was made; None where it is no key."""
    try:
        return material.decode(line).created_at
    except MaterialCorruptError:
        return None


def _lost(ring: KeyRing, content: FolderContent) -> str:
    """Which keys cannot be used any more, in words; none of the old signing keys is needed for verifying."""
    needed = [v for v in ring.accepted if ring.family is Family.AES or v == ring.active or is_shared(v)]
    missing = [version.kid for version in needed if version.kid not in content.secrets]
    if missing:
        return f"material is missing: {', '.join(missing)}"
    try:
        records_of(content, needed)
    except MaterialCorruptError as failure:
        return str(failure)
    return ""
