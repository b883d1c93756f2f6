"""Run the application on a socket of this machine."""

import errno
import ipaddress
import socket
import sys
from typing import Final

import uvicorn

from journal_keys.domain.errors import JournalKeysError
from journal_keys.entrypoints.http.app import create_app
from journal_keys.entrypoints.log_config import configure_logging
from journal_keys.entrypoints.settings import Settings, SettingsError

_STOP_WITHIN_S: Final = 4
_MOST_CONNECTIONS: Final = 512
_BACKLOG: Final = 256


class PortTakenError(JournalKeysError):
    """Another program listens on the port."""


class StartError(JournalKeysError):
    """The application did not start; the log says why."""


def serve(settings: Settings, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; port 0 lets the system choose.

    Raises:
        SettingsError: the host is not of this machine's loopback.
        PortTakenError: another program listens there.
        StartError: vault or ledger cannot be opened.
    """
    configure_logging(settings.journal_log_level)
    listener = _listen(host, port)
    shown_host = f"[{host}]" if ":" in host else host
    address = f"http://{shown_host}:{listener.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            http="httptools",
            loop="uvloop",
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=_STOP_WITHIN_S,
        )
    )
    sys.stdout.write(_invitation(address))
    sys.stdout.flush()
    server.run(sockets=[listener])
    if not server.started:
        raise StartError("the service did not start: see the log above, and 'journal-keys health'")


def _listen(host: str, port: int) -> socket.socket:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise SettingsError("--host is an address of this machine's loopback, like 127.0.0.1") from None
    if not address.is_loopback:
        raise SettingsError("--host is a loopback address: without an admin plane nobody else is served")
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET  # noqa: PLR2004 (IP versions)
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((str(address), port))
        listener.listen(_BACKLOG)
    except OSError as failure:
        listener.close()
        if failure.errno == errno.EADDRINUSE:
            raise PortTakenError(
                f"port {port} of {host} is taken: stop the other program, or choose another port with --port"
            ) from None
        raise SettingsError(f"port {port} of {host} cannot be listened on: {failure.strerror}") from None
    return listener


def _invitation(address: str) -> str:
    return f"""journal_keys serves on {address}

Try:
  curl {address}/api/v1/infisical/health
  curl -X POST {address}/api/v1/infisical/rotate -H "Content-Type: application/json" \\
    -d '{{"rotation_type": "both", "force": true}}'
  curl {address}/.well-known/jwks.json
"""
