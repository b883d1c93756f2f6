"""One running application: it signs, verifies, encrypts and decrypts on its own views of a shared ledger and store."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

import jwt

from journal_keys.adapters.crypto.token_cipher import TokenCipher
from journal_keys.adapters.crypto.token_codec import JwtSigner, JwtVerifier
from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.adapters.memory.view_board import MemoryViewBoard
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.encryption_budget import EncryptionBudget
from journal_keys.domain.keys import Family, Kid
from journal_keys.ports.secret_store import SecretStore
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.views import MAX_STALE, PROFILE
from tests.support.world import WINDOWS, World

P = TypeVar("P")


class Process:
    """Fresh views, empty until the first refresh."""

    def __init__(self, beside: World) -> None:
        self._beside = beside
        self.board = MemoryViewBoard()
        self.budget = EncryptionBudget()
        self.clock = clock = beside.clock
        self.signer = JwtSigner(self.board, clock, PROFILE, WINDOWS)
        self.verifier = JwtVerifier(self.board, clock, PROFILE, WINDOWS, MAX_STALE)
        self.cipher = TokenCipher(self.board, clock, SystemEntropy(), self.budget, WINDOWS, MAX_STALE)

    async def refresh(self) -> "Process":
        """Bring the views up to the ledger, by the way on which no fault lies."""
        await self._over(self._beside.store).refresh()
        return self

    def write(self, family: Family) -> tuple[Kid, str]:
        """Sign a token or encrypt a text, and say under which key."""
        if family is Family.AES:
            text = self.cipher.encrypt("plain")
            return Kid(text.split(".")[1]), text
        token = self.signer.sign({"sub": "p"})
        return Kid(jwt.get_unverified_header(token)["kid"]), token

    def read(self, family: Family, text: str) -> object:
        """Verify or decrypt."""
        return self.verifier.verify(text) if family is Family.JWT else self.cipher.decrypt(text)

    def world(self, seed: int = 1, plan: FaultPlan | None = None) -> World:
        """This process's use cases on the shared ledger and store, with a plan of faults before them."""
        return self._over(self._beside.remote or self._beside.store, seed, plan)

    def _over(self, store: SecretStore, seed: int = 1, plan: FaultPlan | None = None) -> World:
        shared, wrap = self._beside, plan.wrap if plan else _plain
        return World(
            clock=shared.clock,
            store=wrap(store),
            shared_ledger=wrap(shared.ledger),
            hints=wrap(MemoryHintBus()),
            board=self.board,
            budget=self.budget,
            seed=seed,
            design=shared.design,
        )


async def end_of(plan: FaultPlan, deed: Awaitable[object]) -> object:
    """What a deed gives or raises; one that hangs is cancelled as soon as it does."""
    if FaultKind.HANG not in {plan.kind, *plan.then.values()}:
        return (await asyncio.gather(deed, return_exceptions=True))[0]
    doing, hanging = asyncio.ensure_future(deed), asyncio.ensure_future(plan.hangs.wait())
    await asyncio.wait({doing, hanging}, return_when=asyncio.FIRST_COMPLETED)
    hanging.cancel()
    doing.cancel()
    (ended, _) = await asyncio.gather(doing, hanging, return_exceptions=True)
    return ended


def driven(deed: Coroutine[Any, Any, object]) -> object:
    """What a deed gives or raises that waits for nothing but in a fault, and is cancelled then; needs no loop."""
    try:
        deed.send(None)
        deed.throw(asyncio.CancelledError())
    except StopIteration as end:
        return end.value
    except BaseException as raised:  # noqa: BLE001 (a death is one)
        return raised
    raise AssertionError("a cancelled deed goes on")


def _plain(port: P) -> P:
    return port
