"""Who may do what over HTTP: bearer tokens by their digests, and the callers that they make."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from journal_keys.domain import base64url
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.errors import InvalidNameError, RefusedError
from journal_keys.domain.ledger_clock import ClockReading
from journal_keys.domain.scopes import Scope

TOKEN_BYTES: Final = 32
_TOKEN: Final = re.compile(r"jka_[A-Za-z0-9_-]{43}\Z", re.ASCII)
_TOKEN_PREFIX: Final = "jka_"  # noqa: S105 (how every token begins)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z", re.ASCII)
_TAKEN: Final = ("loopback", "unknown")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)


class UnauthenticatedError(RefusedError):
    """The caller shows no token, or one that is not known."""


class ForbiddenError(RefusedError):
    """The caller is known, and may not do this."""


class MisdirectedError(RefusedError):
    """The request names another host than this service is called by (RFC 9110 §15.5.20)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One token: its name in the audit, the SHA-256 of its text (64 hex digits), and its scopes.

    Raises:
        InvalidNameError: at construction, for a name that is not `[a-z0-9][a-z0-9._-]{0,63}`, or no digest.
    """

    name: str
    digest: str
    scopes: frozenset[Scope]

    def __post_init__(self) -> None:
        check_grant_name(self.name)
        if not _DIGEST.match(self.digest):
            raise InvalidNameError(f"the digest of token {self.name} is not 64 lower-case hex digits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, as the audit names it (`http:deploy`), and what it may do."""

    actor: str
    scopes: frozenset[Scope]

    def require(self, scope: Scope) -> None:
        """Return where the caller has this scope.

        Raises:
            ForbiddenError: it has not.
        """
        if scope not in self.scopes:
            raise ForbiddenError(f"this needs the scope {scope}, which {self.actor} does not have")


LOOPBACK: Final = Caller(actor="http:loopback", scopes=frozenset(Scope))
"""A direct caller of this machine in the embedded profile."""

WATCHER: Final = Caller(actor="http:loopback", scopes=frozenset())
"""The same in any other profile, where nothing but health and figures is asked for; details need the scope."""


def check_grant_name(name: str) -> str:
    """Give the name of a token, if it is well formed, and not what callers without one are called.

    Raises:
        InvalidNameError: it is not.
    """
    if not _NAME.match(name) or name in _TAKEN:
        raise InvalidNameError(f"the name of a token is [a-z0-9][a-z0-9._-]{{0,63}}, and not {' or '.join(_TAKEN)}")
    return name


def new_token(random: bytes) -> str:
    """Give the text of a token: `jka_` and 43 characters for 32 random bytes, so that one that leaked is recognised."""
    return _TOKEN_PREFIX + base64url.encode(random)


def digest_of(token: str) -> str:
    """Give what is kept of a token: 256 random bits need no slow hash (NIST SP 800-63B §5.1.2.2)."""
    return hashlib.sha256(token.encode("ascii")).hexdigest()


def caller_of(token: str, grants: Iterable[Grant]) -> Caller:
    """Say whose token this is. All are compared, each in constant time.

    Raises:
        UnauthenticatedError: it is nobody's, or no token at all.
    """
    shown = digest_of(token) if _TOKEN.match(token) else ""
    found = [grant for grant in grants if hmac.compare_digest(grant.digest, shown)]
    if not found:
        raise UnauthenticatedError("the bearer token is not known here")
    return Caller(actor=f"http:{found[0].name}", scopes=found[0].scopes)


def admin_called(reading: ClockReading, caller: Caller | None, detail: Mapping[str, str]) -> AuditFact:
    """The fact that somebody called the admin plane, was refused, or was failed by it; None for nobody who is known."""
    return AuditFact(
        at=reading.wall,
        actor=caller.actor if caller else "http:unknown",
        action={"4": "admin_refused", "5": "admin_failed"}.get(detail["status"][:1], "admin_called"),
        family=None,
        kid=None,
        reason="over HTTP",
        detail=detail,
    )
