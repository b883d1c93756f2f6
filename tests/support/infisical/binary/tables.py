"""Tables in light boxes (`packages/visualize/visualize.go` v0.42.1, jedib0t/go-pretty)."""

import re
import unicodedata
from collections.abc import Sequence
from itertools import chain

_WIDE = frozenset({"W", "F"})
_NO_WIDTH = frozenset({"Mn", "Me", "Cf", "Cc", "Zl", "Zp"})
_NO_CHARACTERS = "\ufffe\uffff"
_ESCAPE_SEQUENCE = re.compile("\x1b[^m]*m?")


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Give a table; a value of many lines takes many lines."""
    cells = [[_lines(text) for text in row] for row in (headers, *rows)]
    widths = [max(_width(line) for row in cells for line in row[column]) for column in range(len(headers))]
    top, *below = [_row(row, widths) for row in cells]
    lines = [_rule("┌", "┬", "┐", widths), *top, _rule("├", "┼", "┤", widths)]
    lines += [*chain.from_iterable(below), _rule("└", "┴", "┘", widths), ""]
    return "\n".join(lines)


def _rule(left: str, middle: str, right: str, widths: Sequence[int]) -> str:
    return left + middle.join("─" * (width + 2) for width in widths) + right


def _row(cells: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    height = max(len(lines) for lines in cells)
    filled = [[*lines, *[""] * (height - len(lines))] for lines in cells]
    return [
        "│" + "│".join(f" {_padded(lines[depth], width)} " for lines, width in zip(filled, widths, strict=True)) + "│"
        for depth in range(height)
    ]


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\t", "    ").split("\n")


def _padded(line: str, width: int) -> str:
    return line + " " * (width - _width(line))


def _width(line: str) -> int:
    if line.isascii() and line.isprintable():
        return len(line)
    return sum(map(_width_of, _ESCAPE_SEQUENCE.sub("", line)))


def _width_of(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH or character in _NO_CHARACTERS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1
