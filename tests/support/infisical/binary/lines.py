"""Connections, and what Go says of those that fail (`net`, `net/http`, `crypto/tls`)."""

import os
import socket
from collections.abc import Mapping

from tests.support.infisical.binary import files, proxies
from tests.support.infisical.binary.urls import Address, split_host

_PATIENCE_S = 30.0
_LAST_PORT = 65535


class LineError(Exception):
    """A connection failed; the message is Go's. `is_early` says that not one byte of an answer came."""

    def __init__(self, message: str, *, is_early: bool = False) -> None:
        super().__init__(message)
        self.is_early = is_early


def dial(address: Address, environ: Mapping[str, str]) -> socket.socket:
    """Connect to the host of an address, through a proxy where the environment names one, with TLS where it is https.

    Raises:
        LineError: no connection.
    """
    proxy = proxies.proxy_for(address, environ)
    try:
        line = _connected(*_place(proxy or address))
    except LineError as error:
        if proxy is None:
            raise
        raise LineError(f"proxyconnect tcp: {error}") from None
    if address.scheme == "http":
        return line
    host, port = _place(address)
    if proxy:
        _tunnel(line, f"{host}:{port}")
    from tests.support.infisical.binary import tls  # what a plain connection does not pay for

    return tls.secured(line, host, environ)


def _tunnel(line: socket.socket, place: str) -> None:
    line.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nUser-Agent: cli\r\n\r\n".encode())
    with line.makefile("rb", buffering=0) as stream:
        first = stream.readline().split(b" ", 2)
        while first[1:2] and stream.readline().strip():
            pass
    if first[1:2] != [b"200"]:
        raise LineError(b" ".join(first[2:]).decode("latin-1").strip() or "EOF")


def ends(line: socket.socket) -> str:
    """Name both ends of a connection; this cannot be asked when it is lost."""
    try:
        (here, here_port, *_), (there, there_port, *_) = line.getsockname(), line.getpeername()
    except OSError:
        return "->"
    return f"{here}:{here_port}->{there}:{there_port}"


def lost(between: str) -> LineError:
    """Say what broke before the answer came."""
    return LineError(f"read tcp {between}: read: connection reset by peer", is_early=True)


def _place(address: Address) -> tuple[str, int]:
    name, port = split_host(address.host)
    number = int(port[1:] or 0) or {"http": 80, "https": 443}[address.scheme]
    if number > _LAST_PORT:
        raise LineError(f"dial tcp: address {number}: invalid port")
    return name.strip("[]"), number


def _connected(host: str, port: int) -> socket.socket:
    try:
        (family, kind, protocol, _, place), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise LineError(f"dial tcp: lookup {host}{_asked()}: {_name_trouble(error)}") from None
    line = socket.socket(family, kind, protocol)
    line.settimeout(_PATIENCE_S)
    numeric = ":".join(map(str, place[:1]))
    shown = f"[{numeric}]:{port}" if family == socket.AF_INET6 else f"{numeric}:{port}"
    try:
        line.connect(place)
    except TimeoutError:
        raise LineError(f"dial tcp {shown}: i/o timeout") from None
    except OSError as error:
        raise LineError(f"dial tcp {shown}: connect: {os.strerror(error.errno or 0).lower()}") from None
    line.settimeout(None)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _asked() -> str:
    """The name server that Go's own resolver names."""
    try:
        rows = [row.split() for row in files.read("/etc/resolv.conf").decode().splitlines()]
    except OSError:
        rows = []
    known = (row[1] for row in rows if row[:1] == ["nameserver"] and row[1:])
    return f" on {next(known, '127.0.0.1')}:53"


def _name_trouble(error: OSError) -> str:
    return "server misbehaving" if error.errno == socket.EAI_AGAIN else "no such host"
