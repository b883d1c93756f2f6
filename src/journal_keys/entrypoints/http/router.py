"""The routes for who watches the service, closed over the container."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from journal_keys.adapters.prometheus.exposition import exposition
from journal_keys.container import Container
from journal_keys.domain.keys import Family
from journal_keys.entrypoints.http.bodies import (
    AesStatus,
    HealthAnswer,
    PartStatus,
    or_problem,
    problems,
)
from journal_keys.entrypoints.http.doors import HEALTH, METRICS
from journal_keys.entrypoints.http.strict_json import StrictRoute
from journal_keys.use_cases.check_health import Health, HealthStatus

_PROBLEMS = problems(
    {
        401: "an unknown token",
        403: "no direct caller of this machine, or without the scope",
        408: "body too slow",
        413: "body too large",
        421: "the Host header names another host",
        429: "too often, by callers whom nobody knows",
        503: "the service has not started, or took too long",
    }
)
_WATCHED: dict[int | str, dict[str, Any]] = {**_PROBLEMS, 503: or_problem(HealthAnswer, _PROBLEMS[503])}
_FIGURES: dict[int | str, dict[str, Any]] = {
    **_PROBLEMS,
    **problems({422: "malformed"}),
    200: {"content": {"application/openmetrics-text": {"schema": {"type": "string"}}}},
}


def build_router(
    container_now: Callable[[], Container],
    *,
    health_timeout: timedelta,
    metrics_folder: Path | None,
) -> APIRouter:
    """Give the routes. `container_now` gives the container that the lifespan opened.

    Where several processes serve, they keep their figures in `metrics_folder`.
    """
    router = APIRouter(route_class=StrictRoute)

    @router.get(HEALTH, response_model=HealthAnswer, responses=_WATCHED)
    async def health() -> JSONResponse:
        answer = await _health(container_now(), health_timeout)
        code = 503 if answer.overall_status == HealthStatus.UNHEALTHY else 200
        return JSONResponse(answer.model_dump(mode="json"), status_code=code)

    @router.get(METRICS, response_class=PlainTextResponse, responses=_FIGURES)
    async def metrics(accept: Annotated[str | None, Header()] = None) -> Response:
        container_now().show_figures()()
        body, media_type = await asyncio.to_thread(exposition, accept, folder=metrics_folder)
        return Response(body, media_type=media_type)

    return router


async def _health(container: Container, timeout: timedelta) -> HealthAnswer:
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            found = await container.check_health()()
    except TimeoutError:
        found = None
    return _health_answer(container, found)


def _health_answer(container: Container, found: Health | None) -> HealthAnswer:
    now = found.at if found and found.at else container.clock().read().wall
    if found is None:
        down = PartStatus(status=HealthStatus.UNHEALTHY)
        aes = AesStatus(status=HealthStatus.UNHEALTHY, active_kid=None)
        return HealthAnswer(
            overall_status=down.status, jwt_system=down, aes_system=aes, infisical_connection=down, timestamp=now
        )
    jwt, aes_ring = found.rings[Family.JWT], found.rings[Family.AES]
    return HealthAnswer(
        overall_status=found.overall,
        jwt_system=PartStatus(status=jwt.status),
        aes_system=AesStatus(status=aes_ring.status, active_kid=aes_ring.active_kid),
        infisical_connection=PartStatus(status=found.store.status),
        timestamp=now,
    )
