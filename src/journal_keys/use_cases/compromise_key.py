"""Take a key out of use at once, because somebody else may hold it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from journal_keys.domain import canonical, rotation
from journal_keys.domain.errors import MaterialCorruptError, PortError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, KeyVersion, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.outcomes import AlreadyCompromised, BlastRadius, Compromised, CompromiseOutcome
from journal_keys.domain.paths import compromised_folder, versions_folder
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.rotation import Cause
from journal_keys.domain.windows import Windows
from journal_keys.ports.hint_bus import HintBus
from journal_keys.ports.ledger import Ledger, LedgerPage, LedgerUnavailableError, StaleGenerationError
from journal_keys.ports.meter import Meter
from journal_keys.ports.secret_store import SecretStore, WriteOnceConflictError
from journal_keys.use_cases.project_ring import ProjectRing
from journal_keys.use_cases.rotate_keys import RingMissingError
from journal_keys.use_cases.stage_successor import StageSuccessor

_MOST_TRIES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class EntombKey:
    """Keep the fact of a compromise in the store, so that a rebuilt ledger cannot revive the key."""

    store: SecretStore

    async def __call__(self, version: KeyVersion) -> None:
        """Write the tombstone, then delete a signing key's material; AES material stays for break-glass reading."""
        stone = canonical.to_json({"v": 1, "kid": version.kid, "at": version.since.isoformat()})
        path = compromised_folder(version.family).child(version.kid)
        with suppress(WriteOnceConflictError):  # a stone from before the ledger was rebuilt tells another time
            await self.store.put_new(path, KeyMaterial(stone.encode("ascii")))
        if version.family is Family.JWT:
            await self.store.delete(versions_folder(version.family).child(version.kid))


@dataclass(frozen=True, slots=True, kw_only=True)
class CompromiseKey:
    """Make one key COMPROMISED everywhere, promote the staged key in its place, report what it touches."""

    ledger: Ledger
    entomb: EntombKey
    stage: StageSuccessor
    project: ProjectRing
    hints: HintBus
    meter: Meter
    policies: Mapping[Family, RotationPolicy]
    windows: Windows

    async def __call__(self, family: Family, kid: Kid, *, actor: str, reason: str) -> CompromiseOutcome:
        """Give the outcome once the ledger holds it.

        What could not be done after the ledger took it is told in `Compromised.unfinished`; `reconcile` does it.

        Raises:
            UnknownKeyError: the ring never had the key.
            TransitionError: the key is DESTROYED.
            PortError: the ledger did not take it, or there was no key to take the place of the ACTIVE one.
        """
        for _ in range(_MOST_TRIES):
            page, ring = await self._page(family)
            hit = ring.get(kid)
            if hit.state is KeyState.COMPROMISED:
                return AlreadyCompromised(family=family, kid=kid, since=hit.since)
            cause = Cause(at=page.now, actor=actor, reason=reason)
            if hit.state is KeyState.ACTIVE and ring.staged is None:
                await self.stage(ring, self.policies[family], cause)
                continue
            try:
                after = await self._commit(page, ring, kid, cause)
            except StaleGenerationError:
                continue
            unfinished = await self._follow_up(after, kid, cause)
            return self._outcome(ring, after, hit, unfinished)
        raise StaleGenerationError(f"ring {family} changed {_MOST_TRIES} times meanwhile: try again")

    async def _page(self, family: Family) -> tuple[LedgerPage, KeyRing]:
        page = await self.ledger.read(family)
        if page.ring is None:
            raise RingMissingError(f"the ledger has no {family} ring: run 'journal-keys init' first")
        return page, page.ring

    async def _commit(self, page: LedgerPage, ring: KeyRing, kid: Kid, cause: Cause) -> KeyRing:
        """Give the ring after the change; a lost answer is settled by reading back, and counts for nobody."""
        try:
            change = await self.ledger.commit(lambda at: rotation.compromise(ring, kid, cause.when(at), page.waiting))
        except LedgerUnavailableError:
            _, now = await self._page(ring.family)
            if now.get(kid).state is not KeyState.COMPROMISED:
                raise
            return now
        if ring.get(kid).state is KeyState.ACTIVE:
            self.meter.rotated(ring.family, cause.actor)
        return change.ring

    async def _follow_up(self, ring: KeyRing, kid: Kid, cause: Cause) -> str | None:
        """Do the store's part, each step whatever became of the others; give what failed first, in words."""
        await self.hints.publish(ring.family, ring.generation)
        unfinished = None
        for step in (
            partial(self.entomb, ring.get(kid)),
            partial(self.project, ring),  # before a key is staged: until then others may use this one out of the names
            partial(self._stage, ring, cause),
        ):
            try:
                await step()
            except (PortError, MaterialCorruptError) as failure:
                unfinished = unfinished or str(failure)
        return unfinished

    async def _stage(self, ring: KeyRing, cause: Cause) -> None:
        staged = await self.stage(ring, self.policies[ring.family], cause)
        if staged is not ring:
            await self.project(staged)
        await self.hints.publish(ring.family, staged.generation)

    def _outcome(self, before: KeyRing, after: KeyRing, hit: KeyVersion, unfinished: str | None) -> Compromised:
        return Compromised(
            family=after.family,
            kid=hit.kid,
            was=hit.state,
            active_kid=after.active.kid,
            generation=after.generation,
            blast_radius=blast_radius(before, after, hit, self.windows),
            unfinished=unfinished,
        )


def blast_radius(before: KeyRing, after: KeyRing, hit: KeyVersion, windows: Windows) -> BlastRadius:
    """Say what the loss of `hit` touches."""
    now = after.changed_at
    used_until = hit.deactivated_at or now
    signed = hit.family is Family.JWT and hit.activated_at is not None
    promoted = hit.state is KeyState.ACTIVE
    known = rotation.gate(before.staged, windows) if promoted and before.staged else now
    return BlastRadius(
        exposed_from=hit.activated_at or hit.published_at,
        exposed_until=used_until,
        last_token_expires_at=used_until + windows.oldest_signer_view + windows.longest_token if signed else None,
        laggards_until=now + windows.oldest_verifier_view + windows.poll,
        successor_unknown_until=known if known > now else None,
    )
