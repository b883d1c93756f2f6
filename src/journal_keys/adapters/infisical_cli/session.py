"""Access tokens: one that was handed in, or those that a login gives. A refused login is never tried in a loop."""

import asyncio
import json
from abc import abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from journal_keys import events
from journal_keys.adapters.infisical_cli.failures import LONGEST_WAIT_S, CallFailedError, Failure
from journal_keys.domain import base64url
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.clock import Clock
from journal_keys.ports.secret_store import SecretStoreDeniedError, SecretStoreError, SecretStoreProtocolError

_FIRST_HOLD_S: Final = 60.0
_LONGEST_HOLD_S: Final = 900.0
_MOST_LOGINS: Final = 10
_LOGIN_PERIOD_S: Final = 60.0
_OF_LIFE: Final = 0.8
_NEXT_TRY_S: Final = 30.0
"""How long nobody waits for another login, while the last token is still good."""
_JWT_PARTS: Final = 3


class Session(Protocol):
    """Where tokens come from."""

    @abstractmethod
    async def token(self) -> KeyMaterial:
        """Give a token.

        Raises:
            SecretStoreDeniedError: there is none to be had.
            SecretStoreProtocolError: the login answers with what is no token.
            CallFailedError: the login failed for another reason than its credentials.
        """
        ...

    @abstractmethod
    async def renewed(self, refused: KeyMaterial) -> KeyMaterial:
        """Give another token than this one, which the server refused.

        Raises:
            SecretStoreDeniedError, SecretStoreProtocolError, CallFailedError: as `token`.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FixedToken(Session):
    """A token that was handed in; nobody can renew it."""

    value: KeyMaterial = field(repr=False)

    async def token(self) -> KeyMaterial:
        """Give the token."""
        return self.value

    async def renewed(self, refused: KeyMaterial) -> KeyMaterial:  # noqa: ARG002 (there is only one)
        """Say that there is no other."""
        events.STORE_TOKEN_REFUSED.tell()
        raise SecretStoreDeniedError(
            "the server refuses INFISICAL_TOKEN: it is expired, revoked or spent; set a new one and restart, or set"
            " INFISICAL_UNIVERSAL_AUTH_CLIENT_ID and _CLIENT_SECRET, with which a new one is fetched when needed"
        )


@dataclass(slots=True, kw_only=True)
class Login(Session):
    """Tokens by universal auth, one login at a time, the next at four fifths of a token's life.

    Where that one fails, the token serves on, and another is tried half a minute later. After a refused login, or one
    that gave no token, none is tried for a minute, then for twice as long, up to a quarter of an hour: newer servers
    lock an identity after three refusals.
    """

    log_in: Callable[[], Awaitable[KeyMaterial]]
    clock: Clock
    _token: KeyMaterial | None = field(default=None, init=False)
    _due_s: float = field(default=float("inf"), init=False)
    _held_until_s: float = field(default=float("-inf"), init=False)
    _hold_s: float = field(default=0.0, init=False)
    _why: str = field(default="", init=False)
    _as: type[SecretStoreError] = field(default=SecretStoreDeniedError, init=False)
    _logins_s: deque[float] = field(default_factory=deque, init=False)
    _one: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def token(self) -> KeyMaterial:
        """Give the token of the last login, or log in."""
        async with self._one:
            if self._token is None:
                return await self._fresh()
            if self.clock.uptime_s() < self._due_s:
                return self._token
            try:
                return await self._fresh()
            except (CallFailedError, SecretStoreDeniedError, SecretStoreProtocolError):
                self._due_s = self.clock.uptime_s() + _NEXT_TRY_S
                return self._token  # its last fifth is still good

    async def renewed(self, refused: KeyMaterial) -> KeyMaterial:
        """Log in, unless somebody did since this token was given out."""
        async with self._one:
            if self._token is not None and self._token is not refused:
                return self._token
            self._token = None
            return await self._fresh()

    async def _fresh(self) -> KeyMaterial:
        self._check_pace()
        try:
            token = await self.log_in()
        except CallFailedError as refusal:
            if refusal.failure.kind is not Failure.CREDENTIALS:
                raise
            why = f"the login is refused ({refusal.failure})"
            raise self._held(SecretStoreDeniedError, why, refusal.failure.wait_s) from None
        except SecretStoreProtocolError as garbled:
            raise self._held(SecretStoreProtocolError, str(garbled), None) from None
        self._hold_s, self._token = 0.0, token
        events.STORE_LOGIN_DONE.tell()
        self._logins_s.append(self.clock.uptime_s())
        self._due_s = self.clock.uptime_s() + _OF_LIFE * lifetime_s(token)
        return token

    def _check_pace(self) -> None:
        now_s = self.clock.uptime_s()
        if now_s < self._held_until_s:
            raise self._as(self._refusal())
        while self._logins_s and self._logins_s[0] <= now_s - _LOGIN_PERIOD_S:
            self._logins_s.popleft()
        if len(self._logins_s) >= _MOST_LOGINS:
            raise SecretStoreDeniedError(
                f"tokens of this identity are refused again and again: {_MOST_LOGINS} logins within a minute; look at"
                " its token's lifetime, number of uses and trusted addresses"
            )

    def _held(self, kind: type[SecretStoreError], why: str, wait_s: float | None) -> SecretStoreError:
        """Try no login for some time, have that told, and give what is to be raised until then."""
        self._hold_s = min(max(_FIRST_HOLD_S, self._hold_s * 2), _LONGEST_HOLD_S)
        self._held_until_s = self.clock.uptime_s() + max(self._hold_s, min(wait_s or 0.0, LONGEST_WAIT_S))
        self._as, self._why = kind, why
        events.STORE_LOGIN_REFUSED.tell(error=self._refusal())
        return kind(self._refusal())

    def _refusal(self) -> str:
        wait_s = max(0.0, self._held_until_s - self.clock.uptime_s())
        return f"{self._why}; it is tried again in {wait_s:.0f} s, so that nothing is locked"


def lifetime_s(token: KeyMaterial) -> float:
    """Seconds that a JWT says it lives, from its `iat` and `exp`; infinity where it says nothing.

    Nothing is verified: the server decides, and this only says when to ask for the next one.
    """
    claims = _claims(token)
    life_s = claims.get("exp", float("inf")) - claims.get("iat", 0.0)
    return life_s if life_s > 0 and "iat" in claims else float("inf")


def lifetime_left_s(token: KeyMaterial, unix_s: float) -> float:
    """Seconds until a JWT says it ends; infinity where it says nothing."""
    return _claims(token).get("exp", float("inf")) - unix_s


def _claims(token: KeyMaterial) -> dict[str, float]:
    """Give the numbers among the claims of a JWT; of anything else, none."""
    parts = expose(token).split(b".")
    try:
        claims = json.loads(base64url.decode(parts[1].decode("ascii"))) if len(parts) == _JWT_PARTS else None
    except ValueError:
        claims = None
    if not isinstance(claims, dict):
        return {}
    return {name: float(value) for name, value in claims.items() if isinstance(value, int | float)}
