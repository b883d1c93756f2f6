"""The verbs that actors are given, wired as the container wires them, and the rings that they find."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeAlias

from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.adapters.memory.meter import MemoryMeter
from journal_keys.adapters.memory.tracer import MemoryTracer
from journal_keys.domain import rotation
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyVersion, Kid
from journal_keys.domain.material import KeyMaterial, encode, unused_version
from journal_keys.domain.outcomes import AlreadyRotated, Compromised, Rotated
from journal_keys.domain.paths import MARKER_NAME, MARKER_VALUE, owned_folders, versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.domain.windows import Windows
from journal_keys.use_cases.compromise_key import CompromiseKey, EntombKey
from journal_keys.use_cases.init_rings import InitRings
from journal_keys.use_cases.make_key import MakeKey
from journal_keys.use_cases.project_ring import ProjectRing
from journal_keys.use_cases.read_material import ReadMaterial
from journal_keys.use_cases.reconcile import Reconcile
from journal_keys.use_cases.retire_keys import RetireKeys
from journal_keys.use_cases.rotate_keys import RotateKeys
from journal_keys.use_cases.stage_successor import StageSuccessor
from tests.proof.explorer.actors import Effect, EffectLedger, EffectStore, Ends, Outcome, PaperKeys, Verb
from tests.proof.explorer.promises import POLICIES, WINDOWS
from tests.proof.explorer.world import EPOCH, TICK, Books, Clocks, Ports, Shelf

EXPECTED: Final = (
    "LedgerUnavailableError",
    "SecretStoreUnavailableError",
    "SecretNotFoundError",
    "ClockWentBackError",
    "LedgerMissingError",
    "SecretHiddenError",
)
"""Errors that faults may bring up; any other is a violation, and so is any at all where there was no fault.

`StaleGenerationError` is none of them: it is for a ring that changes more often than these casts change it.
"""


@dataclass(slots=True, kw_only=True)
class Process:
    """One process's use cases. It is made anew for each replay, so that its keys get the same names."""

    maker: str
    windows: Windows = WINDOWS
    ledger_kind: type[EffectLedger] = EffectLedger
    stage_kind: type[StageSuccessor] = StageSuccessor
    reconcile_kind: type[Reconcile] = Reconcile
    project_kind: type[ProjectRing] = ProjectRing
    rotate_kind: type[RotateKeys] = RotateKeys
    store: EffectStore = field(default_factory=EffectStore)
    ledger: EffectLedger = field(init=False)
    keys: PaperKeys = field(init=False)
    hints: MemoryHintBus = field(init=False)
    read_material: ReadMaterial = field(init=False)
    make_key: MakeKey = field(init=False)
    stage: StageSuccessor = field(init=False)
    project: ProjectRing = field(init=False)
    entomb: EntombKey = field(init=False)

    def __post_init__(self) -> None:
        self.ledger = self.ledger_kind()
        self.keys = PaperKeys(self.maker)
        self.hints = MemoryHintBus()
        self.read_material = ReadMaterial(store=self.store)
        self.make_key = MakeKey(store=self.store, generator=self.keys, opener=self.keys)
        self.stage = self.stage_kind(ledger=self.ledger, store=self.store, make_key=self.make_key)
        self.project = self.project_kind(
            ledger=self.ledger, store=self.store, read_material=self.read_material, opener=self.keys, pem=self.keys
        )
        self.entomb = EntombKey(store=self.store)

    def rotate(self) -> RotateKeys:
        return self.rotate_kind(
            ledger=self.ledger,
            read_material=self.read_material,
            stage=self.stage,
            project=self.project,
            hints=self.hints,
            meter=MemoryMeter(),
            tracer=MemoryTracer(),
            policies=POLICIES,
            windows=self.windows,
        )

    def retire(self) -> RetireKeys:
        return RetireKeys(ledger=self.ledger, store=self.store, hints=self.hints, windows=self.windows)

    def reconcile(self) -> Reconcile:
        return self.reconcile_kind(
            rotate=self.rotate(), retire=self.retire(), entomb=self.entomb, opener=self.keys, clock=self.ledger
        )

    def init(self) -> InitRings:
        return InitRings(
            ledger=self.ledger,
            store=self.store,
            make_key=self.make_key,
            read_material=self.read_material,
            project=self.project,
        )

    def compromise(self) -> CompromiseKey:
        return CompromiseKey(
            ledger=self.ledger,
            entomb=self.entomb,
            stage=self.stage,
            project=self.project,
            hints=self.hints,
            meter=MemoryMeter(),
            policies=POLICIES,
            windows=self.windows,
        )


