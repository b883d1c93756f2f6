"""A whole small world in memory: every port, every use case, and a clock that only tests move."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias, cast

from journal_keys.adapters.crypto.key_crypto import (
    CryptographyKeyGenerator,
    CryptographyKeyOpener,
    CryptographyPemRenderer,
)
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.meter import MemoryMeter
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.adapters.memory.store_condition import NoTrouble
from journal_keys.adapters.memory.tracer import MemoryTracer
from journal_keys.adapters.memory.view_board import MemoryViewBoard
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.encryption_budget import EncryptionBudget
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Algorithm, Family
from journal_keys.domain.outcomes import ReconcileOutcome, RotationOutcome
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.windows import Windows
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.clock_keeper import ClockKeeper
from journal_keys.ports.hint_bus import HintBus
from journal_keys.ports.ledger import Ledger
from journal_keys.ports.secret_store import SecretStore
from journal_keys.use_cases.check_health import CheckHealth
from journal_keys.use_cases.compromise_key import CompromiseKey, EntombKey
from journal_keys.use_cases.describe_status import DescribeStatus
from journal_keys.use_cases.explain_key import ExplainKey
from journal_keys.use_cases.init_rings import InitRings
from journal_keys.use_cases.make_key import MakeKey
from journal_keys.use_cases.project_ring import ProjectRing
from journal_keys.use_cases.read_material import ReadMaterial
from journal_keys.use_cases.reconcile import Reconcile
from journal_keys.use_cases.recover_ledger import RecoverLedger
from journal_keys.use_cases.refresh_views import RefreshViews
from journal_keys.use_cases.report_usage import ReportUsage
from journal_keys.use_cases.retire_keys import RetireKeys
from journal_keys.use_cases.rotate_keys import RotateKeys
from journal_keys.use_cases.rotate_on_webhook import RotateOnWebhook
from journal_keys.use_cases.rotate_when_due import RotateWhenDue
from journal_keys.use_cases.show_figures import ShowFigures
from journal_keys.use_cases.stage_successor import StageSuccessor
from journal_keys.use_cases.verify_audit import VerifyAudit
from journal_keys.use_cases.watch_audit import WatchAudit
from journal_keys.use_cases.watch_ledger import WatchLedger
from tests.support.canary.entropy import WatchedEntropy
from tests.support.fault_plan import FaultPlan

START = datetime(2026, 1, 1, tzinfo=UTC)
WINDOWS = Windows(
    jwks_max_age=timedelta(seconds=600),
    view_ttl=timedelta(seconds=300),
    poll=timedelta(seconds=15),
    longest_token=timedelta(days=14),
    leeway=timedelta(seconds=60),
    skew=timedelta(seconds=60),
)
POLICIES = {
    Family.JWT: RotationPolicy(family=Family.JWT, interval=timedelta(days=60), algorithm=Algorithm.EDDSA),
    Family.AES: RotationPolicy(family=Family.AES, interval=timedelta(days=90), algorithm=Algorithm.A256GCM),
}
MAX_STALE = timedelta(days=1)
W1 = WINDOWS.publish_to_promote
W2 = WINDOWS.promote_to_retire


def ours(_: "World") -> None:
    """Leave the design as it is."""


@dataclass(kw_only=True)
class World:
    """One application: `ledger` and `store` may be wrapped by a fault plan, the rest is plain."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    ledger: Ledger = field(init=False)
    store: SecretStore = field(default_factory=MemorySecretStore)
    board: MemoryViewBoard = field(default_factory=MemoryViewBoard)
    budget: EncryptionBudget = field(default_factory=EncryptionBudget)
    hints: HintBus = field(default_factory=MemoryHintBus)
    seed: int = 1
    shared_ledger: Ledger | None = None
    remote: SecretStore | None = None
    """How processes reach the store, where that is another way than by which a test looks into it."""
    design: "Design" = ours
    """Puts a wrong design in the place of ours, for proofs that must find it."""

    def __post_init__(self) -> None:
        self.ledger = self.shared_ledger or MemoryLedger(self.clock, WINDOWS.skew)
        self.generator = CryptographyKeyGenerator(entropy=WatchedEntropy(self.seed))
        self.opener = CryptographyKeyOpener()
        self.read_material = ReadMaterial(store=self.store)
        self.make_key = MakeKey(store=self.store, generator=self.generator, opener=self.opener)
        self.stage = StageSuccessor(ledger=self.ledger, store=self.store, make_key=self.make_key)
        self.project = ProjectRing(
            ledger=self.ledger,
            store=self.store,
            read_material=self.read_material,
            opener=self.opener,
            pem=CryptographyPemRenderer(),
        )
        self.entomb = EntombKey(store=self.store)
        self.init = InitRings(
            ledger=self.ledger,
            store=self.store,
            make_key=self.make_key,
            read_material=self.read_material,
            project=self.project,
        )
        self.meter = MemoryMeter()
        self.rotate = RotateKeys(
            ledger=self.ledger,
            read_material=self.read_material,
            stage=self.stage,
            project=self.project,
            hints=self.hints,
            meter=self.meter,
            tracer=MemoryTracer(),
            policies=POLICIES,
            windows=WINDOWS,
        )
        self.retire = RetireKeys(ledger=self.ledger, store=self.store, hints=self.hints, windows=WINDOWS)
        self.compromise = CompromiseKey(
            ledger=self.ledger,
            entomb=self.entomb,
            stage=self.stage,
            project=self.project,
            hints=self.hints,
            meter=self.meter,
            policies=POLICIES,
            windows=WINDOWS,
        )
        self.reconcile = Reconcile(
            rotate=self.rotate,
            retire=self.retire,
            entomb=self.entomb,
            opener=self.opener,
            clock=cast("ClockKeeper", self.ledger),
        )
        self.rotate_when_due = RotateWhenDue(rotate=self.rotate)
        self.rotate_on_webhook = RotateOnWebhook(rotate=self.rotate)
        self.recover = RecoverLedger(
            ledger=self.ledger,
            store=self.store,
            read_material=self.read_material,
            opener=self.opener,
            project=self.project,
            windows=WINDOWS,
        )
        self.refresh = RefreshViews(
            ledger=self.ledger,
            read_material=self.read_material,
            opener=self.opener,
            board=self.board,
            clock=self.clock,
        )
        self.figures = ShowFigures(
            board=self.board,
            budget=self.budget,
            condition=NoTrouble(),
            policies=POLICIES,
            windows=WINDOWS,
            meter=self.meter,
        )
        self.report_usage = ReportUsage(usage=cast("MemoryLedger", self.ledger), board=self.board, budget=self.budget)
        self.trail = cast("AuditTrail", self.ledger)
        self.health = CheckHealth(
            ledger=self.ledger,
            read_material=self.read_material,
            condition=NoTrouble(),
            usage=cast("MemoryLedger", self.ledger),
            policies=POLICIES,
            windows=WINDOWS,
            board=self.board,
            clock=self.clock,
            verify_max_stale=MAX_STALE,
        )
        self.explain = ExplainKey(ledger=self.ledger, trail=self.trail, policies=POLICIES, windows=WINDOWS)
        self.verify_audit = VerifyAudit(trail=self.trail)
        self.watch_audit = WatchAudit(trail=self.trail, clock=self.clock)
        self.describe = DescribeStatus(
            ledger=self.ledger,
            fleet=cast("MemoryLedger", self.ledger),
            trail=self.trail,
            usage=cast("MemoryLedger", self.ledger),
            watch=self.watch_audit,
            policies=POLICIES,
            windows=WINDOWS,
        )
        self.watch_ledger = WatchLedger(
            audit=self.watch_audit, describe=self.describe, clock=self.clock, meter=self.meter
        )
        self.design(self)

    async def initialised(self, *families: Family) -> "World":
        """Make the rings, and let W1 pass so that the staged keys are ready."""
        for family in families or tuple(Family):
            await self.init(POLICIES[family], actor="test", reason="first keys")
        self.clock.pass_time(W1)
        return self

    def beside(self, ledger: Ledger | None = None) -> "World":
        """Another process on the same store and ledger, with views of its own."""
        return World(clock=self.clock, store=self.store, shared_ledger=ledger or self.ledger)

    def behind(self, plan: FaultPlan) -> "World":
        """The same process, whose calls of ledger and store are counted or fail."""
        ledger, store = plan.wrap(self.ledger), plan.wrap(self.store)
        return World(clock=self.clock, store=store, shared_ledger=ledger, board=self.board, budget=self.budget)

    async def ring(self, family: Family) -> KeyRing:
        """The ring as the ledger holds it."""
        ring = (await self.ledger.read(family)).ring
        assert ring is not None
        return ring

    async def rotated(self, family: Family, rotation_id: str = "r1", *, force: bool = True) -> RotationOutcome:
        """Ask for a rotation."""
        return await self.rotate(family, request(rotation_id, family, force=force))

    async def reconciled(self, family: Family) -> ReconcileOutcome:
        """Make one pass."""
        return await self.reconcile(family)


Design: TypeAlias = Callable[[World], None]


def request(rotation_id: str, family: Family, *, force: bool = True, reason: str = "test") -> RotationRequest:
    """A rotation request by the actor `test`."""
    return RotationRequest(rotation_id=rotation_id, scope=family.value, force=force, reason=reason, actor="test")
