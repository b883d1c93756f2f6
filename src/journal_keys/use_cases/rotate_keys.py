"""Rotate a ring: promote the staged key once everybody can know it, then stage its successor."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from journal_keys.domain import rotation
from journal_keys.domain.changes import RotationRecord, RotationRequest, RotationStatus
from journal_keys.domain.errors import DomainError, MaterialCorruptError, PortError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyVersion
from journal_keys.domain.labels import method_label
from journal_keys.domain.outcomes import AlreadyRotated, NotDue, Rotated, RotationOutcome, Waiting
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.rotation import Cause, NotDueUntil, Promote, StageFirst, WaitUntil
from journal_keys.domain.windows import Windows
from journal_keys.ports.hint_bus import HintBus
from journal_keys.ports.ledger import Ledger, LedgerPage, LedgerUnavailableError, StaleGenerationError
from journal_keys.ports.meter import Meter
from journal_keys.ports.secret_store import SecretNotFoundError
from journal_keys.ports.tracer import Tracer, Work
from journal_keys.use_cases.project_ring import ProjectRing
from journal_keys.use_cases.read_material import ReadMaterial, checked_record
from journal_keys.use_cases.stage_successor import StageSuccessor

_MOST_TRIES = 8


class RingMissingError(DomainError):
    """The ledger has no such ring: `init` makes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateKeys:
    """Rotate one ring now if it is due (or forced) and the gate allows; otherwise leave a recorded intent."""

    ledger: Ledger
    read_material: ReadMaterial
    stage: StageSuccessor
    project: ProjectRing
    hints: HintBus
    meter: Meter
    tracer: Tracer
    policies: Mapping[Family, RotationPolicy]
    windows: Windows

    async def __call__(self, family: Family, request: RotationRequest) -> RotationOutcome:
        """Give the outcome; the same `rotation_id` gives the same result again.

        Raises:
            RotationConflictError: the id was used with other parameters.
            RingMissingError: there is no ring to rotate.
            PortError: store or ledger failed before anything was promoted. A failure after it is told in
                `Rotated.unfinished`, and `reconcile` finishes the rest.
        """
        facts = {"ring": family.value, "rotation_id": request.rotation_id, "method": method_label(request.actor)}
        with self.tracer.follow(Work.ROTATE, **facts) as trace:
            outcome = await self._rotate(family, request)
            trace.add(outcome=type(outcome).__name__, generation=outcome.generation)
            if isinstance(outcome, Rotated):
                trace.add(kid=outcome.new_kid, old_kid=outcome.old_kid, unfinished=outcome.unfinished)
        return outcome

    async def _rotate(self, family: Family, request: RotationRequest) -> RotationOutcome:
        outcome = await self._decide(family, request)
        if not isinstance(outcome, Rotated):
            return outcome
        try:
            await self._follow_up(family, request)
        except (PortError, MaterialCorruptError) as failure:
            return replace(outcome, unfinished=str(failure))
        return outcome

    async def _recorded(self, family: Family, request: RotationRequest) -> RotationRecord | None:
        mine = None
        for record in await self.ledger.rotations(request.rotation_id):
            record.check_same(request)
            mine = record if record.family is family else mine
        return mine

    async def _page(self, family: Family) -> tuple[LedgerPage, KeyRing]:
        page = await self.ledger.read(family)
        if page.ring is None:
            raise RingMissingError(f"the ledger has no {family} ring: run 'journal-keys init' first")
        return page, page.ring

    async def _decide(self, family: Family, request: RotationRequest) -> RotationOutcome:
        """Decide and act; where somebody else changed the ring meanwhile, look again.

        The record is asked for behind the page: what was settled before the page is found, and what is settled after
        it makes the commit stale.
        """
        page, seen = await self._page(family)
        ring = seen
        for _ in range(_MOST_TRIES):
            record = await self._recorded(family, request)
            if record is not None and record.status is RotationStatus.PROMOTED:
                return _result(record)
            if ring.active.kid != seen.active.kid:
                return await self._join(page, seen, ring, request)
            outcome = await self._tried(page, ring, request)
            if outcome is not None:
                return outcome
            page, ring = await self._page(family)
        raise StaleGenerationError(f"ring {family} changed {_MOST_TRIES} times while it was rotated: try again")

    async def _tried(self, page: LedgerPage, ring: KeyRing, request: RotationRequest) -> RotationOutcome | None:
        """Attempt it; None where the page is out of date, or where an answer was lost and the change was made."""
        try:
            return await self._attempt(page, ring, request)
        except StaleGenerationError:
            return None
        except LedgerUnavailableError:
            _, after = await self._page(ring.family)
            if after.generation == ring.generation:
                raise
            return None

    async def _join(self, page: LedgerPage, seen: KeyRing, ring: KeyRing, request: RotationRequest) -> AlreadyRotated:
        """Take the result of whoever was first, and keep it under this id as well."""
        cause = _cause(page, request)
        record = _record(page, ring.family, request).settled(old=seen.active.kid, new=ring.active.kid, ring=ring)
        await self.ledger.settle(record, cause.fact("rotation_joined", ring.active, rotation_id=request.rotation_id))
        return AlreadyRotated(
            family=ring.family, old_kid=seen.active.kid, new_kid=ring.active.kid, generation=ring.generation
        )

    async def _attempt(self, page: LedgerPage, ring: KeyRing, request: RotationRequest) -> RotationOutcome | None:
        """Do what is decided for this page; None where it is to be read again."""
        wanted = request.force or bool(page.waiting)
        policy = self.policies[ring.family]
        cause = _cause(page, request)
        behind = [one for one in page.behind if one.name not in request.ignored]
        match rotation.decide(ring, policy, self.windows, now=page.now, wanted=wanted, behind=behind):
            case NotDueUntil(due_at):
                return NotDue(family=ring.family, active_kid=ring.active.kid, generation=ring.generation, due_at=due_at)
            case StageFirst():
                await self.stage(ring, policy, cause)
                return None
            case WaitUntil() as wait:
                return await self._wait(page, ring, wait, request)
            case Promote(staged):
                return await self._promote(page, ring, request, staged)

    async def _wait(self, page: LedgerPage, ring: KeyRing, wait: WaitUntil, request: RotationRequest) -> Waiting:
        generation = ring.generation
        if not any(record.request.rotation_id == request.rotation_id for record in page.waiting):
            record, cause = _record(page, ring.family, request), _cause(page, request)
            change = await self.ledger.commit(lambda at: rotation.open_rotation(ring, record, cause.when(at)))
            generation = change.ring.generation
        return Waiting(
            family=ring.family,
            active_kid=ring.active.kid,
            staged_kid=wait.staged.kid,
            generation=generation,
            until=wait.until,
            because=wait.because,
        )

    async def _promote(self, page: LedgerPage, ring: KeyRing, request: RotationRequest, staged: KeyVersion) -> Rotated:
        await self._prove_staged(staged)
        records = {record.request.rotation_id: record for record in page.waiting}
        records.setdefault(request.rotation_id, _record(page, ring.family, request))
        cause = _cause(page, request)
        ignored = [one for one in page.behind if one.name in request.ignored]
        change = await self.ledger.commit(
            lambda at: rotation.promote(ring, cause.when(at), records.values(), ignored=ignored)
        )
        self.meter.rotated(ring.family, request.actor)
        return Rotated(
            family=ring.family,
            old_kid=ring.active.kid,
            new_kid=change.ring.active.kid,
            generation=change.ring.generation,
        )

    async def _prove_staged(self, staged: KeyVersion) -> None:
        content = await self.read_material(staged.family)
        if staged.kid not in content.secrets:
            raise SecretNotFoundError(
                f"the staged key {staged.kid} is gone from the store: run 'journal-keys reconcile'"
            )
        checked_record(content, staged)

    async def _follow_up(self, family: Family, request: RotationRequest) -> None:
        page, ring = await self._page(family)
        cause = _cause(page, request)
        await self.hints.publish(family, ring.generation)
        staged = await self.stage(ring, self.policies[family], cause)
        await self.project(staged)
        await self.hints.publish(family, staged.generation)


def _cause(page: LedgerPage, request: RotationRequest) -> Cause:
    return Cause(at=page.now, actor=request.actor, reason=request.reason)


def _record(page: LedgerPage, family: Family, request: RotationRequest) -> RotationRecord:
    return RotationRecord(request=request, family=family, status=RotationStatus.WAITING, opened_at=page.now)


def _result(record: RotationRecord) -> RotationOutcome:
    if record.old_kid is None or record.new_kid is None or record.generation is None:
        raise DomainError(f"rotation {record.request.rotation_id!r} is promoted without a result")
    return Rotated(family=record.family, old_kid=record.old_kid, new_kid=record.new_kid, generation=record.generation)
