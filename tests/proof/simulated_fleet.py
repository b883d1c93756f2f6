"""Instances of the service in one process and on one virtual clock, each with its own container and tasks."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

from journal_keys.adapters.crypto.key_crypto import CryptographyKeyGenerator
from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.adapters.memory.lease import MemoryLease
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.adapters.memory.store_condition import NoTrouble
from journal_keys.container import Container
from journal_keys.domain.audit_chain import AuditEntry, AuditHead
from journal_keys.domain.changes import RingChange, RotationRequest, Transition
from journal_keys.domain.fleet import Instance as Reported
from journal_keys.domain.keyring import RingHead
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.outcomes import RotationOutcome
from journal_keys.domain.paths import SecretPath, versions_folder
from journal_keys.entrypoints.background import Background
from journal_keys.entrypoints.settings import ClosedSettings, Settings
from journal_keys.ports.clock import Clock
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.ledger import LedgerPage
from journal_keys.ports.secret_store import FolderContent, SecretStoreUnavailableError
from tests.support.canary.entropy import WatchedEntropy
from tests.support.embedded import w1_s
from tests.support.virtual_time import LoopClock

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS: Final = ClosedSettings.model_validate(
    {
        "journal_keys_profile": "standard",
        "journal_db_url_async": "postgresql+asyncpg://journal@localhost/journal",
        "journal_jwks_max_age": 30,
        "journal_infisical_cache_ttl": 30,
        "journal_clock_skew": 15,
        "journal_instance_expiry": 120,
    }
)
"""The poll is that of the profile `standard`; the waits are shorter, so that less time has to pass without news."""

Turns: TypeAlias = dict[str, tuple[str, float]]


class AskedLedger(MemoryLedger):
    """A ledger that all share. It notes when it was asked what, and by whom a generation was first said to be held."""

    def __init__(self, clock: Clock, skew: timedelta) -> None:
        super().__init__(clock, skew)
        self._uptime_s = clock.uptime_s
        self.asked: list[tuple[float, str]] = []
        self.held_s: dict[tuple[str, Family, int], float] = {}
        self.active_s: dict[Kid, float] = {}

    async def heads(self) -> Mapping[Family, RingHead]:
        self._note("look")
        return await super().heads()

    async def read(self, family: Family) -> LedgerPage:
        self._note("page")
        return await super().read(family)

    async def commit(self, transition: Transition) -> RingChange:
        self._note("change")
        change = await super().commit(transition)
        self.active_s.setdefault(change.ring.active.kid, self._uptime_s())
        return change

    async def report(self, name: str, generations: Mapping[Family, int], *, expires_in: timedelta) -> None:
        self._note("report")
        for family, generation in generations.items():
            self.held_s.setdefault((name, family, generation), self._uptime_s())
        await super().report(name, generations, expires_in=expires_in)

    async def total(self, kid: Kid) -> int:
        self._note("count")
        return await super().total(kid)

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        self._note("trail")
        return await super().entries(after=after, limit=limit)

    async def head(self) -> AuditHead:
        self._note("trail")
        return await super().head()

    async def instances(self) -> Sequence[Reported]:
        self._note("fleet")
        return await super().instances()

    async def keep_clock(self) -> None:
        self._note("change")
        await super().keep_clock()

    def _note(self, kind: str) -> None:
        self.asked.append((self._uptime_s(), kind))


class CutStore(MemorySecretStore):
    """One instance's way to the store, on which the folders of some rings give no answer."""

    def __init__(self, store: MemorySecretStore) -> None:
        self._secrets = store._secrets  # noqa: SLF001 (the same content, by another way)
        self.cut: set[SecretPath] = set()

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        if folder in self.cut:
            raise SecretStoreUnavailableError("the store gave no answer")
        return await super().read_folder(folder)


@dataclass(kw_only=True)
class HeardByAll(MemoryHintBus):
    """One instance's way to hints that reach every instance at once."""

    buses: "list[HeardByAll]"

    def __post_init__(self) -> None:
        super().__init__()
        self.buses.append(self)

    async def publish(self, family: Family, generation: int) -> None:  # noqa: ARG002 (as in memory)
        for bus in self.buses:
            bus.wake()


