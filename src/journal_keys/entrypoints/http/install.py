"""Keys in an application of one's own: one call where it is made."""

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from journal_keys.domain.errors import KeyUnavailableError
from journal_keys.entrypoints.http.app import Service, create_service
from journal_keys.entrypoints.http.dependencies import KEYS_IN_SCOPE, InstalledKeys
from journal_keys.entrypoints.http.doors import DISCOVERY, METRICS, OPENAPI, PATHS, STATUS
from journal_keys.entrypoints.http.problems import problem_of
from journal_keys.entrypoints.settings import Settings

STATE: Final = "journal_keys"
OWN: Final = frozenset({METRICS, OPENAPI, STATUS})
"""Names that any application may have for itself; our figures are in `prometheus_client.REGISTRY`."""


def install(app: FastAPI, settings: Settings | None = None) -> None:
    """Give an application its keys: while it runs, views are fresh, and what is due is rotated.

    Its routes may ask for `PrincipalDep`, `SignerDep`, `SigningKeyDep` and `TokenCipherDep`. On their paths it serves
    the key set, the webhook, health and the admin plane, each as the service does, behind the same gate; which hosts it
    is called by is its own matter, unless JOURNAL_HTTP_HOSTS says so. That no key can be had is answered 503.

    Raises:
        SettingsError: a variable is malformed.
        RuntimeError: the application has keys already, or has started.
    """
    if hasattr(app.state, STATE):
        raise RuntimeError("this application has its keys already")
    chosen = settings or Settings.from_environment()
    service = create_service(chosen, is_installed=True)
    keys = InstalledKeys(service.container_now)
    served = PATHS - OWN if chosen.discovery_issuer() else PATHS - OWN - {DISCOVERY}
    app.add_middleware(_Beside, service=service, keys=keys, served=served)
    app.add_exception_handler(KeyUnavailableError, _unavailable)
    setattr(app.state, STATE, keys)
    own_life = app.router.lifespan_context

    @asynccontextmanager
    async def life(started: FastAPI) -> AsyncIterator[Mapping[str, Any]]:
        async with service.router.lifespan_context(service), aclosing(keys), own_life(started) as state:
            yield state or {}

    app.router.lifespan_context = life


class _Beside:
    """ASGI middleware that has the service answer on its paths, and the application on all others."""

    def __init__(self, app: ASGIApp, service: Service, keys: InstalledKeys, served: frozenset[str]) -> None:
        self._app = app
        self._service = service
        self._keys = keys
        self._served = served

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to whose it is."""
        scope[KEYS_IN_SCOPE] = self._keys
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] == "http" and path in self._served:
            await self._service({**scope, "path": path, "root_path": ""}, receive, send)
        else:
            await self._app(scope, receive, send)


async def _unavailable(_request: Request, failure: Exception) -> Response:
    if not isinstance(failure, KeyUnavailableError):
        raise failure
    return problem_of(failure)
