"""The sockets that a service listens on: addresses of this machine, and a Unix socket for its owner."""

import errno
import ipaddress
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from journal_keys.domain.errors import JournalKeysError
from journal_keys.entrypoints.admin_settings import AdminPlace
from journal_keys.entrypoints.settings import SettingsError


class PortTakenError(JournalKeysError):
    """Another program listens on the port, or on the socket."""


def listen(host: str, port: int) -> socket.socket:
    """Give a socket on an address of this machine; port 0 lets the system choose.

    Raises:
        SettingsError: the host is not of this machine's loopback.
        PortTakenError: another program listens there.
    """
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise SettingsError("--host is an address of this machine's loopback, like 127.0.0.1") from None
    if not address.is_loopback:
        raise SettingsError(
            "--host is a loopback address: others come through a proxy on this machine, which has the certificate"
        )
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET  # noqa: PLR2004 (IP versions)
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((str(address), port))
        listener.listen()
    except OSError as failure:
        listener.close()
        if failure.errno == errno.EADDRINUSE:
            raise PortTakenError(
                f"port {port} of {host} is taken: stop the other program, or choose another port"
            ) from None
        raise SettingsError(f"port {port} of {host} cannot be listened on: {failure.strerror}") from None
    return listener


@contextmanager
def admin_listener(place: AdminPlace | None) -> Iterator[list[socket.socket]]:
    """Give the socket of the admin plane's own place, or none. The next start replaces the file of a Unix socket.

    Raises:
        SettingsError: it cannot be listened on.
        PortTakenError: another program listens there.
    """
    if place is None:
        yield []
        return
    with listen(place.host, place.port) if place.path is None else _listen_unix(place.path) as listener:
        yield [listener]


def _listen_unix(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        listener.listen()
    except OSError as failure:
        listener.close()
        raise SettingsError(f"the socket {path} cannot be listened on: {failure.strerror}") from None
    except PortTakenError:
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    """Remove the socket that a former service left; what is no socket, or is listened on, stays."""
    try:
        is_socket = stat.S_ISSOCK(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise PortTakenError(f"{path} is there and is no socket: choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise PortTakenError(f"another program listens on {path}: stop it, or choose another path")
