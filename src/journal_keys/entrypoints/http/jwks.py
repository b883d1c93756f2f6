"""The JWK Set of a view, rendered once per content of the ring."""

import hashlib
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from journal_keys.container import Container
from journal_keys.domain.errors import ViewStaleError
from journal_keys.domain.keyring import KeyRing
from journal_keys.entrypoints.http.bodies import problems
from journal_keys.entrypoints.http.plain import send_whole
from journal_keys.ports.clock import Clock
from journal_keys.ports.view_board import ViewBoard
from journal_keys.use_cases.limit_key_set import LimitKeySet

_JWK_SET: Final = "application/jwk-set+json"
_OK: Final = 200
_NOT_MODIFIED: Final = 304
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["keys"],
    "properties": {
        "keys": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["kty", "kid", "alg", "use"],
                "properties": {
                    name: {"type": "string"} for name in ("kty", "kid", "alg", "use", "crv", "x", "y", "n", "e")
                },
                "additionalProperties": False,
            },
        }
    },
}
"""Nothing else is ever in it: no member of a private key, above all."""
DOCUMENTED: Final[dict[str, Any]] = {
    "name": "jwks",
    "description": "The public keys that verify tokens.",
    "response_class": Response,
    "responses": {
        200: {"description": "a JWK Set (RFC 7517)", "content": {_JWK_SET: {"schema": _SCHEMA}}},
        304: {"description": "unchanged"},
        **problems({421: "the Host header names another host", 503: "too often, or the keys are not known"}),
    },
    "openapi_extra": {
        "parameters": [{"name": "If-None-Match", "in": "header", "required": False, "schema": {"type": "string"}}]
    },
}


@dataclass(frozen=True, slots=True)
class JwksDocument:
    """The bytes that are served, and their strong entity tag."""

    body: bytes
    etag: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Those of an answer with the body."""


@dataclass(slots=True)
class JwksRenderer:
    """Keeps the document of the last ring that it rendered."""

    max_age: timedelta
    usable: timedelta
    """How long a key set may be relied on that nobody confirms."""
    _rendered: tuple[KeyRing | None, JwksDocument] = field(default=(None, JwksDocument(b"", "")), init=False)

    def render(self, ring: KeyRing) -> JwksDocument:
        """Give the document with every staged, ACTIVE and DEACTIVATED key (RFC 7517 §5)."""
        known, document = self._rendered
        if known is not ring:
            if known is None or known.head != ring.head:
                document = _document(ring)
            self._rendered = ring, document
        return document

    def cache_control(self, overdue: timedelta) -> str:
        """The `max-age` that the window W1 assumes, in whole seconds, less what the view is overdue for confirmation.

        So a cache never holds a key set that is older than W1 allows for, even while the ledger does not answer. Only
        where this service fails may it serve what it has for longer (`stale-if-error`, RFC 5861 §4): for as long as
        a verifier here would rely on a view that nobody confirms.
        """
        late_s = max(overdue.total_seconds(), 0)
        fresh_s = max(0, math.floor(self.max_age.total_seconds() - late_s))
        stale_s = max(0, math.floor(self.usable.total_seconds() - late_s) - fresh_s)
        return f"public, max-age={fresh_s}, stale-if-error={stale_s}"


class KeySet:
    """The key set as plain ASGI, of the container that is there when it is asked for."""

    def __init__(self, container_now: Callable[[], Container]) -> None:
        self._container_now = container_now
        self._bound: tuple[Container | None, _Bound | None] = (None, None)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer, or raise what the table of errors knows."""
        container = self._container_now()
        known, bound = self._bound
        if known is not container or bound is None:
            bound = _bound_to(container)
            self._bound = container, bound
        await bound.limit()
        document, cache_control = bound.now()
        if _names(scope["headers"], document.etag):
            await send_whole(send, _NOT_MODIFIED, [(b"etag", document.etag.encode("ascii")), cache_control], b"")
        else:
            await send_whole(send, _OK, [*document.headers, cache_control], document.body)


@dataclass(slots=True, kw_only=True)
class _Bound:
    """What one container's key set is made of."""

    board: ViewBoard
    clock: Clock
    limit: LimitKeySet
    renderer: JwksRenderer
    view_ttl_s: float
    poll_s: float
    usual: tuple[bytes, bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.usual = self._cache_control(0)

    def now(self) -> tuple[JwksDocument, tuple[bytes, bytes]]:
        view = self.board.signing
        if view is None or (age_s := self.clock.uptime_s() - view.confirmed_s) > self.view_ttl_s:
            raise ViewStaleError(f"the jwt ring was not confirmed within {self.view_ttl_s:g} s: no key set is served")
        late_s = age_s - self.poll_s
        return self.renderer.render(view.ring), self.usual if late_s <= 0 else self._cache_control(late_s)

    def _cache_control(self, late_s: float) -> tuple[bytes, bytes]:
        return b"cache-control", self.renderer.cache_control(timedelta(seconds=late_s)).encode("ascii")


def _bound_to(container: Container) -> _Bound:
    windows = container.windows()
    return _Bound(
        board=container.board(),
        clock=container.clock(),
        limit=container.limit_key_set(),
        renderer=JwksRenderer(windows.jwks_max_age, container.verify_max_stale()),
        view_ttl_s=windows.view_ttl.total_seconds(),
        poll_s=windows.poll.total_seconds(),
    )


def _names(headers: Iterable[tuple[bytes, bytes]], etag: str) -> bool:
    """Whether If-None-Match names it; weak tags are equal to strong ones there (RFC 9110 §13.1.2)."""
    asked = [value.decode("latin-1") for name, value in headers if name == b"if-none-match"]
    if not asked:
        return False
    tags = {tag.strip().removeprefix("W/") for value in asked for tag in value.split(",")}
    return etag in tags or "*" in tags


def _document(ring: KeyRing) -> JwksDocument:
    keys = [
        version.public_jwk.published(kid=version.kid, algorithm=version.algorithm.value)
        for version in ring.accepted
        if version.public_jwk is not None
    ]
    body = json.dumps({"keys": keys}, separators=(",", ":")).encode("ascii")
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"content-type": _JWK_SET, "content-length": str(len(body)), "etag": etag}
    return JwksDocument(body, etag, tuple((name.encode(), value.encode("ascii")) for name, value in headers.items()))
