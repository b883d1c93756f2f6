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
    """Keys that a ring needs and nobody here has opened."""

    view: RingView
    """The ring's view without them, as the ledger confirmed it."""
    unopened: tuple[KeyVersion, ...]
    beside: RingView | None
    """What was shown then: this view, or a former one that serves on."""

    @property
    def family(self) -> Family:
        """The ring's."""
        return self.view.ring.family

    @property
    def is_active_closed(self) -> bool:
        """Whether nothing can be signed or encrypted without them."""
        return self.view.ring.active.kid not in self.view.records


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look at the ledger left to be done."""

    sought: tuple[Sought, ...]
    failures: tuple[JournalKeysError, ...]
    """Of rings that were not confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshViews:
    """Confirm or replace the views of both rings."""

    ledger: Ledger
    read_material: ReadMaterial
    opener: KeyOpener
    board: ViewBoard
    clock: Clock

    async def __call__(self, *, urgent_only: bool = False) -> None:
        """Confirm, and read what is not open yet, or of that only what somebody needs at once.

        A ring that cannot be loaded keeps no other from it. A store that fails costs only what nobody needs now.

        Raises:
            LedgerError: not every ring was confirmed.
            SecretStoreError: the store failed, and an ACTIVE key is not open.
            MaterialCorruptError: the store holds other material than was recorded, or a public key is not its kid's.
        """
        look = await self.confirm()
        failures = list(look.failures)
        for sought in look.sought:
            if urgent_only and not sought.is_active_closed:
                continue
            try:
                await self.read(sought)
            except JournalKeysError as failure:
                if sought.is_active_closed or not isinstance(failure, SecretStoreError):
                    failures.append(failure)
        if failures:
            raise failures[0]

    async def confirm(self) -> Look:
        """Show what the ledger says, as far as its keys are open; no store is asked.

        Where the ACTIVE key of a new ring is not open, the former view stays, and is not confirmed, if it serves on.

        Raises:
            LedgerError: nothing was confirmed.
        """
        asked_s, asked_at = self.clock.uptime_s(), self.clock.read().wall
        heads, sought, failures = await self.ledger.heads(), [], []
        for family in (family for family in Family if family in heads):
            try:
                found = await self._confirm(family, heads[family], asked_s, asked_at)
            except JournalKeysError as failure:
                failures.append(failure)
            else:
                sought += [] if found is None else [found]
        return Look(sought=tuple(sought), failures=tuple(failures))

    async def read(self, sought: Sought) -> None:
        """Read what is not open yet, and show it in the ring that is shown then.

        Raises:
            SecretStoreError: it failed, which proves no loss.
            MaterialCorruptError: the store holds other material than the ledger recorded.
        """
        content = await self.read_material(sought.family)
        fresh, lost = records_of(content, sought.unopened), lost_of(sought.unopened, content)
        shown = self._shown(sought.family)
        base = sought.view if shown is None or shown is sought.beside else shown
        view = self._view(base.ring, fresh, base.confirmed_s)
        self.board.show(
            replace(
                view,
                confirmed_at=base.confirmed_at,
                behind=base.behind,
                lost=lost & view.missing,
                sought_s=sought.view.confirmed_s,
            )
        )

    async def _confirm(self, family: Family, head: RingHead, asked_s: float, asked_at: datetime) -> Sought | None:
        page, shown = None, self._shown(family)
        if shown is None or shown.ring.head != head or shown.is_restored:
            page = await self.ledger.read(family)
            shown = self._shown(family)
        if shown is not None and shown.confirmed_s > asked_s and not shown.is_restored:
            return None  # another look began later and was quicker
        if shown is not None and page is None:
            view = replace(shown, confirmed_s=asked_s, confirmed_at=asked_at)
        elif page is not None and page.ring is not None:
            view = replace(self._view(page.ring, {}, asked_s), confirmed_at=asked_at, behind=asked_at - page.now)
        else:
            return None
        if view.ring.active.kid in view.records or (shown is not None and not _serves_on(shown, view.ring)):
            self.board.show(view)
        if not view.missing or not _is_to_seek(view, asked_s):
            return None
        unopened = tuple(version for version in needed(view.ring) if version.kid in view.missing)
        return Sought(view=view, unopened=unopened, beside=self._shown(family))

    def _view(self, ring: KeyRing, fresh: Mapping[Kid, MaterialRecord], confirmed_s: float) -> RingView:
        if ring.family is Family.JWT:
            return signing_view(self.opener, ring, fresh, confirmed_s=confirmed_s, shown=self.board.signing)
        return cipher_view(self.opener, ring, fresh, confirmed_s=confirmed_s, shown=self.board.cipher)

    def _shown(self, family: Family) -> RingView | None:
        return self.board.signing if family is Family.JWT else self.board.cipher


def _serves_on(shown: RingView, ring: KeyRing) -> bool:
    """Whether a former view may stay while the ACTIVE key of the new ring is not open.

    Its own has to be open, and it may trust no key that the ring does not. One from a snapshot gives way at once.
    """
    accepted, trusted = ({version.kid for version in one.accepted} for one in (ring, shown.ring))
    return shown.ring.active.kid in shown.records and trusted <= accepted and not shown.is_restored


def _is_to_seek(view: RingView, now_s: float) -> bool:
    is_time = now_s - view.sought_s >= _SEEK_LOST_EVERY_S
    return bool(awaited(view)) or is_time
