"""The form of every sealed file: a header that is authenticated, and one AES-256-GCM seal.

Header: four bytes that name the format, one mark of 16 bytes for each thing that the reader has to have right (the key,
the environment), 12 bytes of nonce. A mark tells nothing to whoever does not have the key.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_MARK_BYTES: Final = 16
_TAG_BYTES: Final = 16


class FormError(Exception):
    """No file of this format, or cut off, or too large."""


class MarkError(Exception):
    """The mark at `position` is another: something that the reader has is not what the writer had."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


class ChangedError(Exception):
    """Changed after it was sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One format: its four bytes, what its marks are made of, and the largest file."""

    magic: bytes
    labels: tuple[bytes, ...]
    most: int

    def close(self, text: bytes, key: KeyMaterial, nonce: bytes) -> bytes:
        """Give the file's bytes. The nonce has 12 bytes and is never used again.

        Raises:
            FormError: the file would be too large.
        """
        header = self.magic + b"".join(self._marks(key)) + nonce
        sealed = header + AESGCM(expose(key)).encrypt(nonce, text, header)
        if len(sealed) > self.most:
            raise FormError
        return sealed

    def open(self, data: bytes, key: KeyMaterial) -> bytes:
        """Give what was sealed.

        Raises:
            FormError, MarkError, ChangedError: it cannot be had; the most telling of them.
        """
        length = len(self.magic) + len(self.labels) * _MARK_BYTES + NONCE_BYTES
        if not length + _TAG_BYTES <= len(data) <= self.most or not data.startswith(self.magic):
            raise FormError
        header = data[:length]
        self._compare(header, key)
        try:
            return AESGCM(expose(key)).decrypt(header[-NONCE_BYTES:], data[length:], header)
        except InvalidTag:
            raise ChangedError from None

    def _compare(self, header: bytes, key: KeyMaterial) -> None:
        for position, mark in enumerate(self._marks(key)):
            begin = len(self.magic) + position * _MARK_BYTES
            if not hmac.compare_digest(header[begin : begin + _MARK_BYTES], mark):
                raise MarkError(position)

    def _marks(self, key: KeyMaterial) -> list[bytes]:
        return [hmac.new(expose(key), label, hashlib.sha256).digest()[:_MARK_BYTES] for label in self.labels]
