"""Three fixed signing keys, their verifier at a fixed time, and tokens signed with them over any texts."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from journal_keys.adapters.crypto.key_crypto import CryptographyKeyOpener
from journal_keys.adapters.crypto.token_codec import JwtVerifier
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.view_board import MemoryViewBoard
from journal_keys.domain import base64url
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Algorithm, Family, KeyState, KeyVersion, Kid
from journal_keys.domain.token import TokenProfile
from journal_keys.ports.key_crypto import VerifyingKey
from journal_keys.ports.view_board import SigningView
from tests.proof.bad_inputs import jwks, keys
from tests.support.views import MAX_STALE, PROFILE, WINDOWS

NOW: Final = datetime(2026, 6, 1, tzinfo=UTC)
NOW_S: Final = int(NOW.timestamp())
DAY_S: Final = 86_400
_PUBLIC: Final = {one: PublicJwk.from_members(members) for one, members in jwks.GOOD.items()}
KIDS: Final = {algorithm: Kid(public.kid()) for algorithm, public in _PUBLIC.items()}
CLAIMS: Final[dict[str, object]] = {"iss": "journal", "aud": "journal", "iat": NOW_S, "exp": NOW_S + 600}


def _ring() -> KeyRing:
    staged = [
        KeyVersion(
            kid=KIDS[algorithm],
            family=Family.JWT,
            algorithm=algorithm,
            digest="0" * 64,
            public_jwk=public,
            state=KeyState.PRE_ACTIVATION,
            created_at=NOW,
            published_at=NOW,
        )
        for algorithm, public in _PUBLIC.items()
    ]
    active = [version.moved_to(KeyState.ACTIVE, NOW) for version in staged]
    retained = [version.moved_to(KeyState.DEACTIVATED, NOW) for version in active[1:]]
    return KeyRing(family=Family.JWT, generation=1, changed_at=NOW, versions=(active[0], *retained))


class _Believer(VerifyingKey):
    """A key under which every signature is good."""

    def __init__(self, key: VerifyingKey) -> None:
        self.kid, self.algorithm = key.kid, key.algorithm

    def verify(self, message: bytes, signature: bytes) -> bool:
        return len(message) + len(signature) > 0


def believed(key: VerifyingKey) -> VerifyingKey:
    """The key, as somebody takes it who checks no signature."""
    return _Believer(key)


def checked(key: VerifyingKey) -> VerifyingKey:
    """The key itself."""
    return key


def verifier(profile: TokenProfile = PROFILE, trust: Callable[[VerifyingKey], VerifyingKey] = checked) -> JwtVerifier:
    """A verifier that holds the three keys, at NOW."""
    board, clock, opener = MemoryViewBoard(), ManualClock(NOW), CryptographyKeyOpener()
    verifying = {KIDS[one]: trust(opener.verifying(KIDS[one], one, public)) for one, public in _PUBLIC.items()}
    board.show(SigningView(ring=_ring(), confirmed_s=0.0, signing=None, signers={}, verifying=verifying))
    return JwtVerifier(board, clock, profile, WINDOWS, MAX_STALE)


def encoded(data: str | bytes) -> str:
    """A part of a token."""
    return base64url.encode(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)


def header_of(algorithm: Algorithm) -> dict[str, object]:
    """The header under which the key of this algorithm signs."""
    return {"alg": algorithm.value, "kid": KIDS[algorithm], "typ": "at+jwt"}


def signed_token(algorithm: Algorithm, header: str, claims: str) -> str:
    """A token that is signed properly over any texts."""
    message = f"{encoded(header)}.{encoded(claims)}"
    return f"{message}.{base64url.encode(keys.signed(keys.SIGNING[algorithm], message.encode()))}"
