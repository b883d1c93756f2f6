"""A table as values."""

from dataclasses import dataclass

from journal_keys.entrypoints.status.words import Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of as many cells as there are heads; the first cell names its row. `empty` says what no row means."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Sentence, ...], ...]
    empty: str
