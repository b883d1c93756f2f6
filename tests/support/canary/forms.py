"""The forms in which secret bytes may turn up: raw, text, hex, base64, URL, JSON, repr, label, one in another.

A secret is looked for by pieces of 16 bytes, so that a part of it, or a line break in the midst of it, hides nothing
of 31 bytes or more. Each encoder gives what a piece becomes wherever in a longer text it stands.
"""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote_from_bytes

PIECE: Final = 16
SHORTEST: Final = 16
"""No needle is shorter: anything less could be met by chance, or be no secret at all."""
_MOST_PIECES: Final = 8

_NOT_ASCII: Final = bytes(range(0x80, 0x100))
_BYTES: Final = [bytes([number]) for number in range(256)]
_AS_REPR: Final = [repr(byte)[2:-1].replace("\\'", "'") for byte in _BYTES]
_AS_LATIN_REPR: Final = [repr(byte.decode("latin-1"))[1:-1].replace("\\'", "'") for byte in _BYTES]
_AS_NEEDED: Final = [quote_from_bytes(byte, safe="") for byte in _BYTES]
_AS_NEEDED_LOWER: Final = [text.lower() if len(text) > 1 else text for text in _AS_NEEDED]
_ESCAPED: Final = [f"%{number:02X}" for number in range(256)]
_ESCAPED_LOWER: Final = [text.lower() for text in _ESCAPED]


class Needle(NamedTuple):
    """Bytes to look for, and the form in words."""

    form: str
    text: bytes


def pieces(secret: bytes) -> list[bytes]:
    """Cut a secret into pieces of 16 bytes, the last one flush with its end."""
    starts = [*range(0, len(secret) - PIECE, PIECE)[: _MOST_PIECES - 1], len(secret) - PIECE]
    return [secret[start : start + PIECE] for start in starts if start >= 0]


def _hex(piece: bytes) -> set[bytes]:
    text = piece.hex().encode()
    return {text, text.upper()}


def _base64(piece: bytes) -> set[bytes]:
    """Give the characters that the piece alone decides, for each of the three offsets and both alphabets."""
    found = set()
    for offset in range(3):
        first, end = -(-8 * offset // 6), 8 * (offset + len(piece)) // 6
        text = base64.b64encode(bytes(offset) + piece)[first:end]
        found |= {text, text.replace(b"+", b"-").replace(b"/", b"_")}
    return found


def _url(piece: bytes) -> set[bytes]:
    """Percent-encode: as little or as much as encoders do, in upper and lower case, with `/` and `+` as some do."""
    found = {"".join(map(table.__getitem__, piece)) for table in (_ESCAPED, _ESCAPED_LOWER)}
    for table in (_AS_NEEDED, _AS_NEEDED_LOWER):
        text = "".join(map(table.__getitem__, piece))
        with_slash = text.replace("%2F", "/").replace("%2f", "/")
        found |= {text, with_slash, text.replace("%20", "+"), with_slash.replace("%20", "+")}
    return {text.encode() for text in found}


def _query(piece: bytes) -> set[bytes]:
    """Percent-encode what is text already: of base64, the characters `+` and `/`."""
    return {"".join(map(table.__getitem__, piece)).encode() for table in (_AS_NEEDED, _AS_NEEDED_LOWER)}


def _as_utf8(piece: bytes) -> str:
    """Read a piece whose outer characters may be cut as UTF-8; of what is none, give nothing."""
    text = piece.decode("utf-8", "ignore")
    return text if len(text.encode()) >= len(piece) - 6 else ""


def _json(piece: bytes) -> set[bytes]:
    texts = (piece.decode("latin-1"), _as_utf8(piece))
    return {json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode() for text in texts for ascii_only in (True, False)}


def _repr(piece: bytes) -> set[bytes]:
    """Give the repr of bytes and of text; whether quotes are escaped depends on what stands around."""
    found = {"".join(map(table.__getitem__, piece)) for table in (_AS_REPR, _AS_LATIN_REPR)}
    found.add("".join(repr(character)[1:-1].replace("\\'", "'") for character in _as_utf8(piece)))
    found |= {text.replace("'", "\\'") for text in found}
    return {text.encode() for text in found} | {text.encode("ascii", "backslashreplace") for text in found}


def _label(piece: bytes) -> set[bytes]:
    """Escape as little as a label of a figure does, which is less than JSON."""
    text = piece.decode("latin-1").replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
    return {text.encode()}


def _misread(secret: bytes) -> Needle:
    """Give what is left of a secret that was read as UTF-8, with a mark for what is none, from ASCII to ASCII."""
    return Needle("text", secret.strip(_NOT_ASCII).decode("utf-8", "replace").encode())


ENCODERS: Final[Mapping[str, Callable[[bytes], set[bytes]]]] = {
    "raw bytes": lambda piece: {piece},
    "text": lambda piece: {piece.decode("latin-1").encode()},
    "hex": _hex,
    "base64": _base64,
    "URL encoding": _url,
    "JSON escapes": _json,
    "repr": _repr,
    "a label of a figure": _label,
}
_ONE_IN_ANOTHER: Final = (
    ("base64", "base64", _base64),  # a material record holds its key as base64url, and is base64url itself
    ("base64", "a query", _query),
    ("repr", "JSON escapes", _json),  # a log line about bytes
    ("JSON escapes", "JSON escapes", _json),
    ("JSON escapes", "repr", _repr),  # an exception about a document
    ("repr", "repr", _repr),
)


@lru_cache(maxsize=4096)
def needles(secret: bytes) -> tuple[Needle, ...]:
    """Give all that betrays a secret of at least 16 bytes; of a shorter one, nothing."""
    found = {needle.text: needle for piece in pieces(secret) for needle in _of_piece(piece)}
    if found:
        found[_misread(secret).text] = _misread(secret)
    return tuple(needle for text, needle in found.items() if len(text) >= SHORTEST)


def _of_piece(piece: bytes) -> Iterator[Needle]:
    plain = {form: encoder(piece) for form, encoder in ENCODERS.items()}
    for inner, outer, encoder in _ONE_IN_ANOTHER:
        for text in plain[inner] - {piece}:
            yield from (Needle(f"{inner} in {outer}", again) for again in encoder(text))
    for form, texts in plain.items():
        yield from (Needle(form, text) for text in texts)
