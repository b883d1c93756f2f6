"""The admin plane's routes. Who is let in where, is the gate's matter."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from journal_keys.container import Container
from journal_keys.domain.audit_chain import AuditEntry
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.errors import JournalKeysError, RotationConflictError
from journal_keys.domain.keys import Family, KeyVersion, parse_kid
from journal_keys.domain.outcomes import (
    AlreadyCompromised,
    Compromised,
    CompromiseOutcome,
    Reconciled,
    ReconcileOutcome,
)
from journal_keys.domain.paths import parse_pattern
from journal_keys.domain.scopes import Scope
from journal_keys.entrypoints.http.bodies import (
    AuditAnswer,
    CompromiseBody,
    Invalidated,
    KeyAnswer,
    Outcome,
    Outcomes,
    RotateAnswer,
    RotateBody,
    or_problem,
    overall_status,
    problems,
    result_of,
)
from journal_keys.entrypoints.http.doors import AUDIT, COMPROMISE, INVALIDATE, KEYS, RECONCILE, ROTATE
from journal_keys.entrypoints.http.gate import caller_in
from journal_keys.entrypoints.http.repeats import DOCUMENTED, once, rotation_id_of
from journal_keys.entrypoints.http.strict_json import StrictRoute
from journal_keys.entrypoints.rotations import compromise as take_out
from journal_keys.entrypoints.rotations import rotate_each, try_each
from journal_keys.ports.replies import IdempotencyConflictError

_PROBLEMS = problems(
    {
        400: "a kid, a path or an Idempotency-Key is malformed",
        401: "no token, or an unknown one",
        403: "no direct caller of this machine, or without the scope",
        404: "no such key, or the admin plane listens elsewhere",
        408: "body too slow",
        409: "it contradicts the state of a ring",
        413: "body too large",
        421: "the Host header names another host",
        422: "malformed",
        429: "too often",
        503: "ledger or store cannot be used",
    }
)
_ROTATED: dict[int | str, dict[str, Any]] = {
    **_PROBLEMS,
    202: {"model": RotateAnswer, "description": "a ring waits for its window"},
    503: or_problem(RotateAnswer, problems({503: "no ring could be rotated, or the ledger cannot be used"})[503]),
}
_TAKEN_OUT: dict[int | str, dict[str, Any]] = {**_PROBLEMS, **problems({202: "a write waits for its approval"})}
_RECONCILED: dict[int | str, dict[str, Any]] = {
    **_PROBLEMS,
    503: or_problem(dict[Family, Outcome], problems({503: "no ring could be looked at, or it took too long"})[503]),
}
_Pattern = Annotated[str, Query(json_schema_extra={"pattern": r"^(/\*|(/[A-Za-z_][A-Za-z0-9_-]{0,63}){1,8}(/\*)?)$"})]


def build_admin_router(container_now: Callable[[], Container]) -> APIRouter:
    """Give the routes that change rings and caches, or show what happened to them."""
    router = APIRouter(route_class=StrictRoute)

    @router.post(ROTATE, response_model=RotateAnswer, responses=_ROTATED, openapi_extra=DOCUMENTED)
    async def rotate(body: RotateBody, request: Request) -> JSONResponse:
        if body.force:
            caller_in(request).require(Scope.ROTATE_FORCE)
        return await once(request, container_now(), lambda: _rotate(container_now(), body, request))

    @router.post(COMPROMISE, response_model=Outcome, responses=_TAKEN_OUT, openapi_extra=DOCUMENTED)
    async def compromise(body: CompromiseBody, request: Request) -> JSONResponse:
        kid, actor = parse_kid(body.kid), caller_in(request).actor

        async def done() -> Outcome:
            return _compromised(await take_out(container_now(), kid, actor=actor, reason=body.reason))

        return await once(request, container_now(), done)

    @router.post(RECONCILE, response_model=dict[Family, Outcome], responses=_RECONCILED, openapi_extra=DOCUMENTED)
    async def reconcile(request: Request) -> JSONResponse:
        async def done() -> Outcomes:
            results = await try_each(container_now().reconcile())
            return Outcomes({family: _reconciled(result) for family, result in results.items()})

        return await once(request, container_now(), done)

    @router.post(INVALIDATE, response_model=Invalidated, responses=_PROBLEMS, openapi_extra=DOCUMENTED)
    async def invalidate(request: Request, pattern: _Pattern = "/*") -> JSONResponse:
        async def done() -> Invalidated:
            return Invalidated(invalidated=await container_now().invalidate_cache()(parse_pattern(pattern)))

        return await once(request, container_now(), done)

    _show(router, container_now)
    return router


def _show(router: APIRouter, container_now: Callable[[], Container]) -> None:
    @router.get(KEYS, responses=_PROBLEMS)
    async def keys() -> list[KeyAnswer]:
        pages = [await container_now().ledger().read(family) for family in Family]
        return [_key(version) for page in pages if page.ring for version in page.ring.versions]

    @router.get(AUDIT, responses=_PROBLEMS)
    async def audit(
        after: Annotated[int, Query(ge=0, le=2**53)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> list[AuditAnswer]:
        return _entries(await container_now().trail().entries(after=after, limit=limit))


async def _rotate(container: Container, body: RotateBody, http: Request) -> RotateAnswer:
    request = RotationRequest(
        rotation_id=rotation_id_of(http) or container.entropy().token(16).hex(),
        scope=body.rotation_type.value,
        force=body.force,
        reason=body.reason,
        actor=caller_in(http).actor,
    )
    submitted_at = container.clock().read().wall
    outcomes = await rotate_each(container, body.rotation_type.families, request)
    if any(isinstance(outcome, RotationConflictError) for outcome in outcomes.values()):
        raise IdempotencyConflictError("this key stands for a rotation with other parameters")
    results = {family: result_of(outcome) for family, outcome in outcomes.items()}
    return RotateAnswer(
        status=overall_status(results),
        rotation_type=body.rotation_type,
        force=body.force,
        submitted_at=submitted_at,
        results=results,
    )


def _compromised(outcome: CompromiseOutcome) -> Outcome:
    match outcome:
        case Compromised():
            return Outcome(
                outcome="compromised",
                ring=outcome.family,
                kid=outcome.kid,
                active_kid=outcome.active_kid,
                generation=outcome.generation,
                unfinished=outcome.unfinished,
            )
        case AlreadyCompromised():
            return Outcome(outcome="already_compromised", ring=outcome.family, kid=outcome.kid, since=outcome.since)


def _reconciled(outcome: ReconcileOutcome | JournalKeysError) -> Outcome:
    if isinstance(outcome, JournalKeysError):
        return Outcome(outcome="failed", unfinished=str(outcome))
    if isinstance(outcome, Reconciled):
        return Outcome(outcome="reconciled", repairs=outcome.repairs)
    return Outcome(outcome="not_initialised")


def _key(version: KeyVersion) -> KeyAnswer:
    return KeyAnswer(
        ring=version.family,
        kid=version.kid,
        algorithm=version.algorithm.value,
        state=version.state.value,
        published_at=version.published_at,
        since=version.since,
    )


def _entries(entries: Sequence[AuditEntry]) -> list[AuditAnswer]:
    return [
        AuditAnswer(
            sequence=entry.sequence,
            at=entry.fact.at,
            actor=entry.fact.actor,
            action=entry.fact.action,
            ring=entry.fact.family,
            kid=entry.fact.kid,
            reason=entry.fact.reason,
            detail=dict(entry.fact.detail),
            hash=entry.hash,
        )
        for entry in entries
    ]
