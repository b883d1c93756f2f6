"""Say whether this process signs, verifies, encrypts and decrypts now."""

from collections.abc import Iterator
from dataclasses import dataclass

from journal_keys.domain.keys import Family
from journal_keys.domain.windows import Windows
from journal_keys.ports.clock import Clock
from journal_keys.ports.view_board import ViewBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReadiness:
    """Looks at the views only; whoever signs and encrypts on one may verify and decrypt on it for no shorter time."""

    board: ViewBoard
    clock: Clock
    windows: Windows

    def __call__(self) -> tuple[str, ...]:
        """Give what is in the way; nothing is, where it is empty. The same obstacle has the same words at any time."""
        return tuple(self._obstacles())

    def _obstacles(self) -> Iterator[str]:
        now_s, bound_s = self.clock.uptime_s(), self.windows.oldest_signer_view.total_seconds()
        signing, cipher = self.board.signing, self.board.cipher
        keys = {Family.JWT: signing and signing.signing, Family.AES: cipher and cipher.sealing}
        for family, view in {Family.JWT: signing, Family.AES: cipher}.items():
            if view is None:
                yield f"the {family} ring was never loaded"
            elif now_s - view.confirmed_s > bound_s:
                yield f"the {family} ring was not confirmed within {bound_s:g} s"
            elif keys[family] is None:
                yield f"the material of the ACTIVE key {view.ring.active.kid} could not be read"