Run: TypeAlias = Callable[[Process], Coroutine[Effect, Any, object]]


def verb(maker: str, run: Run, **changes: Any) -> Verb:  # noqa: ANN401 (fields of Process)
    """A verb of a process of this name."""
    return lambda: run(Process(maker=maker, **changes))


def rotation_of(family: Family, rotation_id: str) -> Run:
    """A forced rotation."""
    wanted = RotationRequest(rotation_id=rotation_id, scope=family.value, force=True, reason="model", actor="model")
    return lambda process: process.rotate()(family, wanted)


def reconciling(family: Family) -> Run:
    """One pass of reconcile."""
    return lambda process: process.reconcile()(family)


def compromising(family: Family, kid: Kid) -> Run:
    """The compromise of one key."""
    return lambda process: process.compromise()(family, kid, actor="model", reason="model")


def projecting(family: Family) -> Run:
    """The end of somebody's pass: a look at the ring, and its names."""

    async def project(process: Process) -> int:
        ring = (await process.ledger.read(family)).ring
        return await process.project(ring) if ring else 0

    return project


def initialising(family: Family) -> Run:
    """The first keys."""
    return lambda process: process.init()(POLICIES[family], actor="model", reason="model")


def judge(outcome: Outcome, books: Books, had_fault: bool) -> str | None:  # noqa: FBT001 (a fact, no switch)
    """An error that no fault explains, or a result that names a key which never was ACTIVE."""
    if outcome.failed:
        expected = had_fault and str(outcome.value).startswith(EXPECTED)
        return None if expected else f"a use case failed with {outcome.value}"
    if isinstance(outcome.value, Rotated | Compromised) and outcome.value.unfinished and not had_fault:
        return f"a use case left unfinished, where there was no fault: {outcome.value.unfinished}"
    if isinstance(outcome.value, Rotated | AlreadyRotated):
        version = books.ring.find(outcome.value.new_kid) if books.ring else None
        if version is None or version.activated_at is None:
            return f"a rotation reports {outcome.value.new_kid}, which never was ACTIVE"
    return None


def one_winner(ends: Ends) -> str | None:
    """More than one rotation that made the same key ACTIVE, or a result that was nobody's."""
    values = [end.value for end in ends if end]
    won = [(value.old_kid, value.new_kid) for value in values if isinstance(value, Rotated)]
    joined = [(value.old_kid, value.new_kid) for value in values if isinstance(value, AlreadyRotated)]
    twice = {new for _, new in won if [kid for _, kid in won].count(new) > 1}
    if twice:
        return f"more than one rotation says that it made {min(twice)} ACTIVE"
    strange = set(joined) - set(won)
    if strange and all(end and not end.failed for end in ends):  # else it may be of one that died or had no answer
        return f"a rotation reports the result {min(strange)}, which is nobody's"
    return None


def made(ports: Ports, shelf: Shelf, kid_maker: str) -> tuple[KeyVersion, Shelf]:
    """One key, made before the beginning, and the store with its material."""
    keys = PaperKeys(kid_maker)
    record = keys.generate(ports.family, POLICIES[ports.family].algorithm, EPOCH).record
    line = encode(record)
    path = versions_folder(ports.family).child(record.kid)
    version = unused_version(record, digest=line.digest(), public_jwk=keys.prove(record))
    return version, ports.with_value(shelf, path, line)


def founded(ports: Ports, *, published_ago: int = 0, old_keys: int = 0) -> tuple[Books, Shelf, KeyRing]:
    """A ring in rest: an ACTIVE key, a key staged so many ticks ago, and keys that were demoted a tick ago."""
    shelf: Shelf = frozenset()
    for folder in owned_folders(ports.family):
        shelf = ports.with_value(shelf, folder.child(MARKER_NAME), KeyMaterial(MARKER_VALUE))
    versions = []
    for number in range(old_keys + 2):
        version, shelf = made(ports, shelf, f"old{number}")
        versions.append(version)
    long_ago = EPOCH - timedelta(days=1)
    cause = Cause(at=long_ago, actor="model", reason="model")
    ring = rotation.found(versions[0], versions[1], cause).ring
    for number in range(old_keys):
        ring = rotation.promote(ring, cause.when(EPOCH - TICK)).ring
        ring = rotation.publish(ring, versions[number + 2], cause.when(EPOCH - TICK * published_ago)).ring
    if not old_keys:
        ring = rotation.found(versions[0], versions[1], cause.when(EPOCH - TICK * published_ago)).ring
    return Books(ring=ring, time=Books().now(Clocks())), shelf, ring
