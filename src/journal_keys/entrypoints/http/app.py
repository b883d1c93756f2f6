"""The FastAPI application."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from journal_keys.adapters.prometheus.meter import process_meter
from journal_keys.container import Container
from journal_keys.domain.errors import JournalKeysError, ViewStaleError
from journal_keys.entrypoints.background import Background
from journal_keys.entrypoints.health_looks import HealthLooks, Look
from journal_keys.entrypoints.http import discovery, jwks, probes, webhook
from journal_keys.entrypoints.http.admin import build_admin_router
from journal_keys.entrypoints.http.answering import Answering
from journal_keys.entrypoints.http.bodies import PROBLEM_SCHEMAS, CompromiseBody, RotateBody
from journal_keys.entrypoints.http.bounds import Bounds
from journal_keys.entrypoints.http.discovery import Discovery
from journal_keys.entrypoints.http.doors import DISCOVERY, JWKS, LIVE, READY, WEBHOOK
from journal_keys.entrypoints.http.gate import Gate
from journal_keys.entrypoints.http.jwks import KeySet
from journal_keys.entrypoints.http.loopback import is_own_host
from journal_keys.entrypoints.http.problems import problem, problem_of
from journal_keys.entrypoints.http.router import build_router
from journal_keys.entrypoints.http.status_page.route import build_status_router
from journal_keys.entrypoints.http.webhook import Webhooks
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from journal_keys.entrypoints.traces import application_tracer, service_tracer
from journal_keys.entrypoints.webhook_settings import WebhookRotation

_UNPROCESSABLE = 422
_NAMES = frozenset({*RotateBody.model_fields, *CompromiseBody.model_fields, "after", "limit", "pattern"})
_UNREADABLE = "the request cannot be read"
_CLOSED = "the service has not started yet, or is stopping"
_DETAILS = {404: "no such thing is served here", 405: "this is not served by that method"}


_DOCUMENTED = {
    ("GET", JWKS): jwks.DOCUMENTED,
    ("GET", DISCOVERY): discovery.DOCUMENTED,
    ("POST", WEBHOOK): webhook.DOCUMENTED,
    ("GET", LIVE): probes.LIVE_DOCUMENTED,
    ("GET", READY): probes.READY_DOCUMENTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """What the lifespan opened."""

    container: Container
    background: Background
    looks: HealthLooks

    def obstacles(self) -> tuple[str, ...]:
        """What is in the way of this process's readiness."""
        return (*self.container.check_readiness()(), *self.background.ended())


class Service(FastAPI):
    """A FastAPI application behind the gate: what is not let in, and what everybody asks for, costs no framework."""

    _front: ASGIApp

    def __init__(self, container_now: Callable[[], Container], **named: Any) -> None:  # noqa: ANN401 (FastAPI's own)
        super().__init__(**named)
        self.container_now = container_now

    def put_behind(self, gate: ASGIApp) -> None:
        """Have every request go through the gate, and answered."""
        self._front = Answering(gate)

    def openapi(self) -> dict[str, Any]:
        """Give the OpenAPI document, with what its Problem Details look like."""
        document = super().openapi()
        document["components"]["schemas"] |= PROBLEM_SCHEMAS
        return document

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request; starting and stopping are the framework's matter."""
        await (self.by_framework if scope["type"] == "lifespan" else self._front)(scope, receive, send)

    async def by_framework(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request that was let in."""
        await super().__call__(scope, receive, send)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Give the application over what these settings (by default the environment's) name.

    Its lifespan opens vault and ledger, and runs refresher, scheduler and reconciler.

    Raises:
        SettingsError: a variable is malformed.
    """
    return create_service(settings or Settings.from_environment())


def create_service(chosen: Settings, *, is_installed: bool = False) -> Service:
    """As `create_app`; or to be installed in an application, which knows its hosts, and which may be behind a proxy."""
    opened: list[_Opened] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with nullcontext(application_tracer()) if is_installed else service_tracer(chosen) as tracer:
            async with (
                open_container(chosen, meter=process_meter(), tracer=tracer) as container,
                Background(
                    container=container,
                    poll=chosen.poll,
                    reconcile_interval=chosen.reconcile_interval,
                    reports=chosen.reports_instance,
                ) as background,
                HealthLooks(
                    container=container, within=chosen.health_timeout, counts_for=chosen.health_counts_for
                ) as looks,
            ):
                opened.append(_Opened(container=container, background=background, looks=looks))
                try:
                    yield
                finally:
                    opened.clear()

    def now() -> _Opened:
        if not opened:
            raise ViewStaleError(_CLOSED)
        return opened[0]

    def container_now() -> Container:
        return now().container

    def obstacles() -> tuple[str, ...]:
        return opened[0].obstacles() if opened else (_CLOSED,)

    async def look() -> Look:
        return await now().looks()

    app = Service(
        container_now,
        title="journal_keys",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        telemetry={"auto_configure": False},
    )
    rotates = chosen.journal_infisical_webhook_rotation is WebhookRotation.WHEN_DUE
    hosts = chosen.http_hosts()
    by_default = _any_host if is_installed else is_own_host
    public: dict[tuple[str, str], ASGIApp] = {
        ("GET", JWKS): KeySet(container_now),
        ("GET", DISCOVERY): Discovery(container_now, chosen.discovery_issuer()),
        ("POST", WEBHOOK): Bounds(Webhooks(container_now, rotates=rotates), chosen.http_timeout),
        ("GET", LIVE): probes.Alive(),
        ("GET", READY): probes.Ready(obstacles),
    }
    for (method, path), documented in _DOCUMENTED.items():
        app.add_api_route(path, _behind_the_gate, methods=[method], **documented)
    app.include_router(
        build_router(container_now, look=look, obstacles=obstacles, metrics_folder=chosen.prometheus_multiproc_dir)
    )
    app.include_router(build_admin_router(container_now))
    app.include_router(
        build_status_router(
            container_now,
            health=look,
            timeout=chosen.health_timeout,
            metrics_folder=chosen.prometheus_multiproc_dir,
            reports=chosen.reports_instance,
        )
    )
    _handle_errors(app)
    app.put_behind(
        Gate(
            Bounds(app.by_framework, chosen.http_timeout),
            public,
            container_now,
            is_embedded=chosen.is_embedded and not is_installed,
            admin_place=chosen.admin_place(),
            is_served=by_default if hosts is None else hosts.__contains__,
        )
    )
    return app


async def _behind_the_gate() -> None:
    """Stand in the document for what the gate leads to itself."""


def _any_host(_host: str) -> bool:
    return True


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(JournalKeysError)
    async def ours(_request: Request, failure: JournalKeysError) -> Response:
        return problem_of(failure)

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, failure: RequestValidationError) -> Response:
        errors = [_told(error) for error in failure.errors()]
        return problem(_UNPROCESSABLE, "the request is malformed", extra={"errors": errors})

    @app.exception_handler(HTTPException)
    async def plain(_request: Request, failure: HTTPException) -> Response:
        answer = problem(failure.status_code, _DETAILS.get(failure.status_code, _UNREADABLE))
        answer.headers.update(failure.headers or {})
        return answer


def _told(error: Mapping[str, Any]) -> dict[str, str]:
    """Say where, what kind of error, and what was expected; of what the caller sent only our own names are repeated."""
    where = next((str(part) for part in error["loc"] if part in _NAMES), "body")
    said = error["ctx"]["error"] if error["type"] in {"json_invalid", "value_error"} else error["msg"]
    return {"where": where, "what": error["type"], "expected": str(said)}
