"""The keys under which things are sealed and vouched for: derived from keys that Redis never sees."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from journal_keys.adapters.redis.namespace import Namespace, joined
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.key_crypto import CipherKey
from journal_keys.ports.view_board import ViewBoard

T = TypeVar("T")
_MOST_HELD: Final = 64


class KeySource(Protocol):
    """The keys to derive from."""

    def newest(self) -> CipherKey | None:
        """Give the one to seal with."""

    def named(self, kid: Kid) -> CipherKey | None:
        """Give the one that has this kid."""


@dataclass(frozen=True, slots=True)
class RingKeys(KeySource):
    """The aes ring as this process sees it now. A key that left the ring opens nothing any more."""

    board: ViewBoard

    def newest(self) -> CipherKey | None:
        """Give the ACTIVE key."""
        view = self.board.cipher
        return None if view is None else view.sealing

    def named(self, kid: Kid) -> CipherKey | None:
        """Give an accepted key."""
        view = self.board.cipher
        return None if view is None else view.opening.get(kid)


@dataclass(frozen=True, slots=True)
class OneKey(KeySource):
    """A key from a setting."""

    key: CipherKey

    def newest(self) -> CipherKey | None:
        """Give it."""
        return self.key

    def named(self, kid: Kid) -> CipherKey | None:
        """Give it, if that is its name."""
        return self.key if kid == self.key.kid else None


@dataclass(frozen=True, slots=True)
class Sealer:
    """AES-256-GCM under a derived key."""

    kid: Kid
    gcm: AESGCM


@dataclass(frozen=True, slots=True)
class Voucher:
    """HMAC-SHA256 under a derived key."""

    kid: Kid
    key: KeyMaterial

    def tag(self, message: bytes) -> str:
        """Give 64 hex digits."""
        return hmac.new(expose(self.key), message, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class DerivedKeys:
    """Keys for each purpose, of one environment only; derived once per kid."""

    source: KeySource
    namespace: Namespace
    _sealers: dict[Kid, Sealer] = field(default_factory=dict)
    _vouchers: dict[Kid, Voucher] = field(default_factory=dict)

    def sealer(self, kid: Kid | None = None) -> Sealer | None:
        """Give what seals and opens, with this kid or the newest."""
        return self._derived(kid, self._sealers, self._sealer)

    def voucher(self, kid: Kid | None = None) -> Voucher | None:
        """Give what vouches for hints, with this kid or the newest."""
        return self._derived(kid, self._vouchers, self._voucher)

    def _derived(self, kid: Kid | None, held: dict[Kid, T], make: Callable[[CipherKey], T]) -> T | None:
        """A kid that its source no longer names is not looked up among the held ones."""
        key = self.source.newest() if kid is None else self.source.named(kid)
        if key is None:
            return None
        made = held.get(key.kid)
        if made is None:
            if len(held) >= _MOST_HELD:
                held.clear()
            made = held[key.kid] = make(key)
        return made

    def _sealer(self, key: CipherKey) -> Sealer:
        return Sealer(key.kid, AESGCM(expose(key.derive(joined(b"redis secrets", self.namespace.identity)))))

    def _voucher(self, key: CipherKey) -> Voucher:
        return Voucher(key.kid, key.derive(joined(b"redis hints", self.namespace.identity)))
