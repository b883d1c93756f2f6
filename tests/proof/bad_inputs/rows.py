"""Rows of the ledger that no release wrote."""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final, TypeAlias

from journal_keys.adapters.sql import record_rows, rows
from journal_keys.domain import rotation
from journal_keys.domain.audit_chain import EMPTY, link
from journal_keys.domain.keys import Family
from journal_keys.ports.ledger import LedgerCorruptError
from tests.proof.bad_inputs import row_rules
from tests.proof.bad_inputs.documents import altered, strictly_read
from tests.proof.bad_inputs.row_rules import Rule
from tests.proof.bad_inputs.search import REFUSED, Target
from tests.proof.bad_inputs.texts import mangled, noise, noise_bytes
from tests.support.ledger_contract import CAUSE, START, every_state, fact, founding, record

Row: TypeAlias = dict[str, Any]
_GOOD_ENTRIES: Final = tuple(
    record_rows.from_entry(link(EMPTY, one)) for one in (fact(was="ACTIVE"), *founding(Family.AES).facts)
)
_SETTLED: Final = rotation.promote(founding().ring, CAUSE, (record(at=START),)).rotations
_GOOD_ROTATIONS: Final = tuple(record_rows.from_rotation(one) for one in (record(), *_SETTLED))
_GOOD_KEYS: Final = tuple(rows.from_version(one) for family in Family for one in every_state(family).versions)
UNCHECKED: Final = frozenset(
    {"sequence", "actor", "action", "reason", "rotation_id", "scope", "force", "generation"},
)
"""Columns whose type is the schema's promise alone."""
_JSON_COLUMNS: Final = frozenset({"detail", "public_jwk"})


def some_value(held: object, dice: Random) -> object:
    """What another program may have left in a column: SQLite keeps anything in any of them."""
    match dice.randrange(6):
        case 0:
            return dice.choice((None, 0, 1, -1, 2**63 - 1, 1.5, b"", "", "None"))
        case 1:
            return dice.choice((noise(dice), noise_bytes(dice), str(held).encode("utf-8", "replace")))
        case 2 if isinstance(held, str) and held.startswith("{"):
            return altered(json.loads(held), dice)
    return mangled(str(held), dice)


def _damaged(good: tuple[Row, ...], of_their_type: frozenset[str]) -> Callable[[Random], Row]:
    """Give rows of which up to three columns hold something else, of another row or of no row."""

    def make(dice: Random) -> Row:
        row = dict(dice.choice(good))
        for name in dice.sample(tuple(row), k=dice.choice((0, 1, 1, 1, 2, 3))):
            value = dice.choice((some_value(row[name], dice), dice.choice(good)[name]))
            if name not in of_their_type or type(value) is type(row[name]):
                row[name] = value
        return row

    return make


def _judged(
    rules: Mapping[str, Rule], written: Callable[[Any], Row], fits: Rule = lambda _: True
) -> Callable[[Row, object], str | None]:
    """Judge by each column's own rule; what was read is written again as the same row, the form of JSON aside."""

    def fault(row: Row, got: object) -> str | None:
        bad = [name for name, is_good in rules.items() if not is_good(row[name])]
        if got is REFUSED:
            return None if bad or not fits(row) else "a good row was refused"
        if bad or not fits(row):
            return f"read with {bad}"
        return None if repr(_loaded(written(got))) == repr(_loaded(row)) else f"read as {got}"

    return fault


def _loaded(row: Row) -> Row:
    return {
        name: sorted(strictly_read(one).items()) if name in _JSON_COLUMNS and one else one for name, one in row.items()
    }


ENTRY: Final[Target[Row]] = Target(
    name="audit rows",
    make=_damaged(_GOOD_ENTRIES, UNCHECKED),
    read=record_rows.to_entry,
    refusals=(LedgerCorruptError,),
    fault=_judged(row_rules.ENTRY, record_rows.from_entry),
    share=2_000,
)
ROTATION: Final[Target[Row]] = Target(
    name="rotation rows",
    make=_damaged(_GOOD_ROTATIONS, UNCHECKED),
    read=record_rows.to_rotation,
    refusals=(LedgerCorruptError,),
    fault=_judged(row_rules.ROTATION, record_rows.from_rotation),
    share=2_000,
)
KEY: Final[Target[Row]] = Target(
    name="key rows",
    make=_damaged(_GOOD_KEYS, frozenset()),
    read=rows.to_version,
    refusals=(LedgerCorruptError,),
    fault=_judged(row_rules.KEY, rows.from_version, row_rules.fits_its_family),
    share=2_000,
)
