"""Base64url without padding (RFC 4648 §5, RFC 7515 §2), one text for one sequence of bytes."""

import base64
import re
from typing import Final

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]*\Z", re.ASCII)
_LAST: Final = ("", "", "AQgw", "AEIMQUYcgkosw048")
"""The last characters without stray bits, by the length modulo 4; no text has a length of 1 modulo 4."""


def encode(data: bytes) -> str:
    """Give the text without `=`."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def ends_canonically(text: str) -> bool:
    """Whether the last character carries no stray bits, so that no second text decodes to the same bytes."""
    rest = len(text) & 3
    if rest == 0:
        return True
    return text[-1] in _LAST[rest]


def decode(text: str) -> bytes:
    """Give the bytes.

    Raises:
        ValueError: padding, white space, another alphabet, an impossible length or stray bits.
    """
    if not _ALPHABET.match(text) or not ends_canonically(text):
        raise ValueError("not canonical base64url without padding")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) & 3))
