"""The status page's route. Who is let in, is the gate's matter."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from journal_keys.container import Container
from journal_keys.entrypoints.http.bodies import problems
from journal_keys.entrypoints.http.doors import STATUS
from journal_keys.entrypoints.http.status_page.look import HealthNow, look
from journal_keys.entrypoints.http.status_page.rendering import content_security_policy, html
from journal_keys.entrypoints.http.strict_json import StrictRoute
from journal_keys.entrypoints.status.page import page_of

_PAGE: Final = {"text/html": {"schema": {"type": "string"}}}
_DOCUMENTED: dict[int | str, dict[str, Any]] = problems(
    {
        401: "no token, or an unknown one",
        403: "no direct caller of this machine, or without the scope",
        404: "the admin plane listens elsewhere",
        408: "body too slow",
        413: "body too large",
        421: "the Host header names another host",
        429: "too often",
        503: "the ledger cannot be read: the page says what this process knows; or the service has not started",
    }
)
_DOCUMENTED[503]["content"] |= _PAGE


def build_status_router(
    container_now: Callable[[], Container],
    *,
    health: HealthNow,
    timeout: timedelta,
    metrics_folder: Path | None,
    reports: bool,
) -> APIRouter:
    """Give the route.

    The ledger is waited for as long as `timeout`; `reports` is whether instances say what they hold.
    """
    router = APIRouter(route_class=StrictRoute)

    @router.get(STATUS, response_class=HTMLResponse, responses=_DOCUMENTED)
    async def status() -> HTMLResponse:
        container = container_now()
        sight, figures = await look(container, health, timeout=timeout, folder=metrics_folder, reports=reports)
        headers = {"Content-Security-Policy": content_security_policy()}
        written = html(page_of(sight, figures), seen_by=container.instance_name())
        return HTMLResponse(written, status_code=200 if sight.report else 503, headers=headers)

    return router
