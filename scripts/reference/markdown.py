"""Tables and words of Markdown."""

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Give a table, its cells as they are but for bars and line ends."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def code(text: object) -> str:
    """Give it as code; nothing where it is empty."""
    return f"`{text}`" if str(text) else ""


def one_of(values: Iterable[object]) -> str:
    """Give these values as code, with commas between."""
    return ", ".join(code(value) for value in values)


def sentence(doc: str | None) -> str:
    """Give the first sentence of a docstring, on one line."""
    first = " ".join((doc or "").strip().split("\n\n")[0].split())
    end = first.find(". ")
    return first if end < 0 else first[: end + 1]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
