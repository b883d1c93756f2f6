"""Bring this process's views up to the ledger: one indexed read in rest, material once per kid."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from journal_keys.domain.keyring import KeyRing, RingHead
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.material import MaterialRecord
from journal_keys.ports.clock import Clock
from journal_keys.ports.key_crypto import KeyOpener
from journal_keys.ports.ledger import Ledger
from journal_keys.ports.secret_store import SecretStoreError
from journal_keys.ports.view_board import RingView, ViewBoard
from journal_keys.use_cases.make_views import awaited, cipher_view, lost_of, needed, opened_in, signing_view
from journal_keys.use_cases.read_material import ReadMaterial, records_of

_SEEK_LOST_EVERY_S: Final = 300.0
"""How soon a lost key is found that somebody put back; every poll would read the store for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshViews:
    """Confirm or replace the views of both rings."""

    ledger: Ledger
    read_material: ReadMaterial
    opener: KeyOpener
    board: ViewBoard
    clock: Clock

    async def __call__(self) -> Mapping[Family, RingHead]:
        """Give the head of each ring that a view shows now. A ring that cannot be loaded keeps its former view.

        A view from a snapshot gives way to the ledger's ring at once, even where some material cannot be had.

        Raises:
            LedgerError: nothing was confirmed.
            SecretStoreError: the ACTIVE key could not be had and no former view holds it.
            MaterialCorruptError: the store holds other material than the ledger recorded.
        """
        asked_s, asked_at = self.clock.uptime_s(), self.clock.read().wall
        heads = await self.ledger.heads()
        if Family.JWT in heads:
            await self._refresh(self.board.signing, heads[Family.JWT], Family.JWT, asked_s, asked_at)
        if Family.AES in heads:
            await self._refresh(self.board.cipher, heads[Family.AES], Family.AES, asked_s, asked_at)
        return heads

    async def _refresh(
        self, shown: RingView | None, head: RingHead, family: Family, asked_s: float, asked_at: datetime
    ) -> None:
        view = shown
        if view is None or view.ring.head != head or view.is_restored or _is_to_seek(view, asked_s):
            page = await self.ledger.read(family)
            if page.ring is None:
                return
            view = replace(await self._view(page.ring, asked_s), behind=asked_at - page.now)
        self.board.show(replace(view, confirmed_s=asked_s, confirmed_at=asked_at, is_restored=False))

    async def _view(self, ring: KeyRing, asked_s: float) -> RingView:
        view: RingView
        if ring.family is Family.JWT:
            signing = self.board.signing
            fresh, lost = await self._load(ring, signing)
            view = signing_view(self.opener, ring, fresh, confirmed_s=asked_s, shown=signing)
        else:
            cipher = self.board.cipher
            fresh, lost = await self._load(ring, cipher)
            view = cipher_view(self.opener, ring, fresh, confirmed_s=asked_s, shown=cipher)
        return replace(view, lost=lost, sought_s=asked_s)

    async def _load(self, ring: KeyRing, shown: RingView | None) -> tuple[Mapping[Kid, MaterialRecord], frozenset[Kid]]:
        """Read the material that is not open yet, and say what of it is lost.

        A store that fails costs only what nobody needs now, and proves no loss.
        """
        held = opened_in(shown)
        unopened = [version for version in needed(ring) if version.kid not in held]
        if not unopened:
            return {}, frozenset()
        try:
            content = await self.read_material(ring.family)
        except SecretStoreError:
            if ring.active.kid not in held and not (shown and shown.is_restored):
                raise
            return {}, frozenset()
        return records_of(content, unopened), lost_of(unopened, content)


def _is_to_seek(view: RingView, now_s: float) -> bool:
    is_time = now_s - view.sought_s >= _SEEK_LOST_EVERY_S
    return bool(awaited(view)) or (bool(view.lost) and is_time)
