"""Rotating rings, and taking keys out of use, for whoever asks: an operator, a caller over HTTP, the application."""

from collections.abc import Iterable

from journal_keys import events
from journal_keys.container import Container
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.errors import JournalKeysError, UnknownKeyError
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.outcomes import Compromised, CompromiseOutcome, RotationOutcome


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


async def compromise(container: Container, kid: Kid, *, actor: str, reason: str) -> CompromiseOutcome:
    """Take a key out of use in whichever ring has it.

    Raises:
        UnknownKeyError: none ever had.
        PortError: store or ledger failed.
    """
    for family in Family:
        ring = (await container.ledger().read(family)).ring
        if ring is not None and ring.find(kid) is not None:
            outcome = await container.compromise_key()(family, kid, actor=actor, reason=reason)
            if isinstance(outcome, Compromised):
                events.KEY_COMPROMISED.tell(
                    ring=family, kid=kid, active_kid=outcome.active_kid, generation=outcome.generation
                )
            return outcome
    raise UnknownKeyError(f"no ring ever had a key {kid}; 'keys list' shows those there are")
