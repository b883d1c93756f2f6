"""Metadata for verifiers that insist on finding the key set by the issuer (OpenID Connect Discovery 1.0 §4)."""

import json
from collections.abc import Callable
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from journal_keys.container import Container
from journal_keys.domain.keys import Family
from journal_keys.entrypoints.http.bodies import problems
from journal_keys.entrypoints.http.doors import JWKS
from journal_keys.entrypoints.http.plain import send_whole
from journal_keys.entrypoints.http.problems import problem

_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": [
        "issuer",
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
    ],
    "properties": {
        "issuer": {"type": "string"},
        "jwks_uri": {"type": "string"},
        "response_types_supported": {"type": "array", "items": {"type": "string"}},
        "subject_types_supported": {"type": "array", "items": {"type": "string"}},
        "id_token_signing_alg_values_supported": {"type": "array", "items": {"type": "string"}},
    },
}
DOCUMENTED: Final[dict[str, Any]] = {
    "name": "openid_configuration",
    "description": "Where the key set of the issuer is, where JOURNAL_HTTP_DISCOVERY is true.",
    "response_class": Response,
    "responses": {
        200: {
            "description": "where the key set is, and what signs",
            "content": {"application/json": {"schema": _SCHEMA}},
        },
        **problems(
            {
                404: "it is not served here",
                421: "the Host header names another host",
                503: "too often, or the service has not started",
            }
        ),
    },
}


class Discovery:
    """The metadata as plain ASGI. There is no authorization endpoint here: it is a subset, as of other key holders."""

    def __init__(self, container_now: Callable[[], Container], issuer: str | None) -> None:
        self._container_now = container_now
        self._issuer = issuer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or raise what the application's error table knows."""
        if self._issuer is None:
            await problem(404, "this is not served here: see JOURNAL_HTTP_DISCOVERY")(scope, receive, send)
            return
        container = self._container_now()
        await container.limit_key_set()()
        windows, body = container.windows(), json.dumps(_metadata(container, self._issuer)).encode("ascii")
        headers = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            "cache-control": f"public, max-age={windows.jwks_max_age.total_seconds():.0f}",
        }
        await send_whole(send, 200, ((name.encode(), value.encode("ascii")) for name, value in headers.items()), body)


def _metadata(container: Container, issuer: str) -> dict[str, object]:
    view = container.board().signing
    signing = {container.policies()[Family.JWT].algorithm.value}
    if view is not None:
        signing |= {version.algorithm.value for version in view.ring.accepted if version.public_jwk is not None}
    return {
        "issuer": issuer,
        "jwks_uri": issuer.rstrip("/") + JWKS,
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": sorted(signing),
    }
