"""An application with environment keys only, and a world that it moves into."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final, TypeAlias, TypeVar, cast

import pytest

from journal_keys.adapters.embedded.age_form import new_identity
from journal_keys.adapters.memory.backup_shelf import MemoryBackupShelf
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_cache import MemorySecretCache
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain.backup_seal import ByIdentities, ForRecipients
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.migration import DEFAULT_MAP, MigrationMap, Resolutions
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.backup_shelf import BackupShelf
from journal_keys.ports.foreign_keys import Work
from journal_keys.ports.ledger_archive import LedgerArchive
from journal_keys.ports.progress import Progress
from journal_keys.use_cases.back_up import BackedUp, BackUp, Wanted
from journal_keys.use_cases.check_backup import CheckBackup
from journal_keys.use_cases.destroy_key import DestroyKey
from journal_keys.use_cases.find_losses import FindLosses
from journal_keys.use_cases.keep_pre_image import KeepPreImage
from journal_keys.use_cases.migrate_secrets import Migrated, MigrateSecrets, Move, NothingToMigrate
from journal_keys.use_cases.migration_status import MigrationStatus
from journal_keys.use_cases.plan_migration import MigrationPlan, PlanMigration
from journal_keys.use_cases.prove_migration import ProveMigration
from journal_keys.use_cases.put_values import PutValues
from journal_keys.use_cases.read_variables import ReadVariables
from journal_keys.use_cases.refuse_restore import RefuseRestore
from journal_keys.use_cases.restore_backup import RestoreBackup, RestoredBackup
from journal_keys.use_cases.roll_back_migration import RollBackMigration, RolledBack, Undo
from journal_keys.use_cases.take_keys_in import TakeKeysIn
from tests.support.canary.entropy import WatchedEntropy
from tests.support.fault_plan import FaultKind, FaultPlan, ProcessDied
from tests.support.imported import ED25519, P256, SHARED, aes_json, foreign_keys, pem, public_pem, work_reader
from tests.support.process import Process
from tests.support.world import POLICIES, WINDOWS, World

P = TypeVar("P")
IDENTITY, RECIPIENT = new_identity()
SEAL: Final = ForRecipients((RECIPIENT,))
OPENING: Final = ByIdentities(IDENTITY)
ENVIRONMENT: Final[Mapping[str, KeyMaterial]] = {
    "JOURNAL_JWT_PRIVATE_KEY": pem(ED25519),
    "JOURNAL_JWT_PUBLIC_KEY": public_pem(ED25519),
    "JOURNAL_JWT_DEV_PRIVATE_KEY_PEM": pem(P256),
    "JOURNAL_JWT_DEV_KEY_ID": KeyMaterial(b"dev-key"),
    "JOURNAL_JWT_SECRET": SHARED,
    "AUTH_ENC_KEYS": aes_json("old_1", "old-2"),
    "AUTH_ENC_ACTIVE_KID": KeyMaterial(b"old-2"),
    "JOURNAL_DB_URL_SYNC": KeyMaterial(b"postgresql://app:a-db-passw0rd@db/journal"),
    "JOURNAL_NATS_URL": KeyMaterial(b"nats://app:a-nats-passw0rd@nats:4222"),
    "JOURNAL_INFISICAL_WEBHOOK_SECRET": KeyMaterial(b"a webhook secret of before"),
}
_SEEDS: Final = count(1)
"""No two houses make the same keys."""

DB_URL: Final = SecretPath.parse("/database/db_url_sync")


def changed(**values: bytes | KeyMaterial | None) -> dict[str, KeyMaterial]:
    """The environment with other values, and without those that are None."""
    other = {name: KeyMaterial(v) if isinstance(v, bytes) else v for name, v in values.items()}
    return {name: value for name, value in {**ENVIRONMENT, **other}.items() if value is not None}


@dataclass(kw_only=True)
class House:
    """A world with the verbs that move things in and out, perhaps behind a plan of faults."""

    world: World = field(default_factory=World)
    shelf: BackupShelf = field(init=False)
    kept: MemoryBackupShelf | None = None
    plan: FaultPlan | None = None
    design: "Design | None" = None
    """Puts a wrong design in the place of ours, for proofs that must find it."""

    def __post_init__(self) -> None:
        plain = self.world
        self.kept = self.kept or MemoryBackupShelf(plain.clock)
        wrap = self.plan.wrap if self.plan else _plain
        self.shelf = wrap(self.kept)
        ledger = wrap(cast("MemoryLedger", plain.ledger))
        self.inner = World(
            clock=plain.clock,
            store=wrap(plain.store),
            hints=plain.hints,
            shared_ledger=ledger,
            seed=1000 * next(_SEEDS),
        )
        inner, process = self.inner, Process(plain)
        process.board = inner.board
        self.reader = work_reader(_on_board(process, inner))
        self.foreign = foreign_keys(plain)
        archive = cast("LedgerArchive", ledger)
        self.put = PutValues(store=inner.store)
        self.cache = MemorySecretCache(
            clock=plain.clock, ttl=WINDOWS.view_ttl, stale_bound=WINDOWS.view_ttl, meter=inner.meter
        )
        self.planning = PlanMigration(
            ledger=inner.ledger,
            store=inner.store,
            read=ReadVariables(foreign=self.foreign),
            foreign=self.foreign,
            entropy=WatchedEntropy(inner.seed + 100),
            windows=WINDOWS,
        )
        self.keep = KeepPreImage(
            archive=archive,
            trail=ledger,
            store=inner.store,
            shelf=self.shelf,
            entropy=WatchedEntropy(inner.seed + 300),
        )
        take_in = TakeKeysIn(
            ledger=inner.ledger,
            store=inner.store,
            put=self.put,
            make_key=inner.make_key,
            opener=inner.opener,
            project=inner.project,
            hints=inner.hints,
            policies=POLICIES,
        )
        prove = ProveMigration(put=self.put, refresh=inner.refresh, foreign=self.foreign, reader=self.reader)
        self.migrating = MigrateSecrets(
            plan=self.planning,
            keep=self.keep,
            put=self.put,
            take_in=take_in,
            prove=prove,
            store=inner.store,
            cache=self.cache,
            ledger=inner.ledger,
            trail=ledger,
        )
        self.statuses = MigrationStatus(plan=self.planning, refresh=inner.refresh, reader=self.reader, trail=ledger)
        self.rolling_back = RollBackMigration(
            ledger=inner.ledger,
            archive=archive,
            trail=ledger,
            store=inner.store,
            cache=self.cache,
            put=self.put,
            hints=inner.hints,
            shelf=self.shelf,
        )
        self.backing_up = BackUp(
            ledger=inner.ledger,
            archive=archive,
            trail=ledger,
            store=inner.store,
            read_material=inner.read_material,
            opener=inner.opener,
            entropy=WatchedEntropy(inner.seed + 200),
            shelf=self.shelf,
            environment="dev",
        )
        self.checking = CheckBackup(shelf=self.shelf, opener=inner.opener)
        self.restoring = RestoreBackup(
            check=self.checking,
            refuse=RefuseRestore(ledger=inner.ledger, trail=ledger, store=inner.store, project=inner.project),
            find_losses=FindLosses(store=inner.store, read_material=inner.read_material),
            ledger=inner.ledger,
            archive=archive,
            trail=ledger,
            store=inner.store,
            cache=self.cache,
            put=self.put,
            make_key=inner.make_key,
            project=inner.project,
            hints=inner.hints,
            shelf=self.shelf,
            policies=POLICIES,
        )
        self.destroying = DestroyKey(
            ledger=inner.ledger,
            store=inner.store,
            project=inner.project,
            usage=ledger,
            trail=ledger,
            hints=inner.hints,
            windows=WINDOWS,
        )
        if self.design:
            self.design(self)

    async def planned(
        self,
        source: Mapping[str, KeyMaterial] = ENVIRONMENT,
        chosen: MigrationMap = DEFAULT_MAP,
        resolutions: Resolutions = Resolutions(),  # noqa: B008 (a value)
    ) -> MigrationPlan:
        """Plan."""
        return await self.planning(source, chosen, resolutions)

    async def migrated(
        self,
        source: Mapping[str, KeyMaterial] = ENVIRONMENT,
        chosen: MigrationMap = DEFAULT_MAP,
        resolutions: Resolutions = Resolutions(),  # noqa: B008 (likewise)
    ) -> Migrated | NothingToMigrate:
        """Migrate."""
        move = Move(resolutions=resolutions, seal=SEAL, actor="test", reason="moving in")
        return await self.migrating(source, chosen, move)

    async def rolled_back(
        self,
        place: str,
        source: Mapping[str, KeyMaterial] = ENVIRONMENT,
        **named: frozenset[Kid] | frozenset[SecretPath],
    ) -> RolledBack:
        """Roll back."""
        plan = await House(world=self.world).planned(source)
        undo = Undo(actor="test", reason="back", source=plan, **named)  # type: ignore[arg-type]
        return await self.rolling_back(place, OPENING, undo)

    async def backed_up(self, *families: Family, signing_keys: bool = True) -> BackedUp:
        """Back up."""
        wanted = Wanted(
            families=frozenset(families or Family),
            signing_keys=signing_keys,
            seal=SEAL,
            actor="test",
            reason="nightly",
        )
        return await self.backing_up(wanted)

    async def restored(self, place: str, *, accepts_clock: bool = False) -> RestoredBackup:
        """Restore."""
        return await self.restoring(place, OPENING, actor="test", reason="disk died", accepts_clock=accepts_clock)

    async def works(self, source: Mapping[str, KeyMaterial] = ENVIRONMENT) -> Sequence[Work]:
        """What the keys of an environment made before, with the libraries that the application used."""
        elsewhere = House(world=World(clock=self.world.clock))
        return (await elsewhere.planned(source)).works

    async def unread(self, works: Sequence[Work]) -> list[Kid]:
        """The kids of works that a fresh process does not read."""
        reader = work_reader(await Process(self.world).refresh())
        return [work.kid for work in works if not reader.reads(work)]

    def secrets(self) -> dict[str, bytes]:
        """All that the store holds, by path."""
        from journal_keys.domain.exposure import expose

        held = cast("MemorySecretStore", self.world.store)._secrets  # noqa: SLF001 (a test looks inside)
        return {str(path): expose(value) for path, value in held.items()}


async def occupied() -> House:
    """Another value lies where the database's URL is to go."""
    house = House(world=await World().initialised())
    await house.put.mark(frozenset({DB_URL.folder}))
    await house.put.new({DB_URL: KeyMaterial(b"another")})
    return house


