"""What the status page is made of, from a world in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from journal_keys.adapters.prometheus.counts import Counts
from journal_keys.domain.audit_chain import AuditHead
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Algorithm, Family, KeyState, KeyVersion, Kid
from journal_keys.domain.status import AuditStatus, StatusReport
from journal_keys.entrypoints.status.figures import Figures
from journal_keys.entrypoints.status.page import Page, page_of
from journal_keys.entrypoints.status.sight import Known, Process, Service, Sight
from journal_keys.ports.view_board import CipherView, SigningView
from journal_keys.use_cases.check_health import Health
from tests.support.world import START, WINDOWS, World

NOTHING = Counts(fetches={}, failures={}, webhooks={}, redis={}, old_formats={}, held=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """All that a process which serves sees at one moment."""

    at: datetime
    report: StatusReport | None
    failure: str
    known: Mapping[Family, Known | None]
    health: Health | None
    audit: AuditStatus
    counts: Counts
    reports: bool

    @property
    def now(self) -> datetime:
        """The ledger's time, where it answers."""
        return self.sight.now

    @property
    def sight(self) -> Sight:
        """What the answers are made of."""
        return Sight(
            at=self.at,
            report=self.report,
            audit=self.audit,
            reports=self.reports,
            failure=self.failure,
            health=self.health,
            process=Process(instance="one", known=self.known, windows=WINDOWS),
            service=Service(name="this service", held=self.counts.held),
        )

    @property
    def page(self) -> Page:
        """What is shown of it."""
        return page_of(self.sight, Figures(of="this service", counts=self.counts))


def key(name: str, state: KeyState = KeyState.ACTIVE, *, published_at: datetime = START) -> KeyVersion:
    """A signing key that was in use from its publication, and for a day where it is no longer."""
    after = published_at + timedelta(days=1)
    return KeyVersion(
        kid=Kid(name),
        family=Family.JWT,
        algorithm=Algorithm.EDDSA,
        digest="0" * 64,
        public_jwk=None,
        state=state,
        created_at=published_at,
        published_at=published_at,
        activated_at=None if state is KeyState.PRE_ACTIVATION else published_at,
        deactivated_at=after if state in {KeyState.DEACTIVATED, KeyState.DESTROYED} else None,
        compromised_at=after if state is KeyState.COMPROMISED else None,
        destroyed_at=after + timedelta(days=1) if state is KeyState.DESTROYED else None,
    )


def ring_of(*versions: KeyVersion) -> KeyRing:
    """A ring of these."""
    return KeyRing(family=Family.JWT, generation=1, changed_at=START, versions=versions)


async def look_at(world: World) -> Look:
    """What a process with fresh views sees, once it has followed the chain."""
    await world.refresh()
    audit = await world.watch_audit()
    report = await world.describe()
    return Look(
        at=world.clock.read().wall,
        report=report,
        failure="",
        known={Family.JWT: _known(world.board.signing), Family.AES: _known(world.board.cipher)},
        health=await world.health(),
        audit=audit,
        counts=NOTHING,
        reports=False,
    )


def without_ledger(look: Look, failure: str = "the ledger does not answer", *, age: timedelta | None = None) -> Look:
    """The same, after the ledger went away."""
    aged = {
        family: replace(known, age=known.age if age is None else age) if known else None
        for family, known in look.known.items()
    }
    return replace(look, report=None, failure=failure, known=aged)


def with_audit(look: Look, *, broken: str = "", whole_at: datetime | None = None, sequence: int = 3) -> Look:
    """The same, with this known of the audit trail."""
    status = AuditStatus(head=AuditHead(sequence=sequence, hash="0" * 64), whole_at=whole_at, broken=broken)
    return replace(look, audit=status)


def _known(view: SigningView | CipherView | None) -> Known | None:
    if view is None:
        return None
    return Known(
        ring=view.ring,
        confirmed_at=view.confirmed_at,
        age=timedelta(0),
        is_restored=view.is_restored,
        has_material=True,
    )
