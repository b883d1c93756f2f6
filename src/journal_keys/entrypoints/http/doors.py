"""Every route with what it takes to be let in: what is not in this table is not served."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from journal_keys.domain.scopes import Scope

HEALTH: Final = "/api/v1/infisical/health"
ROTATE: Final = "/api/v1/infisical/rotate"
INVALIDATE: Final = "/api/v1/infisical/cache/invalidate"
COMPROMISE: Final = "/api/v1/infisical/compromise"
RECONCILE: Final = "/api/v1/infisical/reconcile"
KEYS: Final = "/api/v1/infisical/keys"
AUDIT: Final = "/api/v1/infisical/audit"
WEBHOOK: Final = "/api/v1/infisical/webhook"
JWKS: Final = "/.well-known/jwks.json"
DISCOVERY: Final = "/.well-known/openid-configuration"
LIVE: Final = "/livez"
READY: Final = "/readyz"
METRICS: Final = "/metrics"
STATUS: Final = "/status"
OPENAPI: Final = "/openapi.json"


class Kind(Enum):
    """Who is let in."""

    PUBLIC = "everybody"
    WATCH = "a direct caller of this machine, or a token with the scope"
    ADMIN = "a token with the scope; in the embedded profile a direct caller of this machine, too"


@dataclass(frozen=True, slots=True)
class Door:
    """One route's rule."""

    kind: Kind
    scope: Scope = Scope.READ
    is_called_by_address: bool = False
    """Whether any Host is served: who probes processes calls them by their addresses, and is told nothing."""


DOORS: Final[Mapping[tuple[str, str], Door]] = {
    ("GET", JWKS): Door(Kind.PUBLIC),
    ("GET", DISCOVERY): Door(Kind.PUBLIC),
    ("POST", WEBHOOK): Door(Kind.PUBLIC),
    ("GET", LIVE): Door(Kind.PUBLIC, is_called_by_address=True),
    ("GET", READY): Door(Kind.PUBLIC, is_called_by_address=True),
    ("GET", HEALTH): Door(Kind.WATCH),
    ("GET", METRICS): Door(Kind.WATCH),
    ("GET", OPENAPI): Door(Kind.WATCH),
    ("POST", ROTATE): Door(Kind.ADMIN, Scope.ROTATE),
    ("POST", RECONCILE): Door(Kind.ADMIN, Scope.ROTATE),
    ("POST", INVALIDATE): Door(Kind.ADMIN, Scope.INVALIDATE),
    ("POST", COMPROMISE): Door(Kind.ADMIN, Scope.COMPROMISE),
    ("GET", KEYS): Door(Kind.ADMIN),
    ("GET", AUDIT): Door(Kind.ADMIN),
    ("GET", STATUS): Door(Kind.ADMIN),
}
PATHS: Final = frozenset(path for _, path in DOORS)