async def cut_short(*, founded: int = 0) -> House:
    """The house as the next run finds it, behind one that died before it founded one ring more than these."""
    counted = FaultPlan(at=-1, kind=FaultKind.HANG)
    await House(plan=counted).migrated()
    commits = [number for number, name in enumerate(counted.calls) if name == "commit"]
    first = House()
    plan = FaultPlan(at=commits[founded], kind=FaultKind.DEATH_BEFORE)
    with pytest.raises(ProcessDied):
        await House(world=first.world, kept=first.kept, plan=plan).migrated()
    return House(world=first.world, kept=first.kept)


@dataclass
class Told(Progress):
    """Keeps what was said of how far long work is."""

    said: list[tuple[str, int, int]] = field(default_factory=list)

    def __call__(self, doing: str, done: int, total: int) -> None:
        self.said.append((doing, done, total))


Design: TypeAlias = Callable[[House], None]


def _plain(port: P) -> P:
    return port


def _on_board(process: Process, inner: World) -> Process:
    """A process whose verifier and cipher look at the inner world's board."""
    from journal_keys.adapters.crypto.token_cipher import TokenCipher
    from journal_keys.adapters.crypto.token_codec import JwtVerifier
    from journal_keys.adapters.system.entropy import SystemEntropy
    from tests.support.views import MAX_STALE, PROFILE

    process.verifier = JwtVerifier(inner.board, inner.clock, PROFILE, WINDOWS, MAX_STALE)
    process.cipher = TokenCipher(inner.board, inner.clock, SystemEntropy(), inner.budget, WINDOWS, MAX_STALE)
    return process
