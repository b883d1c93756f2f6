"""Base64url without padding, in less time than the standard library takes."""

from typing import Final

import pybase64

from journal_keys.domain import base64url

_PADDING: Final = ("", "", "==", "=")


def strict_decode(text: str) -> bytes:
    """Give the bytes of canonical base64url without padding, as `domain.base64url.decode` does, in less time.

    Raises:
        ValueError: anything else.
    """
    if "+" in text or "/" in text or "=" in text or not base64url.ends_canonically(text):
        raise ValueError("not canonical base64url without padding")
    return pybase64.b64decode(text + _PADDING[len(text) & 3], b"-_", True)  # noqa: FBT003 (positional is faster)
