"""Base64url without padding, in less time than the standard library takes."""

from typing import Final

import pybase64

from journal_keys.domain.base64url import LAST

_FORMS: Final = tuple(zip(LAST, ("", "", "==", "="), strict=True))
"""The allowed last characters and the padding, by the length modulo 4."""


def encode(raw: bytes) -> bytes:
    """Give canonical base64url without padding."""
    return pybase64.b64encode(raw, b"-_").rstrip(b"=")


def strict_decode(text: str) -> bytes:
    """Give the bytes of canonical base64url without padding, as `domain.base64url.decode` does, in less time.

    Raises:
        ValueError: anything else.
    """
    last, padding = _FORMS[len(text) & 3]
    if "+" in text or "/" in text or text[-1:] not in last:
        raise ValueError("not canonical base64url without padding")
    return pybase64.b64decode(text + padding, b"-_", True)  # noqa: FBT003 (positional is faster)
