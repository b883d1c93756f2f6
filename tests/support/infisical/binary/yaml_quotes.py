"""Quoted YAML scalars as go-yaml v3 reads them (`scannerc.go` v3.0.1)."""

import re
from collections.abc import Mapping

_BREAKS = "\n\r\x85\u2028\u2029"
_BLANKS = " \t"
_LENGTHS = {"x": 2, "u": 4, "U": 8}
_ESCAPES: Mapping[str, str] = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "t": "\t",
    "\t": "\t",
    "n": "\n",
    "v": "\v",
    "f": "\f",
    "r": "\r",
    "e": "\x1b",
    " ": " ",
    '"': '"',
    "'": "'",
    "\\": "\\",
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}
_PLAIN = re.compile(rf"[^\"'\\{_BLANKS}{_BREAKS}]+|['\"\\]")
_HEX = frozenset("0123456789abcdefABCDEF")


class YamlError(Exception):
    """The text is no YAML; the message is go-yaml's."""


def scanner_error(problem: str, started_at: int, found_at: int) -> YamlError:
    """Name the line, counted from 1, but not where both are the first one."""
    line = started_at or found_at
    return YamlError(f"yaml: line {line + 1}: {problem}" if line else f"yaml: {problem}")


class Text:
    """A text that is read from left to right."""

    def __init__(self, whole: str) -> None:
        self.whole = whole
        self.at = 0
        self.line = 0

    @property
    def next(self) -> str:
        """The next character; an empty text at the end."""
        return self.whole[self.at : self.at + 1]

    def take(self) -> str:
        """Go on by one character; CR and LF together are one break."""
        character = self.next
        self.at += 1
        if character == "\r" and self.next == "\n":
            self.at += 1
        if character and character in _BREAKS:
            self.line += 1
            return "\n" if character in "\r\x85" else character
        return character

    def skip(self, characters: str) -> str:
        """Go on over these characters."""
        start = self.at
        while self.next and self.next in characters:
            self.at += 1
        return self.whole[start : self.at]


def double_quoted(text: Text) -> str:
    """Read a scalar from its first double quote to its last one."""
    started_at, parts = text.line, [""]
    text.take()
    while text.next != '"':
        if text.next == "\\":
            parts.append(_escaped(text, started_at))
        else:
            parts.append(_next_of(text, started_at))
    text.take()
    return "".join(parts)


def single_quoted(text: Text) -> str:
    """Read a scalar in single quotes; two of them are one."""
    started_at, parts = text.line, [""]
    text.take()
    while True:
        if text.next == "'":
            text.take()
            if text.next != "'":
                return "".join(parts)
            parts.append(text.take())
        else:
            parts.append(_next_of(text, started_at))


def _next_of(text: Text, started_at: int) -> str:
    """The next character, or what blanks and breaks become."""
    if not text.next:
        raise scanner_error("found unexpected end of stream", started_at, text.line)
    run = _PLAIN.match(text.whole, text.at)
    if run:
        text.at = run.end()
        return run[0]
    blanks = text.skip(_BLANKS)
    return _folded(text) if text.next and text.next in _BREAKS else blanks


def _folded(text: Text) -> str:
    """One break becomes a blank, more of them one break less; separators of lines and paragraphs stay."""
    first, others = text.take(), ""
    text.skip(_BLANKS)
    while text.next and text.next in _BREAKS:
        others += text.take()
        text.skip(_BLANKS)
    return (others or " ") if first == "\n" else first + others


def _escaped(text: Text, started_at: int) -> str:
    text.take()
    code = text.next
    if code and code in _BREAKS:
        text.take()
        text.skip(_BLANKS)
        return ""
    if code in _ESCAPES:
        text.take()
        return _ESCAPES[code]
    if code not in _LENGTHS:
        raise scanner_error("found unknown escape character", started_at, text.line)
    text.take()
    digits = text.whole[text.at : text.at + _LENGTHS[code]]
    if len(digits) < _LENGTHS[code] or not set(digits) <= _HEX:
        raise scanner_error("did not find expected hexdecimal number", started_at, text.line)
    number = int(digits, 16)
    if 0xD800 <= number <= 0xDFFF or number > 0x10FFFF:
        raise scanner_error("found invalid Unicode character escape code", started_at, text.line)
    text.at += len(digits)
    return chr(number)
