"""The routes that change no ring, closed over the container."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from journal_keys.adapters.prometheus.exposition import exposition
from journal_keys.container import Container
from journal_keys.domain.errors import ViewStaleError
from journal_keys.domain.keys import Family
from journal_keys.entrypoints.http.bodies import (
    AesStatus,
    HealthAnswer,
    PartStatus,
    Problem,
    WebhookAnswer,
    problems,
)
from journal_keys.entrypoints.http.doors import HEALTH, JWKS, METRICS, WEBHOOK
from journal_keys.entrypoints.http.jwks import JwksRenderer
from journal_keys.entrypoints.http.strict_json import StrictRoute
from journal_keys.entrypoints.http.webhook import hear
from journal_keys.use_cases.check_health import Health, HealthStatus

_JWK_SET = "application/jwk-set+json"
_REFUSALS = problems(
    {
        400: "genuine, and says nothing about secrets",
        401: "not signed, not genuine, or not fresh",
        413: "body too large",
        503: "whether it is genuine could not be found out",
    }
)


def build_router(
    container_now: Callable[[], Container],
    *,
    health_timeout: timedelta,
    metrics_folder: Path | None,
    rotates_on_webhook: bool,
) -> APIRouter:
    """Give the routes. `container_now` gives the container that the lifespan opened.

    Where several processes serve, they keep their figures in `metrics_folder`.
    """
    router = APIRouter(route_class=StrictRoute)
    renderers: dict[timedelta, JwksRenderer] = {}

    @router.get(HEALTH, response_model=HealthAnswer, responses={503: {"model": HealthAnswer}})
    async def health() -> JSONResponse:
        answer = await _health(container_now(), health_timeout)
        code = 503 if answer.overall_status == HealthStatus.UNHEALTHY else 200
        return JSONResponse(answer.model_dump(mode="json"), status_code=code)

    @router.post(WEBHOOK, response_model=WebhookAnswer, responses=_REFUSALS)
    async def webhook(request: Request) -> JSONResponse:
        return await hear(container_now(), request, rotates=rotates_on_webhook)

    @router.get(JWKS, responses={304: {"description": "unchanged"}, 503: {"model": Problem}})
    async def jwks(if_none_match: Annotated[str | None, Header()] = None) -> Response:
        container = container_now()
        max_age = container.windows().jwks_max_age
        renderer = renderers.setdefault(max_age, JwksRenderer(max_age))
        return _jwks(container, renderer, if_none_match)

    @router.get(METRICS, response_class=PlainTextResponse, responses={503: {"model": Problem}})
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


def _jwks(container: Container, renderer: JwksRenderer, if_none_match: str | None) -> Response:
    view = container.board().signing
    windows = container.windows()
    bound_s = windows.view_ttl.total_seconds()
    if view is None or (age_s := container.clock().uptime_s() - view.confirmed_s) > bound_s:
        raise ViewStaleError(f"the jwt ring was not confirmed within {bound_s:g} s: no key set is served")
    document = renderer.render(view.ring)
    overdue = timedelta(seconds=age_s) - windows.poll
    headers = {"ETag": document.etag, "Cache-Control": renderer.cache_control(overdue)}
    if if_none_match is not None and _names(if_none_match, document.etag):
        return Response(status_code=304, headers=headers)
    return Response(document.body, media_type=_JWK_SET, headers=headers)


def _names(if_none_match: str, etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in tags or "*" in tags
