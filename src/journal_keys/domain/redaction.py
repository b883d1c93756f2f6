"""What text may show: no control character, and nothing that has the form of a secret.

This is a second net. The first is that only named fields are logged at all.
"""

import re
from re import Match
from typing import Final

REDACTED: Final = "[redacted]"
CUT: Final = " [cut]"
_MOST_CHARACTERS: Final = 4096
_LONG: Final = 43
"""Characters of 32 bytes as base64."""
_HEX_LONG: Final = 64
_SHAPES: Final = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"-----BEGIN [A-Z0-9 ]*-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)",  # PEM, also one that was cut off
        r"b'(?:[^'\\]|\\.)*\\x[0-9a-f]{2}(?:[^'\\]|\\.)*(?:'|\Z)",  # bytes as Python shows them
        r'b"(?:[^"\\]|\\.)*\\x[0-9a-f]{2}(?:[^"\\]|\\.)*(?:"|\Z)',
        r"(?:\\(?:x|u00|udc)[0-9a-f]{2}[!-\[\]-~]{0,6}){6,}",  # bytes as `escaped` shows them
        r"(?<=://)(?:[^\s@/]*:\S*@|[^\s/@]+@)",  # who logs in with which password, RFC 3986 §3.2.1
        r"(?i:(?<=bearer)\s+)[A-Za-z0-9._~+/=-]{8,}",
        r"(?:eyJ|eyA|ewo)[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)+",  # JWS and JWE: their headers begin with {
        r"jka_[A-Za-z0-9_-]+",
        r"jk2\.[A-Za-z0-9_.-]+",
        r"st\.[0-9a-f-]{8,}\.[A-Za-z0-9_.-]+",  # service tokens of Infisical
        r"AGE-SECRET-KEY-[A-Z0-9]+",
        r"whsec_[A-Za-z0-9+/=_-]+",  # Standard Webhooks
        r"[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    )
)
_NAMED: Final = re.compile(
    r"""((?:password|passwd|passphrase|secret|token|authorization|credential)\w*(?:=|\\?["']\s*[:=]\s*)\\?["']?)"""
    r"""[^\s"',;&\\]+""",
    re.IGNORECASE,
)
_LONG_RUN: Final = re.compile(rf"[A-Za-z0-9_-]{{{_LONG},}}={{0,2}}|[A-Za-z0-9+/]{{{_LONG},}}={{0,2}}")
_HEX_RUN: Final = re.compile(rf"[0-9a-fA-F]{{{_HEX_LONG},}}")


def shown(text: str, *, is_identifier: bool = False) -> str:
    """Give what may be shown of a text in one line of at most 4096 characters."""
    return redacted(_cut(escaped(text)), is_identifier=is_identifier)


def escaped(text: str) -> str:
    r"""Write what a terminal obeys, or what ends a line for anybody, as `\n`, `\x1b` or `\u2028`."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def redacted(text: str, *, is_identifier: bool = False) -> str:
    """Put `[redacted]` in the place of what has the form of a token, a key, a ciphertext or a password.

    An identifier, such as a kid or a digest, may be long; in any other text 43 characters of base64, or 64 of hex, are
    taken for a key.
    """
    for shape in _SHAPES:
        text = shape.sub(REDACTED, text)
    text = _NAMED.sub(rf"\1{REDACTED}", text)
    if is_identifier:
        return text
    return _LONG_RUN.sub(_unless_words, _HEX_RUN.sub(REDACTED, text))


def _cut(text: str) -> str:
    """Cut between words, so that no part of a secret stays that is not known by its form any more."""
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS].rpartition(" ")[0] + CUT


def _unless_words(found: Match[str]) -> str:
    """Leave names in lower or upper case alone: 32 random bytes as base64 have letters of both."""
    run = found[0]
    is_path = "/" in run and not any(one in run for one in "+=0123456789")
    return run if is_path or run in {run.lower(), run.upper()} else REDACTED
