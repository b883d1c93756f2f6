"""One running application: it signs, verifies, encrypts and decrypts on its own views of a shared ledger and store."""

from journal_keys.adapters.crypto.token_cipher import TokenCipher
from journal_keys.adapters.crypto.token_codec import JwtSigner, JwtVerifier
from journal_keys.adapters.memory.view_board import MemoryViewBoard
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.encryption_budget import EncryptionBudget
from tests.support.views import MAX_STALE, PROFILE
from tests.support.world import WINDOWS, World


class Process:
    """Fresh views, empty until the first refresh."""

    def __init__(self, beside: World) -> None:
        self._beside = beside
        self.board = MemoryViewBoard()
        self.budget = EncryptionBudget()
        clock = beside.clock
        self.signer = JwtSigner(self.board, clock, PROFILE, WINDOWS)
        self.verifier = JwtVerifier(self.board, clock, PROFILE, WINDOWS, MAX_STALE)
        self.cipher = TokenCipher(self.board, clock, SystemEntropy(), self.budget, WINDOWS, MAX_STALE)

    async def refresh(self) -> "Process":
        """Bring the views up to the ledger, with no fault."""
        await self.world().refresh()
        return self

    def world(self, seed: int = 1) -> World:
        """This process's use cases on the shared ledger and store."""
        shared = self._beside
        return World(
            clock=shared.clock,
            store=shared.store,
            shared_ledger=shared.ledger,
            board=self.board,
            budget=self.budget,
            seed=seed,
            design=shared.design,
        )
