"""A ledger that dies with its process."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from journal_keys.domain import audit_chain
from journal_keys.domain.audit_chain import EMPTY, AuditEntry, AuditHead
from journal_keys.domain.changes import (
    OF_NO_KEY,
    AuditFact,
    RingChange,
    RotationRecord,
    RotationStatus,
    Transition,
    clock_accepted,
)
from journal_keys.domain.fleet import Instance, laggards, reported
from journal_keys.domain.keyring import KeyRing, RingHead
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.ledger_clock import LedgerTime, accept, advance
from journal_keys.domain.ledger_copy import LedgerCopy, Refounding, RingsPutBack, go_on, rotations_beside
from journal_keys.domain.webhook_secrets import SecretsPage, WebhookSecret, secret_made, secret_used
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.clock import Clock
from journal_keys.ports.clock_keeper import ClockKeeper
from journal_keys.ports.fleet import Fleet
from journal_keys.ports.key_usage import KeyUsage
from journal_keys.ports.ledger import MOST_LAGGARDS, Ledger, LedgerPage, StaleGenerationError
from journal_keys.ports.ledger_archive import LedgerArchive, LedgerNotEmptyError, check_heads
from journal_keys.ports.replies import KEPT_FOR as REPLIES_KEPT_FOR
from journal_keys.ports.replies import Replies, Reply, check_same_request
from journal_keys.ports.webhook_inbox import KEPT_FOR, WebhookInbox
from journal_keys.ports.webhook_secrets import WebhookSecrets


class MemoryLedger(
    Ledger, AuditTrail, KeyUsage, ClockKeeper, Fleet, WebhookInbox, WebhookSecrets, Replies, LedgerArchive
):
    """Dictionaries. Nothing is awaited between compare and set, so each change is one step."""

    def __init__(self, clock: Clock, skew: timedelta) -> None:
        self._clock = clock
        self._skew = skew
        self._time: LedgerTime | None = None
        self._rings: dict[Family, KeyRing] = {}
        self._rotations: dict[tuple[str, Family], RotationRecord] = {}
        self._entries: list[AuditEntry] = []
        self._usage: dict[Kid, int] = {}
        self._instances: dict[str, Instance] = {}
        self._replies: dict[tuple[str, str], tuple[datetime, Reply]] = {}
        self._deliveries: dict[str, datetime] = {}
        self._webhook_secrets: dict[str, WebhookSecret] = {}

    async def heads(self) -> Mapping[Family, RingHead]:
        """Give the head of every ring."""
        return {family: ring.head for family, ring in self._rings.items()}

    async def read(self, family: Family) -> LedgerPage:
        """Give one ring, the time and what waits."""
        waiting = [
            record
            for record in self._rotations.values()
            if record.family is family and record.status is RotationStatus.WAITING
        ]
        waiting.sort(key=lambda record: (record.opened_at, record.request.rotation_id))
        now, ring = self._now().at, self._rings.get(family)
        behind = laggards(self._live(now), ring)[:MOST_LAGGARDS] if ring else ()
        return LedgerPage(now=now, ring=ring, waiting=tuple(waiting), behind=behind)

    async def rotations(self, rotation_id: str) -> Sequence[RotationRecord]:
        """Give every family's record of this id."""
        return [record for (known, _), record in sorted(self._rotations.items()) if known == rotation_id]

    async def settle(self, record: RotationRecord, fact: AuditFact) -> None:
        """Keep a result, unless there is one."""
        name = record.request.rotation_id, record.family
        known = self._rotations.get(name)
        if known is None or known.status is RotationStatus.WAITING:
            self._rotations[name] = record
            self._link(fact)

    async def commit(self, transition: Transition) -> RingChange:
        """Compare, set and audit."""
        time = self._now()
        change = transition(time.at)
        family = change.ring.family
        held = self._rings[family].generation if family in self._rings else 0
        if held != change.expected_generation:
            raise StaleGenerationError(
                f"ring {family} is at generation {held}, not {change.expected_generation}: nothing was changed"
            )
        self._time = time
        self._rings[family] = _by_publication(change.ring)
        self._rotations.update(_by_name(change.rotations))
        for fact in change.facts:
            self._link(fact)
        return change

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Give the entries behind `after`."""
        return self._entries[after : after + limit]

    async def head(self) -> AuditHead:
        """Give the last link."""
        return audit_chain.head_of(self._entries[-1]) if self._entries else EMPTY

    async def append(self, fact: AuditFact) -> AuditHead:
        """Record a fact that changes no ring."""
        self._link(fact)
        return await self.head()

    async def add(self, kid: Kid, encryptions: int) -> int:
        """Add to a kid's count."""
        self._usage[kid] = self._usage.get(kid, 0) + encryptions
        return self._usage[kid]

    async def total(self, kid: Kid) -> int:
        """Give the kid's count."""
        return self._usage.get(kid, 0)

    async def keep_clock(self) -> None:
        """Keep what the clock has counted."""
        self._time = self._now()

    async def accept_clock(self, *, actor: str, reason: str) -> AuditHead:
        """Go on from this host's clock, wherever it stands."""
        before = self._time
        self._time = accept(before, self._clock.read())
        self._link(clock_accepted(before, self._time, actor=actor, reason=reason))
        return await self.head()

    async def report(self, name: str, generations: Mapping[Family, int], *, expires_in: timedelta) -> None:
        """Keep the report."""
        now = self._now().at
        before = self._instances[name].held if name in self._instances else {}
        self._instances[name] = Instance(
            name=name,
            held=reported(before, generations, now),
            reported_at=now,
            expires_at=now + expires_in,
        )

    async def leave(self, name: str) -> None:
        """Forget the instance."""
        self._instances.pop(name, None)

    async def instances(self) -> Sequence[Instance]:
        """Give the live ones."""
        return sorted(self._live(self._now().at), key=lambda one: one.name)

    async def take(self, digest: str) -> bool:
        """Keep the digest, unless it is kept."""
        now = self._now().at
        self._deliveries = {kept: at for kept, at in self._deliveries.items() if at >= now - KEPT_FOR}
        is_new = digest not in self._deliveries
        self._deliveries.setdefault(digest, now)
        return is_new

    async def known_secrets(self) -> SecretsPage:
        """Give them in their order."""
        return SecretsPage(now=self._now().at, made=self._made_secrets())

    async def introduce(self, name: str, *, actor: str, reason: str) -> SecretsPage:
        """Keep the secret's name and moment."""
        self._time = self._now()
        made = (*self._made_secrets(), WebhookSecret(name=name, made_at=self._time.at))
        self._webhook_secrets[name] = made[-1]
        self._link(secret_made(made, actor=actor, reason=reason))
        return SecretsPage(now=self._time.at, made=made)

    async def confirm(self, name: str) -> None:
        """Keep the moment of the first use."""
        known = self._webhook_secrets.get(name)
        if known is not None and known.used_at is None:
            self._time = self._now()
            self._webhook_secrets[name] = replace(known, used_at=self._time.at)
            self._link(secret_used(name, self._time.at))

    async def begin(self, actor: str, key: str, digest: str) -> Reply | None:
        """Let the key stand for this request."""
        made_at, known = self._replies.get((actor, key), (None, None))
        if known is None or made_at is None or made_at < self._now().at - REPLIES_KEPT_FOR:
            self._replies[actor, key] = self._now().at, Reply(digest=digest, status=0, body="")
            return None
        check_same_request(known, digest)
        return known if known.status else None

    async def keep(self, actor: str, key: str, reply: Reply) -> Reply:
        """Keep it, unless one is kept."""
        known = await self.begin(actor, key, reply.digest)
        if known is None:
            self._replies[actor, key] = self._now().at, reply
        return known or reply

    async def copy(self) -> LedgerCopy:
        """Give all of it."""
        return LedgerCopy(
            time=self._time,
            rings=dict(self._rings),
            rotations=tuple(record for _, record in sorted(self._rotations.items(), key=lambda item: item[0])),
            usage=dict(self._usage),
            webhook_secrets=self._made_secrets(),
            entries=tuple(self._entries),
        )

    async def refound(
        self, copy: LedgerCopy, finish: Callable[[datetime], Refounding], *, accepts_clock: bool = False
    ) -> Refounding:
        """Take what the copy holds, the rings as they are finished."""
        before = tuple(entry.fact for entry in self._entries)
        if self._rings or any(fact.action not in OF_NO_KEY for fact in before):
            raise LedgerNotEmptyError
        time = go_on(copy.time, self._clock.read(), skew=self._skew, accepts_clock=accepts_clock)
        made = finish(time.at)
        made.check_whole(copy)
        self._time = time
        self._rings = {family: _by_publication(ring) for family, ring in made.rings.items()}
        self._rotations = _by_name(copy.rotations)
        self._usage = copy.usage_beside(self._usage)
        self._webhook_secrets = {secret.name: secret for secret in copy.webhook_secrets}
        self._instances = {}
        self._entries = list(copy.entries)
        for fact in (*made.facts, *before):
            self._link(fact)
        return made

    async def put_back(
        self, expected: Mapping[Family, RingHead | None], transition: Callable[[datetime], RingsPutBack]
    ) -> RingsPutBack:
        """Compare all, and set all."""
        check_heads({family: ring.head for family, ring in self._rings.items()}, expected)
        time = self._now()
        made = transition(time.at)
        made.check_named(expected)
        self._time = time
        for family, ring in made.rings.items():
            self._put_back(family, ring)
        for fact in made.facts:
            self._link(fact)
        return made

    def _put_back(self, family: Family, ring: KeyRing | None) -> None:
        left = [record for record in self._rotations.values() if record.family is not family]
        self._rings.pop(family, None)
        if ring is not None:
            left += rotations_beside(ring, self._rotations.values())
            self._rings[family] = _by_publication(ring)
        self._rotations = _by_name(left)

    def _made_secrets(self) -> tuple[WebhookSecret, ...]:
        return tuple(sorted(self._webhook_secrets.values(), key=lambda one: (one.made_at, one.name)))

    def _live(self, now: datetime) -> list[Instance]:
        return [one for one in self._instances.values() if one.expires_at > now]

    def _now(self) -> LedgerTime:
        return advance(self._time, self._clock.read(), skew=self._skew)

    def _link(self, fact: AuditFact) -> None:
        head = audit_chain.head_of(self._entries[-1]) if self._entries else EMPTY
        self._entries.append(audit_chain.link(head, fact))


def _by_publication(ring: KeyRing) -> KeyRing:
    return replace(ring, versions=tuple(sorted(ring.versions, key=lambda one: (one.published_at, one.kid))))


def _by_name(records: Iterable[RotationRecord]) -> dict[tuple[str, Family], RotationRecord]:
    return {(record.request.rotation_id, record.family): record for record in records}
