"""Who may do what: machine identities, their tokens, lock-out and rate limit."""

import base64
import itertools
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.support.infisical import eras
from tests.support.infisical.eras import Era

_MOST_REFUSED = 3
_REMEMBERED_FOR_S = 30.0
LOCKED_FOR_S = 300.0


@dataclass(eq=False)
class Identity:
    """A machine identity with universal auth. `uses` 0 means any number."""

    client_id: str = field(default_factory=lambda: secrets.token_hex(8))
    client_secret: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    can_read: bool = True
    can_write: bool = True
    describes_only: bool = False
    token_ttl_s: float = 2_592_000
    uses: int = 0
    refused_at: list[float] = field(default_factory=list)
    locked_until: float = 0.0


@dataclass(eq=False)
class _Token:
    identity: Identity
    ends_at: float
    uses_left: int | None


@dataclass
class Registry:
    """Tokens that were given out; whoever calls holds the server's lock."""

    era: Era
    clock: Callable[[], float]
    limit: int | None
    identities: dict[str, Identity] = field(default_factory=dict)
    logins: int = 0
    _tokens: dict[str, _Token] = field(default_factory=dict)
    _counted: dict[str, list[float]] = field(default_factory=dict)
    _serial: Iterator[int] = field(default_factory=itertools.count)

    def add(self, identity: Identity) -> Identity:
        self.identities[identity.client_id] = identity
        return identity

    def issue(self, identity: Identity, ttl_s: float | None = None) -> str:
        now = self.clock()
        life_s = identity.token_ttl_s if ttl_s is None else ttl_s
        claims = {
            "identityId": identity.client_id,
            "iat": int(now),
            "exp": int(now + life_s),
            "jti": next(self._serial),
        }
        body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
        token = f"eyJhbGciOiJIUzI1NiJ9.{body}.{secrets.token_urlsafe(24)}"
        self._tokens[token] = _Token(identity, now + life_s, identity.uses or None)
        return token

    @property
    def tokens(self) -> tuple[str, ...]:
        """Every token that is good, or was."""
        return tuple(self._tokens)

    def revoke(self, token: str) -> None:
        del self._tokens[token]

    def expire(self, token: str) -> None:
        self._tokens[token].ends_at = self.clock()

    def log_in(self, client_id: str, client_secret: str) -> dict[str, object]:
        self.logins += 1
        now = self.clock()
        identity = self.identities.get(client_id)
        if identity is None:
            raise eras.wrong_credentials(self.era)
        if self.era is Era.NEWEST and now < identity.locked_until:
            raise eras.locked()
        if not secrets.compare_digest(identity.client_secret, client_secret):
            identity.refused_at = [at for at in identity.refused_at if at > now - _REMEMBERED_FOR_S] + [now]
            if len(identity.refused_at) >= _MOST_REFUSED:
                identity.locked_until = now + LOCKED_FOR_S
            raise eras.wrong_credentials(self.era)
        identity.refused_at.clear()
        life_s = int(identity.token_ttl_s)
        token = self.issue(identity)
        return {"accessToken": token, "expiresIn": life_s, "accessTokenMaxTTL": life_s, "tokenType": "Bearer"}

    def whose(self, header: str) -> Identity:
        token = header.removeprefix("Bearer ")
        held = self._tokens.get(token)
        if held is None:
            raise eras.not_a_token(self.era, token)
        if self.clock() >= held.ends_at:
            raise eras.expired(self.era)
        if held.uses_left is not None:
            if held.uses_left == 0:
                raise eras.spent()
            held.uses_left -= 1
        return held.identity

    def count(self, route: str) -> dict[str, str]:
        """Count a request; each route has a budget of its own, and all clients stand behind one address here."""
        if self.limit is None:
            return {}
        now = self.clock()
        recent = self._counted[route] = [at for at in self._counted.get(route, []) if at > now - 60]
        wait_s = max(1, round((recent[0] if recent else now) + 60 - now))
        left = self.limit - len(recent)
        headers = eras.budget(self.limit, max(0, left - 1), wait_s)
        if left <= 0:
            raise eras.busy(self.era, wait_s, headers)
        recent.append(now)
        return headers
