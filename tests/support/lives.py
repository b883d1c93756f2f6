"""Processes that end and start on one host, around a ledger and a store that can be out of reach."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from journal_keys.adapters.crypto.token_cipher import TokenCipher
from journal_keys.adapters.crypto.token_codec import JwtSigner, JwtVerifier
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_cache import MemorySecretCache
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.adapters.memory.snapshot_store import MemorySnapshotStore
from journal_keys.domain.errors import PortError
from journal_keys.domain.keyring import RingHead
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import MARKER_NAME, MARKER_VALUE, SecretPath
from journal_keys.domain.snapshot import SnapshotPace
from journal_keys.domain.windows import Windows
from journal_keys.ports.ledger import LedgerPage, LedgerUnavailableError
from journal_keys.ports.secret_store import FolderContent, SecretStoreUnavailableError
from journal_keys.ports.snapshot_store import SnapshotStore
from journal_keys.use_cases.fetch_secret import FetchSecret
from journal_keys.use_cases.keep_snapshot import KeepSnapshot
from journal_keys.use_cases.load_views import LoadViews
from journal_keys.use_cases.restore_snapshot import RestoreSnapshot
from tests.support.canary.entropy import WatchedEntropy
from tests.support.snapshots import PATH
from tests.support.views import PROFILE
from tests.support.world import MAX_STALE, START, WINDOWS, World


class CutLedger(MemoryLedger):
    """Fails with `fault` while there is one."""

    fault: PortError | None = None

    async def heads(self) -> Mapping[Family, RingHead]:
        """Read, or fail."""
        if self.fault is not None:
            raise self.fault
        return await super().heads()

    async def read(self, family: Family) -> LedgerPage:
        """Read, or fail."""
        if self.fault is not None:
            raise self.fault
        return await super().read(family)


class CutStore(MemorySecretStore):
    """Fails with `fault` while there is one, and counts what it is asked for."""

    fault: PortError | None = None
    reads: int = 0

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        """Read, or fail."""
        self.reads += 1
        if self.fault is not None:
            raise self.fault
        return await super().read_folder(folder)


@dataclass
class Host:
    """What outlives a process."""

    sign_max_stale: timedelta | None = None
    wanted: frozenset[SecretPath] = frozenset({PATH})
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    store: CutStore = field(default_factory=CutStore)
    snapshots: SnapshotStore = field(default_factory=MemorySnapshotStore)

    def __post_init__(self) -> None:
        self.ledger = CutLedger(self.clock, WINDOWS.skew)
        self.world = World(clock=self.clock, store=self.store, shared_ledger=self.ledger)
        self.windows: Windows = replace(WINDOWS, sign_max_stale=self.sign_max_stale)

    def cut(self, *, ledger: bool = True, store: bool = True) -> None:
        """Begin an outage."""
        self.ledger.fault = LedgerUnavailableError("the ledger gave no answer") if ledger else None
        self.store.fault = SecretStoreUnavailableError("the store gave no answer") if store else None

    def mend(self) -> None:
        """End it."""
        self.ledger.fault = self.store.fault = None


class Life:
    """One process."""

    def __init__(self, host: Host) -> None:
        self.world = World(clock=host.clock, store=host.store, shared_ledger=host.ledger)
        board, clock, budget = self.world.board, host.clock, self.world.budget
        self.board = board
        self.cache = MemorySecretCache(clock, WINDOWS.view_ttl, MAX_STALE)
        self.restore = RestoreSnapshot(
            snapshots=host.snapshots,
            opener=self.world.opener,
            board=board,
            cache=self.cache,
            clock=clock,
            budget=budget,
            verify_max_stale=MAX_STALE,
        )
        self.refresh = self.world.refresh
        self.load = LoadViews(refresh=self.refresh, restore=self.restore)
        self.keep = KeepSnapshot(
            snapshots=host.snapshots,
            store=host.store,
            board=board,
            cache=self.cache,
            clock=clock,
            budget=budget,
            pace=SnapshotPace(),
            windows=host.windows,
            verify_max_stale=MAX_STALE,
            wanted=host.wanted,
        )
        self.fetch = FetchSecret(store=host.store, cache=self.cache)
        self.health = self.world.health
        self.signer = JwtSigner(board, clock, PROFILE, host.windows)
        self.verifier = JwtVerifier(board, clock, PROFILE, host.windows, MAX_STALE)
        self.cipher = TokenCipher(board, clock, WatchedEntropy(9), budget, host.windows, MAX_STALE)


async def first_life(host: Host) -> Life:
    """Make rings and a secret, let a process load them and keep a snapshot."""
    await host.world.initialised()
    await host.store.put_new(PATH.folder.child(MARKER_NAME), KeyMaterial(MARKER_VALUE))
    await host.store.put_new(PATH, KeyMaterial(b"postgresql://journal:canary@db/journal"))
    life = Life(host)
    await life.load()
    assert await life.keep()
    return life
