"""Wrong designs that the ring machine must find."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from journal_keys.domain import rotation
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.material import MaterialRecord
from journal_keys.domain.rotation import Cause
from journal_keys.domain.windows import Windows
from journal_keys.ports.ledger import LedgerPage
from journal_keys.ports.view_board import CipherView, RingView, SigningView
from journal_keys.use_cases.compromise_key import CompromiseKey
from journal_keys.use_cases.reconcile import Reconcile
from journal_keys.use_cases.refresh_views import RefreshViews
from tests.support.designs import as_kind, use_retire, use_rotate
from tests.support.world import WINDOWS, World


class _NoW1(Windows):
    @property
    def publish_to_promote(self) -> timedelta:
        return timedelta(0)


class _NoW2(Windows):
    @property
    def promote_to_retire(self) -> timedelta:
        return timedelta(0)


def promotes_without_w1(world: World) -> None:
    """A key signs before every verifier knows it."""
    use_rotate(world, replace(world.rotate, windows=as_kind(_NoW1, WINDOWS)))


def retires_without_w2(world: World) -> None:
    """A key goes before the last token that it signed."""
    use_retire(world, replace(world.retire, windows=as_kind(_NoW2, WINDOWS)))


class _Empties(RefreshViews):
    async def __call__(self, *, urgent_only: bool = False) -> None:
        try:
            await super().__call__(urgent_only=urgent_only)
        except JournalKeysError:
            self.board.signing = self.board.cipher = None
            raise


def empties_views_on_error(world: World) -> None:
    """A refresh that fails takes the keys away that were good a moment ago."""
    world.refresh = as_kind(_Empties, world.refresh)


class _Keeps(RefreshViews):
    def _view(self, ring: KeyRing, fresh: Mapping[Kid, MaterialRecord], confirmed_s: float) -> RingView:
        before, view = self.board.signing, super()._view(ring, fresh, confirmed_s)
        if not isinstance(view, SigningView):
            return view
        return replace(view, verifying={**(before.verifying if before else {}), **view.verifying})


def keeps_every_key_in_its_views(world: World) -> None:
    """A compromised key goes on verifying wherever it was known."""
    world.refresh = as_kind(_Keeps, world.refresh)


class _Drops(RefreshViews):
    def _view(self, ring: KeyRing, fresh: Mapping[Kid, MaterialRecord], confirmed_s: float) -> RingView:
        view = super()._view(ring, fresh, confirmed_s)
        if not isinstance(view, CipherView):
            return view
        used = {version.kid for version in (ring.active, ring.staged) if version}
        return replace(view, opening={kid: key for kid, key in view.opening.items() if kid in used})


def drops_demoted_keys_from_its_views(world: World) -> None:
    """What was encrypted before the last rotation cannot be read."""
    world.refresh = as_kind(_Drops, world.refresh)


class _FinishesNothing(Reconcile):
    async def _finish_rotation(self, family: Family) -> list[str]:  # noqa: ARG002 (it does nothing)
        return []


def leaves_rotations_open(world: World) -> None:
    """A rotation that had to wait waits for ever."""
    world.reconcile = as_kind(_FinishesNothing, world.reconcile)


class _OnlyDemotes(CompromiseKey):
    async def _commit(self, page: LedgerPage, ring: KeyRing, kid: Kid, cause: Cause) -> KeyRing:
        if ring.active.kid != kid:
            return await super()._commit(page, ring, kid, cause)
        change = await self.ledger.commit(lambda at: rotation.promote(ring, cause.when(at), page.waiting))
        return change.ring


def accepts_a_compromised_key(world: World) -> None:
    """A compromised key is replaced, and goes on verifying."""
    world.compromise = as_kind(_OnlyDemotes, world.compromise)
