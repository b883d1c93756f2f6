"""Make the next key of a ring and publish it, so that it is known long before it is used."""

from dataclasses import dataclass
from typing import Final

from journal_keys.domain import rotation
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import KeyState, KeyVersion
from journal_keys.domain.paths import versions_folder
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.rotation import Cause
from journal_keys.ports.ledger import Ledger, LedgerUnavailableError, StaleGenerationError
from journal_keys.ports.secret_store import SecretStore
from journal_keys.use_cases.make_key import MakeKey

_MOST_TRIES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSuccessor:
    """Publish a new PRE_ACTIVATION key in a ring that has none."""

    ledger: Ledger
    store: SecretStore
    make_key: MakeKey

    async def __call__(self, ring: KeyRing, policy: RotationPolicy, cause: Cause) -> KeyRing:
        """Give the ring with a staged key: ours, or the one that somebody else published first.

        Where the ring changed eight times meanwhile it is given without one, and the next pass stages.

        Raises:
            SecretStoreError: the store did not take the key.
            LedgerError: the ledger did not take the version.
        """
        if ring.staged is not None:
            return ring
        version = await self.make_key(policy, cause)
        for _ in range(_MOST_TRIES):
            after = await self._published(ring, version, cause)
            if after is not None:
                return after
            ring = await self._now(ring)
            if ring.staged is not None or ring.find(version.kid) is not None:
                break
        mine = ring.find(version.kid)
        if mine is None or mine.state is KeyState.DESTROYED:
            await self.store.delete(versions_folder(ring.family).child(version.kid))
        return ring

    async def _published(self, ring: KeyRing, version: KeyVersion, cause: Cause) -> KeyRing | None:
        """Give the ring with the version in it; None where the ring is another one by now."""
        try:
            return (await self.ledger.commit(lambda at: rotation.publish(ring, version, cause.when(at)))).ring
        except StaleGenerationError:
            return None
        except LedgerUnavailableError:
            after = await self._now(ring)
            if after.find(version.kid) is None:
                raise
            return after

    async def _now(self, before: KeyRing) -> KeyRing:
        page = await self.ledger.read(before.family)
        return page.ring or before
