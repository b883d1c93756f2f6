"""One test per sentence of `ports.audit_trail`, for every adapter."""

import asyncio

import pytest

from journal_keys.domain import audit_chain, rotation
from journal_keys.ports.audit_trail import AuditTrail
from tests.support.ledger_contract import CAUSE, Ports, at_once, fact, founding


async def test_an_empty_chain_has_sequence_0_and_no_entries(trail: AuditTrail) -> None:
    assert await trail.head() == audit_chain.EMPTY
    assert list(await trail.entries()) == []


async def test_an_appended_fact_comes_back_with_every_field(trail: AuditTrail) -> None:
    of_a_key = CAUSE.fact("key_exported", founding().ring.active, to="Größe ☃", size="3")
    await trail.append(fact())
    await trail.append(of_a_key)
    assert [entry.fact for entry in await trail.entries()] == [fact(), of_a_key]


async def test_an_appended_fact_gives_the_new_head(trail: AuditTrail) -> None:
    given = await trail.append(fact())
    assert given == await trail.head()
    assert given.sequence == 1


async def test_facts_of_changes_and_others_form_one_chain_that_verifies(ports: Ports) -> None:
    await ports.trail.append(fact())
    await ports.ledger.commit(at_once(founding()))
    await ports.trail.append(fact())
    await ports.ledger.commit(at_once(rotation.promote(founding().ring, CAUSE)))
    entries = await ports.trail.entries()
    assert audit_chain.verify(entries) == await ports.trail.head()
    assert [entry.sequence for entry in entries] == list(range(1, 8))


@pytest.mark.parametrize(
    ("after", "limit", "expected"),
    [(0, 3, [1, 2, 3]), (3, 3, [4, 5]), (5, 3, []), (2, 1, [3]), (0, 10_000, [1, 2, 3, 4, 5])],
    ids=["the first", "the rest", "behind the end", "one in the middle", "all"],
)
async def test_entries_are_those_behind_after_up_to_the_limit_in_order(
    trail: AuditTrail, after: int, limit: int, expected: list[int]
) -> None:
    for _ in range(5):
        await trail.append(fact())
    assert [entry.sequence for entry in await trail.entries(after=after, limit=limit)] == expected


async def test_facts_appended_at_once_are_all_there_and_in_one_chain(trail: AuditTrail) -> None:
    await asyncio.gather(*(trail.append(fact(f"thing_{number}")) for number in range(20)))
    entries = await trail.entries()
    assert audit_chain.verify(entries).sequence == 20
    assert {entry.fact.action for entry in entries} == {f"thing_{number}" for number in range(20)}
