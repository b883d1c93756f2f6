"""The JWK Set of a view, rendered once per content of the ring."""

import hashlib
import json
import math
from dataclasses import dataclass, field
from datetime import timedelta

from journal_keys.domain.keyring import KeyRing, RingHead


@dataclass(frozen=True, slots=True)
class JwksDocument:
    """The bytes that are served, and their strong entity tag."""

    body: bytes
    etag: str


@dataclass(slots=True)
class JwksRenderer:
    """Keeps the document of the last ring that it rendered."""

    max_age: timedelta
    _rendered: tuple[RingHead | None, JwksDocument] = field(default=(None, JwksDocument(b"", "")), init=False)

    def render(self, ring: KeyRing) -> JwksDocument:
        """Give the document with every staged, ACTIVE and DEACTIVATED key (RFC 7517 §5)."""
        head, document = self._rendered
        if head != ring.head:
            document = _document(ring)
            self._rendered = ring.head, document
        return document

    def cache_control(self, overdue: timedelta) -> str:
        """The `max-age` that the window W1 assumes, in whole seconds, less what the view is overdue for confirmation.

        So a cache never holds a key set that is older than W1 allows for, even while the ledger does not answer.
        """
        left = self.max_age - max(overdue, timedelta(0))
        return f"public, max-age={max(0, math.floor(left.total_seconds()))}"


def _document(ring: KeyRing) -> JwksDocument:
    keys = [
        version.public_jwk.published(kid=version.kid, algorithm=version.algorithm.value)
        for version in ring.accepted
        if version.public_jwk is not None
    ]
    body = json.dumps({"keys": keys}, separators=(",", ":")).encode("ascii")
    return JwksDocument(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
