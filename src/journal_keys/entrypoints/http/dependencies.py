"""What the routes of an application may ask for, once `install` was called: who calls, and the keys."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import Depends, HTTPException, Request
from fastapi.requests import HTTPConnection
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from journal_keys.adapters.crypto.token_cipher import TokenCipher
from journal_keys.adapters.crypto.token_codec import JwtSigner
from journal_keys.container import Container
from journal_keys.domain.token import TokenRefusedError, UnknownKidError
from journal_keys.entrypoints.renewal import KID_COOL_DOWN, Renewal
from journal_keys.ports.key_crypto import SigningKey

KEYS_IN_SCOPE: Final = "journal_keys.keys"
_BEARER: Final = HTTPBearer(bearerFormat="JWT", auto_error=False, description="a token of this application's issuer")
_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403


@dataclass(frozen=True, slots=True)
class InstalledKeys:
    """The keys of one application."""

    container_now: Callable[[], Container]
    _renewal: Renewal = field(default_factory=Renewal)

    async def verify(self, token: str) -> Mapping[str, Any]:
        """Give the claims of a good token; an unknown kid causes one look at the ring per second at the most.

        Raises:
            TokenRefusedError: the token is not good.
            ViewStaleError: the ledger could not be asked for too long, or the application has not started.
        """
        container = self.container_now()
        try:
            return container.verifier().verify(token)
        except UnknownKidError:
            await self._renewal(container, rest=KID_COOL_DOWN)
        return container.verifier().verify(token)

    async def aclose(self) -> None:
        """End what was begun for requests that are gone."""
        await self._renewal.aclose()


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who a good token speaks of: `sub`, the values of `scope` (RFC 9068 §2.2.3), and all claims."""

    subject: str
    scopes: frozenset[str]
    claims: Mapping[str, Any]


def installed_keys(connection: HTTPConnection) -> InstalledKeys:
    """Give the keys that `install` put there, also for applications that are mounted in the one that has them."""
    found: InstalledKeys | None = connection.scope.get(KEYS_IN_SCOPE)
    if found is None:
        raise RuntimeError("this application has no keys: call journal_keys.install(app) where it is made")
    return found


_Keys = Annotated[InstalledKeys, Depends(installed_keys)]


async def current_principal(
    request: Request, keys: _Keys, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
) -> Principal:
    """Give who calls, by a bearer token that passes the checks of RFC 8725 and RFC 9068 §4.

    Raises:
        HTTPException: 401 with a challenge (RFC 6750 §3).
        ViewStaleError: whether it is good cannot be told; `install` has that answered 503.
    """
    if shown is None or len(request.headers.getlist("authorization")) != 1:
        raise _challenge(_UNAUTHORIZED, "this needs one bearer token")
    try:
        return _principal(await keys.verify(shown.credentials))
    except TokenRefusedError as refusal:
        said = str(refusal)
    raise _challenge(_UNAUTHORIZED, said, 'error="invalid_token"')


def require_scopes(*needed: str) -> Any:  # noqa: ANN401 (as `fastapi.Depends`, whose value this is)
    """Make the dependency for a principal that has all these scopes: the second part of an `Annotated[Principal, …]`.

    Who has not is answered 403 with a challenge that names them.
    """

    async def allowed(principal: PrincipalDep) -> Principal:
        if principal.scopes.issuperset(needed):
            return principal
        wanted = " ".join(needed)
        raise _challenge(_FORBIDDEN, f"this needs the scope {wanted}", f'error="insufficient_scope", scope="{wanted}"')

    return Depends(allowed)


async def signer(keys: _Keys) -> JwtSigner:
    """Give the signer over the jwt ring."""
    return keys.container_now().signer()


async def signing_key(keys: _Keys) -> SigningKey:
    """Give the ACTIVE signing key: its `kid`, its `algorithm`, and `sign`.

    Raises:
        ViewStaleError, KeyUnavailableError: nothing may be signed now; `install` has that answered 503.
    """
    return keys.container_now().signer().current_key()


async def token_cipher(keys: _Keys) -> TokenCipher:
    """Give the cipher over the aes ring."""
    return keys.container_now().cipher()


PrincipalDep = Annotated[Principal, Depends(current_principal)]
SignerDep = Annotated[JwtSigner, Depends(signer)]
SigningKeyDep = Annotated[SigningKey, Depends(signing_key)]
TokenCipherDep = Annotated[TokenCipher, Depends(token_cipher)]


def _principal(claims: Mapping[str, Any]) -> Principal:
    subject, scope = claims.get("sub"), claims.get("scope", "")
    if not subject:
        raise TokenRefusedError("sub of the token says nothing")
    if not isinstance(scope, str):
        raise TokenRefusedError("scope of the token is text, with blanks between (RFC 8693 §4.2)")
    return Principal(subject=subject, scopes=frozenset(scope.split()), claims=claims)


def _challenge(status: int, detail: str, *words: str) -> HTTPException:
    challenge = "Bearer" if not words else f"Bearer {', '.join(words)}"
    return HTTPException(status, detail, headers={"WWW-Authenticate": challenge})
