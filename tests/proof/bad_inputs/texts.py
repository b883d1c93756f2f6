"""Texts and bytes that are nearly good, or nothing at all."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

ODD: Final[tuple[str, ...]] = (
    *"\x00\x01\x1b\x7f\x85\n\r\t =.:;,/\\%+-_'\"{}[]()<>@#?&*|~^$",
    "\u00e9",  # outside ASCII
    "\u0131",  # dotless i
    "\u017f",  # long s, which upper() makes S
    "\u212a",  # Kelvin sign, which lower() makes k
    "\u0663",  # a digit, but not of ASCII
    "\uff11",  # a full-width digit
    "\u00ad",  # soft hyphen
    "\u200b",  # zero width
    "\u202e",  # right to left
    "\u2028",  # a line separator
    "\u2044",  # a slash, but not that one
    "\ufeff",  # byte order mark
    "\ud800",  # half a character
    "\udcff",  # a byte that was no UTF-8
    "\U0001f511",
    "%2e",
    "%00",
    "==",
    "\r\n",
    "..",
    "//",
    "\u0301",  # combines with the character before it
)
_ALPHABETS: Final = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=",
    "0123456789abcdef",
    '{}[]",:0123456789.eE+-truefalsn ',
    "".join(ODD),
)
_LONGEST: Final = 80


def noise(dice: Random) -> str:
    """Text of any characters, or of one alphabet."""
    size = int(_LONGEST * dice.random() ** 3)
    if dice.random() < 0.2:
        return "".join(chr(dice.randrange(0x110000)) for _ in range(size))
    return "".join(dice.choices(dice.choice(_ALPHABETS), k=size))


def odd(dice: Random) -> str:
    """One character, or a few, that parsers forget."""
    return dice.choice(ODD)


_CHANGES: Final[tuple[Callable[[str, str, str, Random], str], ...]] = (
    lambda head, _part, _tail, _dice: head,
    lambda _head, part, tail, _dice: part + tail,
    lambda head, _part, tail, _dice: head + tail,
    lambda head, part, tail, dice: head + odd(dice) + part + tail,
    lambda head, _part, tail, dice: head + odd(dice) + tail,
    lambda head, part, tail, dice: head + part * dice.choice((2, 3, 40)) + tail,
    lambda head, part, tail, _dice: head + part.swapcase() + tail,
    lambda head, part, tail, dice: head + part + tail + odd(dice),
    lambda head, part, tail, dice: odd(dice) + head + part + tail,
    lambda head, part, tail, _dice: head + part[::-1] + tail,
    lambda head, part, tail, dice: head + "".join(_neighbour(one, dice) for one in part) + tail,
    lambda head, part, tail, dice: head + _neighbour(part[:1] or "x", dice) + part[1:] + tail,
    lambda head, part, tail, dice: head + "".join(dice.choices(dice.choice(_ALPHABETS), k=len(part))) + tail,
)


def mangled(text: str, dice: Random, others: Sequence[str] = ()) -> str:
    """The text with one to three small changes; `others` are good texts to splice with."""
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        text = _changed(text, dice, others)
    return text


def _changed(text: str, dice: Random, others: Sequence[str]) -> str:
    start = dice.randrange(len(text) + 1)
    end = min(len(text), start + int(10 * dice.random() ** 2) + 1)
    if others and dice.random() < 0.1:
        other = dice.choice(others)
        return text[:start] + other[min(start, len(other)) :]
    return dice.choice(_CHANGES)(text[:start], text[start:end], text[end:], dice)


def _neighbour(character: str, dice: Random) -> str:
    """The character with one bit flipped."""
    return chr((ord(character) ^ 1 << dice.randrange(8)) % 0x110000)


def noise_bytes(dice: Random) -> bytes:
    """Bytes of any value."""
    return dice.randbytes(int(200 * dice.random() ** 2))


def mangled_bytes(data: bytes, dice: Random, others: Sequence[bytes] = ()) -> bytes:
    """The bytes with one to three small changes; latin-1 makes each byte one character."""
    spliced = [other.decode("latin-1") for other in others]
    text = mangled(data.decode("latin-1"), dice, spliced)
    return text.encode("latin-1", "replace")


def wrong_type(dice: Random) -> object:
    """What is no text at all."""
    return dice.choice((None, True, 0, -1, 1.5, b"", b"bytes", [], ["text"], {}, (), object))
