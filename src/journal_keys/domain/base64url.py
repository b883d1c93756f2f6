"""Base64url without padding (RFC 4648 §5, RFC 7515 §2), one text for one sequence of bytes."""

import base64
import re
from string import ascii_letters, digits
from typing import Final

_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]*\Z", re.ASCII)
LAST: Final = (ascii_letters + digits + "-_", "", "AQgw", "AEIMQUYcgkosw048")
"""The last characters without stray bits, by the length modulo 4; no text has a length of 1 modulo 4."""


def encode(data: bytes) -> str:
    """Give the text without `=`."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Give the bytes.

    Raises:
        ValueError: padding, white space, another alphabet, an impossible length or stray bits.
    """
    if not _ALPHABET.match(text) or text[-1:] not in LAST[len(text) & 3]:
        raise ValueError("not canonical base64url without padding")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) & 3))
