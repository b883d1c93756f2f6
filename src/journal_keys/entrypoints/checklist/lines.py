"""Every line, in the order of the guide, and how it is answered whatever happens."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from journal_keys.domain.errors import JournalKeysError
from journal_keys.entrypoints.checklist import deployment, security, testing
from journal_keys.entrypoints.checklist.answers import Answer, Line, failed
from journal_keys.entrypoints.checklist.facts import Facts

LINES: Final = (*deployment.LINES, *testing.LINES, *security.LINES)
_CURE: Final = "mend what it says, and ask again"


async def answered(facts: Facts, lines: Sequence[Line] = LINES) -> AsyncIterator[tuple[Line, Answer]]:
    """Answer each line; one whose question cannot be answered has failed, and keeps no other one from it."""
    for line in lines:
        yield line, await _answer(facts, line)


async def _answer(facts: Facts, line: Line) -> Answer:
    try:
        return await line.check(facts)
    except (JournalKeysError, TimeoutError) as failure:
        return failed(str(failure), _CURE)
    except Exception as failure:  # noqa: BLE001 (its text may hold anything, a secret too)
        return failed(f"it could not be found out: {type(failure).__name__}", _CURE)
