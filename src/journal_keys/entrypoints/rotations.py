"""Rotating rings, and taking keys out of use, for whoever asks: an operator, a caller over HTTP, the application."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

from journal_keys import events
from journal_keys.container import Container
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.errors import JournalKeysError, UnknownKeyError
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.outcomes import Compromised, CompromiseOutcome, RotationOutcome

T = TypeVar("T")


async def try_each(
    step: Callable[[Family], Awaitable[T]], families: Iterable[Family] = Family
) -> dict[Family, T | JournalKeysError]:
    """Give what the step gave for each ring, or its error: one ring's failure does not keep another from its turn."""
    results: dict[Family, T | JournalKeysError] = {}
    for family in families:
        try:
            results[family] = await step(family)
        except JournalKeysError as failure:
            results[family] = failure
    return results


def raise_first(results: Mapping[Family, object]) -> None:
    """Raise the first ring's failure, where there is one.

    Raises:
        JournalKeysError: a ring failed.
    """
    for result in results.values():
        if isinstance(result, JournalKeysError):
            raise result


async def rotate_each(
    container: Container, families: Iterable[Family], request: RotationRequest
) -> dict[Family, RotationOutcome | JournalKeysError]:
    """Give each ring's outcome, or its error."""
    return await try_each(lambda family: container.rotate_keys()(family, request), families)


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
