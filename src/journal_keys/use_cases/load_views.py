"""Have views: the ledger's, or where nobody can be asked those of the last process."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.snapshot import SnapshotError
from journal_keys.ports.ledger import LedgerAbsentError, LedgerUnavailableError
from journal_keys.ports.secret_store import SecretStoreUnavailableError
from journal_keys.use_cases.refresh_views import RefreshViews
from journal_keys.use_cases.restore_snapshot import Restored, RestoreSnapshot

OUTAGES: Final = (LedgerUnavailableError, LedgerAbsentError, SecretStoreUnavailableError)
"""What a snapshot stands in for. A store that denies or hides, and a ledger that is damaged or newer, did answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadViews:
    """Refresh, and only where that meets an outage and there are no views, restore.

    What nobody needs at once is left to the next poll of who keeps the views fresh: callers wait for this.
    """

    refresh: RefreshViews
    restore: RestoreSnapshot

    async def __call__(self) -> Restored | None:
        """Give what was restored, None where the ledger's views stand.

        Raises:
            SnapshotError: the snapshot was needed and cannot be used; the message says why, and what it was needed for.
            JournalKeysError: as `RefreshViews`, where there is no snapshot, or it has nothing to add.
        """
        try:
            await self.refresh(urgent_only=True)
        except OUTAGES as outage:
            restored = await self._restored(outage)
            if restored is None:
                raise
            if isinstance(outage, SecretStoreUnavailableError):  # then the ledger may know better than the snapshot
                with suppress(*OUTAGES):
                    await self.refresh(urgent_only=True)
            return restored
        return None

    async def _restored(self, outage: JournalKeysError) -> Restored | None:
        board = self.refresh.board
        if board.signing is not None and board.cipher is not None:
            return None
        try:
            return await self.restore()
        except SnapshotError as failure:
            raise type(failure)(f"{failure}; it was needed because: {outage}") from None
