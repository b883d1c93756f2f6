"""Rotating rings for whoever asks: an operator, a caller over HTTP, the application."""

from collections.abc import Iterable

from journal_keys.container import Container
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import RotationOutcome


async def rotate_each(
    container: Container, families: Iterable[Family], request: RotationRequest
) -> dict[Family, RotationOutcome | JournalKeysError]:
    """Give each ring's outcome, or its error: one ring's failure does not keep another from rotating."""
    results: dict[Family, RotationOutcome | JournalKeysError] = {}
    for family in families:
        try:
            results[family] = await container.rotate_keys()(family, request)
        except JournalKeysError as failure:
            results[family] = failure
    return results
