"""What is shown of the status, drawn for a terminal: nothing of it is read as markup, colours only repeat words."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from journal_keys.domain.forms import iso
from journal_keys.domain.keys import KeyState
from journal_keys.entrypoints.cli.output import printable
from journal_keys.entrypoints.status.page import Page
from journal_keys.entrypoints.status.rings import RingPart
from journal_keys.entrypoints.status.table import Table
from journal_keys.entrypoints.status.timeline import Bar, Lane, Timeline
from journal_keys.entrypoints.status.words import Moment, Sentence, plain

_LETTERS: Final = {
    KeyState.PRE_ACTIVATION: ("P", "cyan"),
    KeyState.ACTIVE: ("A", "green"),
    KeyState.DEACTIVATED: ("D", "yellow"),
    KeyState.COMPROMISED: ("C", "red"),
}
_LEGEND: Final = "P staged  A in use  D reads only  C compromised; in small letters what is to come; | now"
_KID: Final = 14
_LEAST_BAR: Final = 10
_MOST_BAR: Final = 80
_GAP: Final = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One picture of what the status page shows; `seen_at` is when the ledger was read last, None: never."""

    page: Page
    seen_at: datetime | None

    def draw(self, width: int) -> RenderableType:
        """Give it for a terminal of so many columns."""
        page = self.page
        parts = (
            self._head(),
            self._answers(),
            *(_ring(ring, width) for ring in page.rings),
            _part("Instances", _tables(page.instances, width)),
            _part("Audit", [_said(page.answers[-1].lines[0]), *_tables([page.audit], width)]),
            _part("Health", _tables([page.health], width)),
            _part("Figures", [_said(f"{page.counted}."), *_tables(page.figures, width)]),
        )
        return Group(*(line for part in parts for line in part))

    def _head(self) -> Iterator[Text]:
        yield Text(f"journal-keys status at {self.page.at.iso} by the ledger's clock", style="bold")
        if self.page.clocks:
            yield _said(self.page.clocks)
        if self.page.failure:
            then = f"; its rings are as of {Moment(self.seen_at, self.page.at.at)}" if self.seen_at else ""
            yield Text(f"! the ledger cannot be read: {printable(self.page.failure)}{then}", style="red")

    def _answers(self) -> Iterator[RenderableType]:
        for answer in self.page.answers:
            mark, style = ("  ", "") if answer.is_well else ("! ", "red")
            yield Text(f"{mark}{answer.question}", style="bold")
            yield from (_indented(_said(line, style=style), by=2) for line in answer.lines)


def _part(title: str, lines: Iterable[RenderableType]) -> Iterator[RenderableType]:
    yield Text()
    yield Text(f"== {title}", style="bold")
    yield from lines


def _ring(ring: RingPart, width: int) -> Iterator[RenderableType]:
    facts = [_said(f"{plain(fact)}.") for fact in ring.facts]
    drawn = _timeline(ring.timeline, width) if ring.timeline else ()
    yield from _part(ring.title, [*facts, *drawn, *_tables(ring.tables, width)])


def _timeline(line: Timeline, width: int) -> Iterator[Text]:
    columns = min(max(width - _KID - 1, _LEAST_BAR), _MOST_BAR)
    now = min(int(line.axis.now_x * columns / 100), columns - 1)
    for lane in line.lanes:
        yield Text(f"{_short(lane.version.kid)} ", no_wrap=True).append_text(_bars(lane, columns, now))
    yield Text(f"from {iso(line.axis.begins)} to {iso(line.axis.ends)}, now {iso(line.axis.now)}", style="dim")
    yield Text(_LEGEND, style="dim")


def _bars(lane: Lane, columns: int, now: int) -> Text:
    """Draw a letter for each part of the axis that a bar lies in, and `|` for now where none does."""
    letters = [("|", "dim") if column == now else (" ", "") for column in range(columns)]
    for bar in sorted(lane.bars, key=lambda one: not one.is_to_come):  # what is wins over what is to come
        begin = min(int(bar.x * columns / 100), columns - 1)
        end = max(round((bar.x + bar.width) * columns / 100), begin + 1)
        letters[begin:end] = [_letter(bar)] * (min(end, columns) - begin)
    drawn = Text(no_wrap=True)
    for (letter, style), same in groupby(letters):
        drawn.append(letter * len(list(same)), style)
    return drawn


def _letter(bar: Bar) -> tuple[str, str]:
    letter, style = _LETTERS[bar.state]
    return (letter.lower(), style) if bar.is_to_come else (letter, style)


def _short(kid: str) -> str:
    return kid.ljust(_KID) if len(kid) <= _KID else f"{kid[: _KID - 1]}~"


def _tables(tables: Iterable[Table], width: int) -> Iterator[RenderableType]:
    for table in tables:
        if not table.rows:
            yield Text.assemble((f"{table.caption}: ", "bold"), table.empty)
            continue
        yield Text(table.caption, style="bold")
        rows = [[_text(cell) for cell in row] for row in table.rows]
        widths = [max(map(cell_len, column)) for column in zip(table.heads, *rows, strict=True)]
        is_wide_enough = sum(widths) + len(_GAP) * len(widths) <= width
        yield from _columns(table.heads, rows, widths) if is_wide_enough else _records(table.heads, rows)


def _columns(heads: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> Iterator[Text]:
    for row, style in ((heads, "dim"), *((row, "") for row in rows)):
        padded = (cell + " " * (wide - cell_len(cell)) for cell, wide in zip(row, widths, strict=True))
        yield Text((_GAP + _GAP.join(padded)).rstrip(), style=style, no_wrap=True)


def _records(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[RenderableType]:
    """Give each row as a sentence: what has no room beside each other, wraps."""
    for row in rows:
        told = "; ".join(f"{head}: {cell}" for head, cell in zip(heads, row, strict=True))
        yield _indented(Text(told))


def _text(cell: Sentence) -> str:
    return printable(plain(cell))


def _said(text: str, *, style: str = "") -> Text:
    return Text(printable(text), style=style)


def _indented(text: Text, *, by: int = 1) -> Padding:
    return Padding(text, (0, 0, 0, by * len(_GAP)), expand=False)
