"""Every change of a ledger and a store, held to a reference ring as it comes."""

from dataclasses import dataclass, field, fields

from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain import audit_chain
from journal_keys.domain.audit_chain import EMPTY, AuditHead
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family
from journal_keys.domain.paths import family_folder, versions_folder
from tests.support.crash_rules import accepted_keys_have_their_material, projections_never_run_ahead, require
from tests.support.grounds import MemoryChronicle
from tests.support.reference_ring import ReferenceRing


@dataclass(slots=True)
class Tally:
    """What a whole run did."""

    steps: int = 0
    tokens: int = 0
    ciphertexts: int = 0
    faults: int = 0
    promoted: int = 0
    compromised: int = 0
    destroyed: int = 0

    def count(self, states: list[str]) -> None:
        """Count what keys became."""
        self.promoted += states.count("ACTIVE")
        self.compromised += states.count("COMPROMISED")
        self.destroyed += states.count("DESTROYED")

    def add(self, other: "Tally") -> None:
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))

    @property
    def story(self) -> str:
        """What else happened."""
        return (
            f"faults {self.faults:,}, promotions {self.promoted:,}, keys compromised {self.compromised:,},"
            f" keys destroyed {self.destroyed:,}"
        )

    def __str__(self) -> str:
        return f"steps {self.steps:,}, tokens {self.tokens:,} refused 0, ciphertexts {self.ciphertexts:,} unreadable 0"


@dataclass(slots=True)
class Watch:
    """Knows what was seen, so that nothing that was written once ever changes."""

    ledger: MemoryChronicle
    store: MemorySecretStore
    tally: Tally
    rings: dict[Family, ReferenceRing] = field(init=False)
    _shown: dict[Family, KeyRing] = field(default_factory=dict)
    _lines: dict[str, str] = field(default_factory=dict)
    _chain: AuditHead = EMPTY
    _seen: int = 0

    def __post_init__(self) -> None:
        self.rings = {family: ReferenceRing(signs=family is Family.JWT) for family in Family}

    async def look(self, now_s: float) -> None:
        """Judge what was committed and written since the last look."""
        moved = set()
        for ring in self.ledger.history[self._seen :]:
            moved |= self._judge(ring, now_s)
        self._seen = len(self.ledger.history)
        entries = await self.ledger.entries(after=self._chain.sequence)
        self._chain = audit_chain.verify(entries, after=self._chain)
        require(moved <= {entry.fact.kid for entry in entries}, "a key moved and the audit trail does not say so")
        for ring in self._shown.values():
            await self._judge_store(ring)

    def _judge(self, ring: KeyRing, now_s: float) -> set[str]:
        states: dict[str, str] = {version.kid: version.state.value for version in ring.versions}
        moved = self.rings[ring.family].saw(ring.generation, states, now_s)
        self.tally.count([states[kid] for kid in moved])
        for version in ring.versions:
            self._stays(version.kid, version.digest)
        self._shown[ring.family] = ring
        return moved

    async def _judge_store(self, ring: KeyRing) -> None:
        content = await self.store.read_folder(versions_folder(ring.family))
        for name, line in content.secrets.items():
            self._stays(f"{ring.family}/{name}", line.digest())
        accepted_keys_have_their_material(ring, content, frozenset())
        projections_never_run_ahead(ring, await self.store.read_folder(family_folder(ring.family)))

    def _stays(self, name: str, digest: str) -> None:
        require(self._lines.setdefault(name, digest) == digest, f"{name} changed its content")
