"""The routes for who watches the service, closed over the container."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from journal_keys.adapters.prometheus.exposition import exposition
from journal_keys.container import Container
from journal_keys.domain.keys import Family
from journal_keys.domain.scopes import Scope
from journal_keys.entrypoints.health_looks import Look
from journal_keys.entrypoints.http.bodies import (
    AesStatus,
    HealthAnswer,
    PartStatus,
    or_problem,
    problems,
)
from journal_keys.entrypoints.http.doors import HEALTH, METRICS
from journal_keys.entrypoints.http.gate import caller_in
from journal_keys.entrypoints.http.probes import NOT_READY, READY
from journal_keys.entrypoints.http.strict_json import StrictRoute
from journal_keys.use_cases.check_health import Health, HealthStatus, PartHealth

_PROBLEMS = problems(
    {
        401: "an unknown token",
        403: "no direct caller of this machine, or without the scope",
        408: "body too slow",
        413: "body too large",
        421: "the Host header names another host",
        503: "the service has not started, or took too long",
    }
)
_WATCHED: dict[int | str, dict[str, Any]] = {**_PROBLEMS, 503: or_problem(HealthAnswer, _PROBLEMS[503])}
_FIGURES: dict[int | str, dict[str, Any]] = {
    **_PROBLEMS,
    **problems({422: "malformed"}),
    200: {"content": {"application/openmetrics-text": {"schema": {"type": "string"}}}},
}


_SILENT: Final = Health(
    rings={
        family: PartHealth(status=HealthStatus.UNHEALTHY, reason="nothing was found out in time") for family in Family
    },
    store=PartHealth(status=HealthStatus.UNHEALTHY, reason="nothing was found out in time"),
    at=None,
)


def build_router(
    container_now: Callable[[], Container],
    *,
    look: Callable[[], Awaitable[Look]],
    obstacles: Callable[[], tuple[str, ...]],
    metrics_folder: Path | None,
) -> APIRouter:
    """Give the routes. `container_now` gives the container that the lifespan opened.

    Health is what `look` gives; `obstacles` are in the way of this process's readiness. Where several processes serve,
    they keep their figures in `metrics_folder`.
    """
    router = APIRouter(route_class=StrictRoute)

    @router.get(HEALTH, response_model=HealthAnswer, responses=_WATCHED)
    async def health(request: Request) -> JSONResponse:
        is_detailed = Scope.READ in caller_in(request).scopes
        answer = _health_answer(await look(), obstacles() if is_detailed else None)
        code = 503 if answer.overall_status == HealthStatus.UNHEALTHY else 200
        return JSONResponse(answer.model_dump(mode="json", exclude_unset=True), status_code=code)

    @router.get(METRICS, response_class=PlainTextResponse, responses=_FIGURES)
    async def metrics(accept: Annotated[str | None, Header()] = None) -> Response:
        container_now().show_figures()()
        body, media_type = await asyncio.to_thread(exposition, accept, folder=metrics_folder)
        return Response(body, media_type=media_type)

    return router


def _health_answer(look: Look, obstacles: tuple[str, ...] | None) -> HealthAnswer:
    """Give the wire form; reasons and readiness are in it where the obstacles are handed in."""
    is_detailed = obstacles is not None
    found = look.health or _SILENT
    aes_ring = found.rings[Family.AES]
    answer = HealthAnswer(
        overall_status=found.overall,
        jwt_system=PartStatus(**_told(found.rings[Family.JWT], is_detailed=is_detailed)),
        aes_system=AesStatus(**_told(aes_ring, is_detailed=is_detailed), active_kid=aes_ring.active_kid),
        infisical_connection=PartStatus(**_told(found.store, is_detailed=is_detailed)),
        timestamp=look.at,
    )
    return answer if obstacles is None else answer.model_copy(update={"readiness": _readiness(obstacles)})


def _told(part: PartHealth, *, is_detailed: bool) -> dict[str, str]:
    """Give what is said of a part; what is not said is not set, and left out of the answer."""
    return {"status": part.status, **({"reason": part.reason} if is_detailed and part.reason else {})}


def _readiness(obstacles: tuple[str, ...]) -> PartStatus:
    return PartStatus(status=NOT_READY, reason="; ".join(obstacles)) if obstacles else PartStatus(status=READY)
