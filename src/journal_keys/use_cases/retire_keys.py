"""Destroy keys that nobody can need any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from journal_keys.domain import rotation
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, KeyVersion, Kid
from journal_keys.domain.outcomes import NothingToRetire, Retired, RetireOutcome
from journal_keys.domain.paths import versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.domain.windows import Windows
from journal_keys.ports.hint_bus import HintBus
from journal_keys.ports.ledger import Ledger, StaleGenerationError
from journal_keys.ports.secret_store import SecretStore


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireKeys:
    """Destroy the DEACTIVATED signing keys that are past W2, and AES keys that the caller has proved unused."""

    ledger: Ledger
    store: SecretStore
    hints: HintBus
    windows: Windows

    async def __call__(
        self, family: Family, *, actor: str, reason: str, unused: frozenset[Kid] = frozenset()
    ) -> RetireOutcome:
        """Record the end of each such key first, then delete its material; a crash between is `reconcile`'s.

        Raises:
            PortError: store or ledger failed.
        """
        page = await self.ledger.read(family)
        if page.ring is None:
            return NothingToRetire(family=family, next_at=None)
        gone = rotation.retirable(page.ring, self.windows, now=page.now, unused=unused)
        if not gone:
            return NothingToRetire(family=family, next_at=self._next_at(page.ring))
        ring, cause = page.ring, Cause(at=page.now, actor=actor, reason=reason)
        try:
            change = await self.ledger.commit(lambda at: rotation.retire(ring, gone, cause.when(at)))
        except StaleGenerationError:
            return NothingToRetire(family=family, next_at=page.now)
        await self.hints.publish(family, change.ring.generation)
        await self._delete(family, gone)
        kids = tuple(version.kid for version in gone)
        return Retired(family=family, kids=kids, generation=change.ring.generation)

    async def _delete(self, family: Family, gone: Sequence[KeyVersion]) -> None:
        for version in gone:
            await self.store.delete(versions_folder(family).child(version.kid))

    def _next_at(self, ring: KeyRing) -> datetime | None:
        if ring.family is Family.AES:
            return None
        waiting = ring.in_states(KeyState.DEACTIVATED)
        return min((version.since + self.windows.promote_to_retire for version in waiting), default=None)
