"""Bring this process's views up to the ledger: one indexed read in rest, material once per kid."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from journal_keys.domain.keyring import KeyRing, RingHead
from journal_keys.domain.keys import Family, KeyVersion, Kid
from journal_keys.domain.material import MaterialRecord
from journal_keys.ports.clock import Clock
from journal_keys.ports.key_crypto import CipherKey, KeyOpener, SigningKey
from journal_keys.ports.ledger import Ledger
from journal_keys.ports.secret_store import SecretStoreError
from journal_keys.ports.view_board import CipherView, RingView, SigningView, ViewBoard
from journal_keys.use_cases.read_material import ReadMaterial, records_of

Opened = TypeVar("Opened")


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
        if shown is not None and shown.ring.head == head and not shown.missing:
            view = shown
        else:
            ring = (await self.ledger.read(family)).ring
            if ring is None:
                return
            load = self._signing_view if family is Family.JWT else self._cipher_view
            view = await load(ring, asked_s)
        self.board.show(replace(view, confirmed_s=asked_s, confirmed_at=asked_at, is_restored=False))

    async def _signing_view(self, ring: KeyRing, asked_s: float) -> SigningView:
        shown = self.board.signing
        wanted = (ring.active, ring.staged) if ring.staged else (ring.active,)
        held = dict(shown.signers) if shown else {}
        known = shown.verifying if shown else {}
        fresh = await self._load(ring, wanted, held, may_lack=shown is not None and shown.is_restored)
        signers = _kept(wanted, held) | {kid: self.opener.signing(record) for kid, record in fresh.items()}
        return SigningView(
            ring=ring,
            confirmed_s=asked_s,
            signing=signers.get(ring.active.kid),
            signers=signers,
            verifying={
                version.kid: known.get(version.kid)
                or self.opener.verifying(version.kid, version.algorithm, version.public_jwk)
                for version in ring.accepted
                if version.public_jwk is not None
            },
            missing=frozenset(version.kid for version in wanted) - signers.keys(),
            records=_kept(wanted, shown.records if shown else {}) | fresh,
        )

    async def _cipher_view(self, ring: KeyRing, asked_s: float) -> CipherView:
        shown = self.board.cipher
        held = dict(shown.opening) if shown else {}
        fresh = await self._load(ring, ring.accepted, held, may_lack=shown is not None and shown.is_restored)
        opening = _kept(ring.accepted, held) | {kid: self.opener.cipher(record) for kid, record in fresh.items()}
        return CipherView(
            ring=ring,
            confirmed_s=asked_s,
            sealing=opening.get(ring.active.kid),
            opening=opening,
            missing=frozenset(version.kid for version in ring.accepted) - opening.keys(),
            records=_kept(ring.accepted, shown.records if shown else {}) | fresh,
        )

    async def _load(
        self,
        ring: KeyRing,
        wanted: tuple[KeyVersion, ...],
        held: Mapping[Kid, SigningKey] | Mapping[Kid, CipherKey],
        *,
        may_lack: bool,
    ) -> dict[Kid, MaterialRecord]:
        """Read the material that is not open yet; a store that fails costs only what nobody needs now."""
        unopened = [version for version in wanted if version.kid not in held]
        if not unopened:
            return {}
        try:
            return records_of(await self.read_material(ring.family), unopened)
        except SecretStoreError:
            if ring.active.kid not in held and not may_lack:
                raise
            return {}


def _kept(wanted: tuple[KeyVersion, ...], held: Mapping[Kid, Opened]) -> dict[Kid, Opened]:
    return {version.kid: held[version.kid] for version in wanted if version.kid in held}