@dataclass(slots=True, kw_only=True)
class Instance:
    """One process of the service."""

    container: Container
    background: Background
    store: CutStore

    def kill(self) -> None:
        """End it without a word."""
        for task in self.background._tasks:  # noqa: SLF001 (nothing else ends it without a word)
            task.cancel()

    def cut(self, family: Family) -> None:
        """Let the store no longer answer it for this ring."""
        self.store.cut.add(versions_folder(family))

    def mend(self, family: Family) -> None:
        """Let the store answer again."""
        self.store.cut.discard(versions_folder(family))


@dataclass(kw_only=True)
class SimulatedFleet:
    """All instances. Inside the context they run."""

    entropy: Entropy = field(default_factory=lambda: WatchedEntropy(7))
    ledger_kind: Callable[[Clock, timedelta], AskedLedger] = AskedLedger
    settings: Settings = SETTINGS
    instances: list[Instance] = field(default_factory=list)
    _buses: list[HeardByAll] = field(default_factory=list)
    _turns: Turns = field(default_factory=dict)

    async def started(self, count: int) -> None:
        """Make rings, let W1 pass, and start so many instances in one moment."""
        self.clock = LoopClock(asyncio.get_running_loop(), START)
        self.ledger = self.ledger_kind(self.clock, self.settings.windows().skew)
        self.store = MemorySecretStore()
        self.operator = self._container("operator", CutStore(self.store))
        for policy in self.settings.policies().values():
            await self.operator.init_rings()(policy, actor="test", reason="test")
        await asyncio.sleep(w1_s(self.settings))
        self.instances = [self._instance(f"web-{number}") for number in range(count)]
        await asyncio.gather(*(one.background.__aenter__() for one in self.instances))

    async def ended(self) -> None:
        """End every instance in order."""
        await asyncio.gather(*(one.background.__aexit__() for one in self.instances))

    async def rotate(self, family: Family, rotation_id: str) -> RotationOutcome:
        """Ask for a rotation as an operator does."""
        request = RotationRequest(
            rotation_id=rotation_id, scope=family.value, force=True, reason="test", actor="operator"
        )
        return await self.operator.rotate_keys()(family, request)

    async def generation(self, family: Family) -> int:
        """The generation of the ring now, unheard."""
        return (await MemoryLedger.heads(self.ledger))[family].generation

    def asked(self, since_s: float, *kinds: str) -> list[float]:
        """When it was asked since a moment, of these kinds or of any."""
        return [at_s for at_s, kind in self.ledger.asked if at_s >= since_s and (not kinds or kind in kinds)]

    def counts(self, since_s: float) -> Counter[str]:
        """How often it was asked what since a moment."""
        return Counter(kind for at_s, kind in self.ledger.asked if at_s >= since_s)

    def _instance(self, name: str) -> Instance:
        store = CutStore(self.store)
        container = self._container(name, store)
        background = Background(
            container=container,
            poll=self.settings.poll,
            reconcile_interval=self.settings.reconcile_interval,
            reports=self.settings.reports_instance,
        )
        return Instance(container=container, background=background, store=store)

    def _container(self, name: str, store: CutStore) -> Container:
        settings, ledger = self.settings, self.ledger
        made = Container(
            windows=settings.windows(),
            policies=settings.policies(),
            profile=settings.token_profile(),
            verify_max_stale=settings.verify_max_stale,
            clock=self.clock,
            entropy=self.entropy,
            generator=CryptographyKeyGenerator(WatchedEntropy(len(self._buses) + 1)),
            store=store,
            probe=store,
            condition=NoTrouble(),
            ledger=ledger,
            trail=ledger,
            clock_keeper=ledger,
            usage=ledger,
            fleet=ledger,
            instance_name=name,
            instance_expiry=settings.instance_expiry,
        )
        made.hints.override(HeardByAll(buses=self._buses))  # not an argument: these are copied with all they hold
        made.lease.override(MemoryLease(holder=name, clock=self.clock, turns=self._turns))
        return made


def most_within(moments: list[float], span_s: float) -> int:
    """The most of these sorted moments that fall into any span of this length."""
    most, first = 0, 0
    for last, at_s in enumerate(moments):
        while at_s - moments[first] >= span_s:
            first += 1
        most = max(most, last - first + 1)
    return most
