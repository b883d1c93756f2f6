"""Which ways out of this host are in the clear."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from journal_keys.entrypoints.http.loopback import is_own_host
from journal_keys.entrypoints.settings import Settings

_TLS_OF_POSTGRESQL: Final = frozenset({"require", "verify-ca", "verify-full"})


def plain_ways(settings: Settings) -> Iterator[tuple[str, str]]:
    """Give each way that is not encrypted, with its cure. Infisical is none: its URL is https, or on loopback."""
    redis = settings.redis_url()
    if redis is not None and _is_plain_redis(redis):
        yield "Redis", "let JOURNAL_REDIS_URL begin with rediss://, or name a Unix socket or this host"
    if _is_plain_ledger(settings.ledger_url):
        yield "PostgreSQL", "add ?ssl=verify-full to JOURNAL_DB_URL_ASYNC"


def _is_plain_redis(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "redis" and not _is_here(parts.hostname or "")


def _is_plain_ledger(text: str) -> bool:
    url = make_url(text)
    host = url.host or str(url.query.get("host", ""))
    is_here = url.get_backend_name() == "sqlite" or host.startswith("/") or _is_here(host)
    return not is_here and url.query.get("ssl") not in _TLS_OF_POSTGRESQL


def _is_here(host: str) -> bool:
    """Whether it is this machine's loopback; no host is a socket of it."""
    return not host or is_own_host(host)
