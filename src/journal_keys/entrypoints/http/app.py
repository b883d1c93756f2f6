"""The FastAPI application."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from journal_keys.adapters.prometheus.meter import process_meter
from journal_keys.container import Container
from journal_keys.domain.errors import JournalKeysError, ViewStaleError
from journal_keys.entrypoints.background import Background
from journal_keys.entrypoints.http.admin import build_admin_router
from journal_keys.entrypoints.http.bodies import CompromiseBody, RotateBody
from journal_keys.entrypoints.http.body_limit import TOO_LARGE, BodyLimit
from journal_keys.entrypoints.http.cut_short import CutShort
from journal_keys.entrypoints.http.gate import Gate
from journal_keys.entrypoints.http.problems import problem, status_of
from journal_keys.entrypoints.http.router import build_router
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from journal_keys.entrypoints.webhook_settings import WebhookRotation

_MOST_BODY_BYTES = 16 * 1024
_UNPROCESSABLE = 422
_NAMES = frozenset({*RotateBody.model_fields, *CompromiseBody.model_fields, "after", "limit", "pattern"})
_UNREADABLE = "the request cannot be read"
_DETAILS = {404: "no such thing is served here", 405: "this is not served by that method"}


def create_app(settings: Settings | None = None) -> FastAPI:
    """Give the application over what these settings (by default the environment's) name.

    Its lifespan opens vault and ledger, and runs refresher, scheduler and reconciler.

    Raises:
        SettingsError: a variable is malformed.
    """
    chosen = settings or Settings.from_environment()
    opened: list[Container] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with (
            open_container(chosen, meter=process_meter()) as container,
            Background(
                container=container,
                poll=chosen.poll,
                reconcile_interval=chosen.reconcile_interval,
                reports=chosen.reports_instance,
            ),
        ):
            opened.append(container)
            try:
                yield
            finally:
                opened.clear()

    def container_now() -> Container:
        if not opened:
            raise ViewStaleError("the service has not started yet, or is stopping")
        return opened[0]

    app = FastAPI(
        title="journal_keys",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        telemetry={"auto_configure": False},
    )
    timeout = timedelta(seconds=chosen.journal_infisical_health_timeout)
    app.include_router(
        build_router(
            container_now,
            health_timeout=timeout,
            metrics_folder=chosen.prometheus_multiproc_dir,
            rotates_on_webhook=chosen.journal_infisical_webhook_rotation is WebhookRotation.WHEN_DUE,
        )
    )
    app.include_router(build_admin_router(container_now))
    _handle_errors(app)
    app.add_middleware(BodyLimit, most=_MOST_BODY_BYTES)
    app.add_middleware(
        Gate, container_now=container_now, is_embedded=chosen.is_embedded, admin_place=chosen.admin_place()
    )
    app.middleware("http")(_secured)
    app.add_middleware(CutShort)
    return app


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(JournalKeysError)
    async def ours(_request: Request, failure: JournalKeysError) -> Response:
        return problem(status_of(type(failure)), str(failure))

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, failure: RequestValidationError) -> Response:
        errors = [_told(error) for error in failure.errors()]
        return problem(_UNPROCESSABLE, "the request is malformed", extra={"errors": errors})

    @app.exception_handler(HTTPException)
    async def plain(_request: Request, failure: HTTPException) -> Response:
        detail = failure.detail if failure.status_code == TOO_LARGE else _DETAILS.get(failure.status_code, _UNREADABLE)
        answer = problem(failure.status_code, detail)
        answer.headers.update(failure.headers or {})
        return answer

    @app.exception_handler(Exception)
    async def unexpected(_request: Request, _failure: Exception) -> Response:
        return problem(500, "an unexpected error; the log names it")


def _told(error: Mapping[str, Any]) -> dict[str, str]:
    """Say where, what kind of error, and what was expected; of what the caller sent only our own names are repeated."""
    where = next((str(part) for part in error["loc"] if part in _NAMES), "body")
    said = error["ctx"]["error"] if error["type"] in {"json_invalid", "value_error"} else error["msg"]
    return {"where": where, "what": error["type"], "expected": str(said)}


async def _secured(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
