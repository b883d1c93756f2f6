"""Run the application on a socket of this machine."""

import json as json_text
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Final

import uvicorn
from fastapi import FastAPI

from journal_keys import events
from journal_keys.domain.errors import InvalidNameError, JournalKeysError, PortError
from journal_keys.entrypoints.admin_tokens import first_token
from journal_keys.entrypoints.background import load_views
from journal_keys.entrypoints.ending import run_to_end
from journal_keys.entrypoints.http.app import create_app
from journal_keys.entrypoints.http.listening import admin_listener, listen
from journal_keys.entrypoints.http.protocol import BoundedProtocol
from journal_keys.entrypoints.http.workers import CREATE_WORKER, Supervisor, figures_folder
from journal_keys.entrypoints.lifeline import last_call
from journal_keys.entrypoints.log_config import log_service
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from journal_keys.entrypoints.traces import check_traces

_FINISH_WITHIN_S: Final = 2
"""How long requests may take that are under way when the service is to stop (`lifeline.STOPS_WITHIN_S`)."""

_STARTS_WITHIN_S: Final = 20
"""How long a new worker may take until it serves; on a busy machine 5 s are too short."""
MOST_CONNECTIONS: Final = 512


class StartError(JournalKeysError):
    """The application did not start though vault and ledger could be opened; the log says why."""


class _Server(uvicorn.Server):
    """Tells `announce` once the application has started; is killed where it does not stop in time."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        with last_call():
            await super().shutdown(sockets)


def serve(settings: Settings, host: str, port: int, *, workers: int | None, json: bool) -> None:
    """Serve until SIGTERM or SIGINT, and say where once that holds; port 0 lets the system choose.

    Where the number of `workers` is not said, the settings say it. Several are processes of their own on one socket:
    one that ends is replaced, and all end with this one, however it ends.

    Raises:
        SettingsError: the host is not of this machine's loopback, or the admin plane's place cannot be listened on, or
            the log file cannot be opened, or what traces need is not installed.
        PortTakenError: another program listens on one of the two.
        PolicyError, PortError, MaterialCorruptError: vault or ledger cannot be used.
        StartError: the application did not start all the same.
        WorkersLostError: of several workers none is left, and none can be started.
    """
    log_service(settings)
    check_traces(settings)
    with listen(host, port) as listener, admin_listener(settings.admin_place()) as more:
        run_to_end(_check(settings))
        shown_host = f"[{host}]" if ":" in host else host
        address = f"http://{shown_host}:{listener.getsockname()[1]}"
        announce = partial(_announce, address, settings, json=json)
        number = workers or settings.workers
        try:
            if number == 1:
                _Server(_config(create_app(settings)), announce).run([listener, *more])
            else:
                with figures_folder() as folder:
                    Supervisor(
                        _config(CREATE_WORKER, workers=number, factory=True), [listener, *more], announce, folder
                    ).run()
        except SystemExit:  # how uvicorn says that the application did not start
            raise StartError("the service did not start: see the log above, and 'journal-keys health'") from None


async def _check(settings: Settings) -> None:
    """Open and load once, so that what is wrong is told by its own error and not by the server's traceback."""
    async with open_container(settings) as container:
        await load_views(container)


def _config(app: FastAPI | str, *, workers: int = 1, factory: bool = False) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        workers=workers,
        factory=factory,
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        http=BoundedProtocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=_FINISH_WITHIN_S,
        timeout_worker_healthcheck=_STARTS_WITHIN_S,
    )


def _admin_token(settings: Settings) -> str | None:
    """Make the first token where there is none, and tell who has to see to it where nobody is let in."""
    try:
        token = first_token(settings)
    except (PortError, InvalidNameError) as failure:
        events.NO_ADMIN_TOKEN.tell(error=failure)
        return None
    if not settings.is_embedded and settings.admin_tokens_file is None:
        events.ADMIN_PLANE_OFF.tell(because="JOURNAL_ADMIN_TOKENS_FILE names no file with tokens")
    return token


def _announce(address: str, settings: Settings, *, json: bool) -> None:
    token = _admin_token(settings)
    events.SERVICE_STARTED.tell(address=address)
    if json:
        told = {"serves_on": address, **({} if token is None else {"admin_token": token})}
        sys.stdout.write(json_text.dumps(told) + "\n")
    else:
        sys.stdout.write(_invitation(address) + ("" if token is None else _once(token)))
    sys.stdout.flush()


def _once(token: str) -> str:
    return f"""
The first token of the admin plane, with every scope. It is not shown again; 'journal-keys admin-token' makes others:
  {token}
"""


def _invitation(address: str) -> str:
    return f"""journal_keys serves on {address}

Try:
  curl {address}/api/v1/infisical/health
  curl -X POST {address}/api/v1/infisical/rotate -H "Content-Type: application/json" \\
    -d '{{"rotation_type": "both", "force": true}}'
  curl {address}/.well-known/jwks.json
"""
