"""Who calls directly from this machine, and is no web page."""

import ipaddress
import re
from functools import lru_cache
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

_FORWARDING: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
_OWN_SITES: Final = frozenset({"same-origin", "none"})
_HOST: Final = re.compile(r"(?:([a-z0-9.-]+)|\[([0-9a-f:.]+)\])(?::([0-9]{1,5}))?\Z", re.ASCII | re.IGNORECASE)
_LAST_PORT: Final = 65_535


def refusal(scope: Scope) -> str | None:
    """Say why the caller is none of these, None where it is."""
    headers = Headers(scope=scope)
    client = scope.get("client")
    if not client or not _is_loopback_address(client[0]):
        return "the caller is not on this machine"
    if any(name in headers for name in _FORWARDING):
        return "the request was forwarded"
    host = host_of(scope)
    if host is None or not is_own_host(host):
        return "the Host header does not name this machine's loopback"
    if any(_origin_host(origin) != headers["host"].lower() for origin in headers.getlist("origin")):
        return "the Origin header is of another site"
    if any(site.lower() not in _OWN_SITES for site in headers.getlist("sec-fetch-site")):
        return "the Sec-Fetch-Site header is of another site"
    return None


def host_of(scope: Scope) -> str | None:
    """Give the host that the request names, in lower case and without a port; None where it names none, or several."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    return _parsed(hosts[0]) if len(hosts) == 1 else None


@lru_cache(maxsize=128)
def is_own_host(host: str) -> bool:
    """Whether this is a name or an address of this machine's loopback."""
    return host == "localhost" or _is_loopback_address(host.strip("[]"))


@lru_cache(maxsize=128)
def _parsed(host: bytes) -> str | None:
    """Read host and port by a closed form (RFC 9110 §7.2): `urlsplit` forgives text before and behind brackets."""
    found = _HOST.match(host.decode("latin-1"))
    if not found or int(found[3] or 0) > _LAST_PORT:
        return None
    return (found[1] or f"[{found[2]}]").lower()


def _is_loopback_address(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _origin_host(origin: str) -> str:
    scheme, _, host = origin.partition("://")
    return host.lower() if scheme in {"http", "https"} else ""
