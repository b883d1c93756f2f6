"""Base64url without padding, in less time than the standard library takes."""

import pybase64

from journal_keys.domain import base64url


def strict_decode(text: str) -> bytes:
    """Give the bytes of canonical base64url without padding, as `domain.base64url.decode` does, in less time.

    Raises:
        ValueError: anything else.
    """
    if not base64url.ends_canonically(text) or "=" in text:
        raise ValueError("not canonical base64url without padding")
    return pybase64.b64decode(text + "=="[: -len(text) & 3], altchars=b"-_", validate=True)
