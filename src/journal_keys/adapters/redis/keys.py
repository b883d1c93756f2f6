"""The keys under which things are sealed: derived from keys that Redis never sees."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from journal_keys.adapters.redis.namespace import Namespace, joined
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Kid
from journal_keys.ports.key_crypto import CipherKey
from journal_keys.ports.view_board import ViewBoard

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
class DerivedKeys:
    """Keys of one environment and one purpose only; derived once per kid."""

    source: KeySource
    namespace: Namespace
    purpose: bytes
    _sealers: dict[Kid, Sealer] = field(default_factory=dict)

    def sealer(self, kid: Kid | None = None) -> Sealer | None:
        """Give what seals and opens, with this kid or the newest.

        A kid that its source no longer names is not looked up among the held ones.
        """
        key = self.source.newest() if kid is None else self.source.named(kid)
        if key is None:
            return None
        made = self._sealers.get(key.kid)
        if made is None:
            if len(self._sealers) >= _MOST_HELD:
                self._sealers.clear()
            made = self._sealers[key.kid] = self._derived(key)
        return made

    def _derived(self, key: CipherKey) -> Sealer:
        return Sealer(key.kid, AESGCM(expose(key.derive(joined(self.purpose, self.namespace.identity)))))
