"""A board with views of any number of keys, without ledger or store."""

from datetime import UTC, datetime, timedelta

from journal_keys.adapters.crypto.key_crypto import CryptographyKeyGenerator, CryptographyKeyOpener, JwsSigningKey
from journal_keys.adapters.crypto.token_cipher import TokenCipher
from journal_keys.adapters.crypto.token_codec import JwtSigner, JwtVerifier
from journal_keys.adapters.memory.view_board import MemoryViewBoard
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain import material
from journal_keys.domain.encryption_budget import EncryptionBudget
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Algorithm, Family, KeyState, KeyVersion
from journal_keys.domain.material import MaterialRecord
from journal_keys.domain.token import TokenProfile
from journal_keys.domain.windows import Windows
from journal_keys.ports.clock import Clock
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.view_board import CipherView, SigningView
from tests.support.canary.entropy import WatchedEntropy

MADE = datetime(2026, 1, 1, tzinfo=UTC)
PROFILE = TokenProfile(
    issuer="journal",
    audience="journal",
    token_type="at+jwt",
    longest_token=timedelta(days=14),
    leeway=timedelta(seconds=60),
)
WINDOWS = Windows(
    jwks_max_age=timedelta(seconds=600),
    view_ttl=timedelta(seconds=300),
    poll=timedelta(seconds=15),
    longest_token=timedelta(days=14),
    leeway=timedelta(seconds=60),
    skew=timedelta(seconds=60),
)
VIEW_TTL = WINDOWS.view_ttl
OLDEST_VIEW = WINDOWS.oldest_verifier_view
MAX_STALE = timedelta(days=1)
_OPENER = CryptographyKeyOpener()


def ring_of(family: Family, algorithms: list[Algorithm], seed: int = 1) -> tuple[KeyRing, list[MaterialRecord]]:
    """A ring whose last key is ACTIVE and whose others are DEACTIVATED, with the material of each."""
    generator = CryptographyKeyGenerator(WatchedEntropy(seed))
    made = [generator.generate(family, algorithm, MADE) for algorithm in algorithms]
    versions = []
    for number, key in enumerate(made, start=1):
        version = KeyVersion(
            kid=key.record.kid,
            family=family,
            algorithm=key.record.algorithm,
            digest=material.encode(key.record).digest(),
            public_jwk=key.public_jwk,
            state=KeyState.PRE_ACTIVATION,
            created_at=MADE,
            published_at=MADE,
        ).moved_to(KeyState.ACTIVE, MADE)
        versions.append(version if number == len(made) else version.moved_to(KeyState.DEACTIVATED, MADE))
    ring = KeyRing(family=family, generation=1, changed_at=MADE, versions=tuple(versions))
    return ring, [key.record for key in made]


class Bench:
    """Signer, verifier and cipher over views that are confirmed as of now."""

    def __init__(
        self,
        *,
        algorithms: list[Algorithm] | None = None,
        aes_keys: int = 1,
        seed: int = 1,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.board = MemoryViewBoard()
        self.budget = EncryptionBudget()
        self.jwt_ring, jwt_records = ring_of(Family.JWT, algorithms or [Algorithm.EDDSA], seed)
        self.aes_ring, aes_records = ring_of(Family.AES, [Algorithm.A256GCM] * aes_keys, seed)
        self.signers = {record.kid: _OPENER.signing(record) for record in jwt_records}
        self.aes_records = {record.kid: record for record in aes_records}
        self.confirm()
        self.signer = JwtSigner(self.board, self.clock, PROFILE, WINDOWS)
        self.verifier = JwtVerifier(self.board, self.clock, PROFILE, WINDOWS, MAX_STALE)
        self.cipher = TokenCipher(self.board, self.clock, entropy or SystemEntropy(), self.budget, WINDOWS, MAX_STALE)

    def confirm(self) -> None:
        """Show both views as of now."""
        now_s = self.clock.uptime_s()
        self.board.show(
            SigningView(
                ring=self.jwt_ring,
                confirmed_s=now_s,
                signing=self.signers[self.jwt_ring.active.kid],
                signers=self.signers,
                verifying={
                    version.kid: _OPENER.verifying(version.kid, version.algorithm, version.public_jwk)
                    for version in self.jwt_ring.accepted
                    if version.public_jwk is not None
                },
            )
        )
        opening = {kid: _OPENER.cipher(record) for kid, record in self.aes_records.items()}
        self.board.show(
            CipherView(
                ring=self.aes_ring,
                confirmed_s=now_s,
                sealing=opening[self.aes_ring.active.kid],
                opening=opening,
            )
        )

    @property
    def active_key(self) -> JwsSigningKey:
        """The ACTIVE signing key, whose `key` is the library's object."""
        return self.signers[self.jwt_ring.active.kid]
