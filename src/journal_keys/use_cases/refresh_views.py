"""Bring this process's views up to the ledger: one indexed read in rest, material once per kid."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keyring import KeyRing, RingHead
from journal_keys.domain.keys import Family, KeyVersion, Kid
from journal_keys.domain.material import MaterialRecord
from journal_keys.ports.clock import Clock
from journal_keys.ports.key_crypto import KeyOpener
from journal_keys.ports.ledger import Ledger
from journal_keys.ports.secret_store import SecretStoreError
from journal_keys.ports.view_board import RingView, ViewBoard
from journal_keys.use_cases.make_views import awaited, cipher_view, lost_of, needed, signing_view
from journal_keys.use_cases.read_material import ReadMaterial, records_of

_SEEK_LOST_EVERY_S: Final = 300.0
"""How soon a lost key is found that somebody put back; every poll would read the store for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Keys that a confirmed ring needs and nobody here has opened."""

    view: RingView
    """The ring's view without them, as it was confirmed."""
    unopened: tuple[KeyVersion, ...]
    before: RingHead | None
    """What is shown until they are there."""

    @property
    def family(self) -> Family:
        """The ring's."""
        return self.view.ring.family

    @property
    def is_active_closed(self) -> bool:
        """Whether nothing can be signed or encrypted without them."""
        return self.view.ring.active.kid not in self.view.records


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshViews:
    """Confirm or replace the views of both rings."""

    ledger: Ledger
    read_material: ReadMaterial
    opener: KeyOpener
    board: ViewBoard
    clock: Clock

    async def __call__(self) -> None:
        """Confirm, and read what is not open yet. A ring that cannot be loaded keeps its former view.

        Raises:
            LedgerError: nothing was confirmed.
            SecretStoreError: the ACTIVE key could not be had and no former view holds it.
            MaterialCorruptError: the store holds other material than the ledger recorded.
        """
        failures = []
        for sought in await self.confirm():
            try:
                await self.read(sought)
            except JournalKeysError as failure:
                failures.append(failure)
        if failures:
            raise failures[0]

    async def confirm(self) -> tuple[Sought, ...]:
        """Show what the ledger says, as far as its keys are open, and give what is to be read; no store is asked.

        A view from a snapshot gives way to the ledger's ring at once. Any other stays, and is not confirmed, until the
        ACTIVE key of the new ring is open.

        Raises:
            LedgerError: not every ring was confirmed.
        """
        asked_s, asked_at = self.clock.uptime_s(), self.clock.read().wall
        heads = await self.ledger.heads()
        confirmed = [
            await self._confirm(family, heads[family], asked_s, asked_at) for family in Family if family in heads
        ]
        return tuple(sought for sought in confirmed if sought is not None)

    async def read(self, sought: Sought) -> None:
        """Read what is not open yet and show it, unless meanwhile another generation is shown: that is sought anew.

        A store that fails costs only what nobody needs now, and proves no loss.

        Raises:
            SecretStoreError: it failed, and the ACTIVE key is not open.
            MaterialCorruptError: the store holds other material than the ledger recorded.
        """
        try:
            content = await self.read_material(sought.family)
        except SecretStoreError:
            if sought.is_active_closed:
                raise
            return
        fresh, lost = records_of(content, sought.unopened), lost_of(sought.unopened, content)
        shown = self._shown(sought.family)
        head = None if shown is None else shown.ring.head
        if head not in {sought.view.ring.head, sought.before}:
            return
        confirmed = shown if shown is not None and head == sought.view.ring.head else sought.view
        view = replace(self._view(confirmed.ring, fresh), lost=lost, sought_s=sought.view.confirmed_s)
        self.board.show(_confirmed_as(confirmed, view))

    async def _confirm(self, family: Family, head: RingHead, asked_s: float, asked_at: datetime) -> Sought | None:
        shown = view = self._shown(family)
        if view is None or view.ring.head != head or view.is_restored:
            page = await self.ledger.read(family)
            if page.ring is None:
                return None
            view = replace(self._view(page.ring, {}), behind=asked_at - page.now, sought_s=asked_s)
        view = replace(view, confirmed_s=asked_s, confirmed_at=asked_at, is_restored=False)
        is_new = shown is None or view.ring is not shown.ring
        if view.ring.active.kid in view.records or not is_new or (shown is not None and shown.is_restored):
            self.board.show(view)
        if not view.missing or not (is_new or _is_to_seek(view, asked_s)):
            return None
        unopened = tuple(version for version in needed(view.ring) if version.kid in view.missing)
        return Sought(view=view, unopened=unopened, before=None if shown is None else shown.ring.head)

    def _view(self, ring: KeyRing, fresh: Mapping[Kid, MaterialRecord]) -> RingView:
        if ring.family is Family.JWT:
            return signing_view(self.opener, ring, fresh, confirmed_s=0, shown=self.board.signing)
        return cipher_view(self.opener, ring, fresh, confirmed_s=0, shown=self.board.cipher)

    def _shown(self, family: Family) -> RingView | None:
        return self.board.signing if family is Family.JWT else self.board.cipher


def _confirmed_as(confirmed: RingView, view: RingView) -> RingView:
    return replace(
        view, confirmed_s=confirmed.confirmed_s, confirmed_at=confirmed.confirmed_at, behind=confirmed.behind
    )


def _is_to_seek(view: RingView, now_s: float) -> bool:
    is_time = now_s - view.sought_s >= _SEEK_LOST_EVERY_S
    return bool(awaited(view)) or is_time
