"""A ledger's SQLite file in which another program changed one cell."""

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.sql import record_rows, rows
from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.ledger import SqlLedger
from journal_keys.adapters.sql.schema import upgrade
from journal_keys.domain.audit_chain import EMPTY, head_of, link
from journal_keys.domain.errors import AuditChainBrokenError
from journal_keys.domain.keys import Family
from journal_keys.domain.ledger_clock import ClockWentBackError
from journal_keys.ports.ledger import LedgerError
from journal_keys.use_cases.verify_audit import VerifyAudit
from tests.proof.bad_inputs.rows import UNCHECKED, some_value
from tests.proof.bad_inputs.search import REFUSED, Target
from tests.support.ledger_contract import SKEW, START, every_state, fact, record

_TABLES: Final = ("rings", "key_versions", "rotations", "audit", "ledger_clock")


@dataclass(frozen=True, slots=True)
class Cell:
    """A place in the file, what is there, and what comes there; bytes may come as text that is no UTF-8."""

    table: str
    row: int
    column: str
    held: object
    value: object
    as_text: bool = False


class LedgerFile:
    """One file and two programs on it: ours, and one that follows no rules."""

    def __init__(self, runner: asyncio.Runner, ledger: SqlLedger, other: sqlite3.Connection) -> None:
        self._runner = runner
        self._ledger = ledger
        self._other = other
        self.cells: tuple[Cell, ...] = tuple(self._cells())
        self.kept = runner.run(ledger.head())
        self.untouched = repr(runner.run(self._all()))

    def _cells(self) -> Iterator[Cell]:
        for table in _TABLES:
            found = self._other.execute(f"SELECT rowid AS here, * FROM {table}")  # noqa: S608 (names of ours)
            names = [description[0] for description in found.description][1:]
            for row, *values in found:
                yield from (Cell(table, row, name, held, held) for name, held in zip(names, values, strict=True))

    def read(self, cell: Cell) -> object:
        """Change the cell, read everything, change it back; REFUSED where the database itself refuses the change."""
        try:
            self._put(cell, cell.value, as_text=cell.as_text)
        except sqlite3.IntegrityError:
            return REFUSED
        try:
            return repr(self._runner.run(self._all()))
        finally:
            self._put(cell, cell.held)

    def _put(self, cell: Cell, value: object, *, as_text: bool = False) -> None:
        new = "CAST(? AS TEXT)" if as_text else "?"
        statement = f"UPDATE {cell.table} SET {cell.column} = {new} WHERE rowid = ?"  # noqa: S608 (names of ours)
        self._other.execute(statement, (value, cell.row))

    async def _all(self) -> object:
        ledger = self._ledger
        pages = [await ledger.read(family) for family in Family]
        head = await VerifyAudit(trail=ledger)(kept=self.kept)
        return await ledger.heads(), pages, await ledger.rotations("nightly-7"), head

    def fault(self, cell: Cell, got: object) -> str | None:
        """Changed state may be well-formed; a changed audit trail never is."""
        if got is REFUSED:
            return "an untouched file was refused" if cell in self.cells else None
        if cell.table == "audit" and got != self.untouched:
            return "a changed audit trail was read as good"
        return None

    def some_cell(self, dice: Random) -> Cell:
        """A change that the file lets happen."""
        cell = dice.choice(self.cells)
        if dice.random() < 0.1:
            return cell
        value = some_value(cell.held, dice)
        as_text = isinstance(value, str) or cell.column in UNCHECKED or dice.random() < 0.5
        if isinstance(value, str):
            value = value.encode("utf-8", dice.choice(("replace", "surrogatepass")))
        return Cell(cell.table, cell.row, cell.column, cell.held, value, as_text and isinstance(value, bytes))


def _content() -> Iterator[tuple[str, Mapping[str, object]]]:
    for family in Family:
        ring = every_state(family)
        yield "rings", rows.from_ring(ring)
        yield from (("key_versions", rows.from_version(version)) for version in ring.versions)
    yield "rotations", record_rows.from_rotation(record())
    head = EMPTY
    for number in range(3):
        entry = link(head, fact(number=str(number)))
        head = head_of(entry)
        yield "audit", record_rows.from_entry(entry)


def _fill(other: sqlite3.Connection) -> None:
    for table, row in _content():
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        other.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608 (ours)


@contextmanager
def cell_target() -> Iterator[Target[Cell]]:
    """The ledger over a file in a folder of its own."""
    with TemporaryDirectory() as folder, asyncio.Runner() as runner:
        path = Path(folder) / "ledger.db"
        stack: Any = AsyncExitStack()
        engine = runner.run(stack.enter_async_context(ledger_engine(f"sqlite+aiosqlite:///{path}")))
        try:
            runner.run(upgrade(engine))
            ledger = SqlLedger(engine, ManualClock(START), SKEW)
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("PRAGMA synchronous = OFF")
                _fill(other)
                runner.run(ledger.accept_clock(actor="ops", reason="the first"))
                file = LedgerFile(runner, ledger, other)
                yield Target(
                    name="ledger file",
                    make=file.some_cell,
                    read=file.read,
                    refusals=(LedgerError, AuditChainBrokenError, ClockWentBackError),
                    fault=file.fault,
                    share=80,
                )
        finally:
            runner.run(stack.aclose())
