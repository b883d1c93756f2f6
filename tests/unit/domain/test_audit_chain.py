"""Any change to any entry of the chain is found."""

import hashlib
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from journal_keys.domain.audit_chain import EMPTY, AuditEntry, AuditHead, canonical_bytes, head_of, link, verify
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.errors import AuditChainBrokenError, InvalidNameError
from journal_keys.domain.keys import Family, Kid

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def fact(number: int) -> AuditFact:
    return AuditFact(
        at=T0 + timedelta(seconds=number),
        actor="operator:alice",
        action="key_promoted",
        family=Family.JWT,
        kid=Kid(f"jwt_{number}"),
        reason="due",
        detail={"n": str(number)},
    )


def chain(length: int = 5) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    head = EMPTY
    for number in range(length):
        entries.append(link(head, fact(number)))
        head = head_of(entries[-1])
    return entries


def test_an_untouched_chain_gives_its_head() -> None:
    entries = chain()
    assert verify(entries) == head_of(entries[-1])
    assert verify([]) == EMPTY
    assert verify(entries[3:], after=head_of(entries[2])) == head_of(entries[-1])


CHANGES: dict[str, Callable[[AuditFact], AuditFact]] = {
    "at": lambda f: replace(f, at=f.at + timedelta(microseconds=1)),
    "actor": lambda f: replace(f, actor="operator:mallory"),
    "action": lambda f: replace(f, action="key_demoted"),
    "family": lambda f: replace(f, family=None),
    "kid": lambda f: replace(f, kid=None),
    "reason": lambda f: replace(f, reason=""),
    "detail": lambda f: replace(f, detail={**f.detail, "x": ""}),
}


def test_every_field_of_a_fact_is_in_the_table_below() -> None:
    assert {field.name for field in fields(AuditFact)} == set(CHANGES)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize("position", range(5))
def test_a_changed_field_is_found_by_its_number(change: Callable[[AuditFact], AuditFact], position: int) -> None:
    entries = chain()
    entries[position] = replace(entries[position], fact=change(entries[position].fact))
    with pytest.raises(AuditChainBrokenError) as caught:
        verify(entries)
    assert str(caught.value) == f"audit entry {position + 1} was changed after it was written"


@pytest.mark.parametrize("position", range(4))
def test_a_removed_an_inserted_and_a_swapped_entry_are_found(position: int) -> None:
    removed = chain()
    del removed[position]
    inserted = chain()
    inserted.insert(position + 1, link(EMPTY, fact(9)))
    swapped = chain()
    swapped[position], swapped[position + 1] = swapped[position + 1], swapped[position]
    for entries, missing, instead in (
        (removed, position + 1, position + 2),
        (inserted, position + 2, 1),
        (swapped, position + 1, position + 2),
    ):
        with pytest.raises(AuditChainBrokenError) as caught:
            verify(entries)
        assert str(caught.value) == f"audit entry {missing} is missing: {instead} stands in its place"


def test_an_entry_that_follows_another_chain_is_found() -> None:
    entries = chain()
    entries[2] = link(AuditHead(sequence=2, hash="f" * 64), fact(2))
    with pytest.raises(AuditChainBrokenError) as caught:
        verify(entries)
    assert str(caught.value) == "audit entry 3 does not follow entry 2"


def test_the_bytes_that_are_hashed_are_fixed_for_ever() -> None:
    text = (
        '{"action":"key_promoted","actor":"operator:alice","at":"2026-01-01T00:00:07.000000+00:00",'
        '"detail":{"n":"7"},"family":"jwt","kid":"jwt_7","prev":"p","reason":"due","seq":3,"v":1}'
    )
    assert canonical_bytes(3, fact(7), "p") == text.encode()
    bare = canonical_bytes(3, replace(fact(7), family=None, kid=None), "p")
    assert bare == text.replace('"jwt"', "null").replace('"jwt_7"', "null").encode()


def test_the_bytes_do_not_depend_on_where_the_host_stands(tokyo: None) -> None:  # noqa: ARG001
    assert b'"at":"2026-01-01T00:00:07.000000+00:00"' in canonical_bytes(3, fact(7), "p")


def test_a_link_has_the_next_number_and_both_hashes() -> None:
    first = link(EMPTY, fact(1))
    assert (first.sequence, first.previous_hash, first.fact) == (1, "0" * 64, fact(1))
    assert first.hash == hashlib.sha256(canonical_bytes(1, fact(1), "0" * 64)).hexdigest()
    assert head_of(first) == AuditHead(sequence=1, hash=first.hash)


@pytest.mark.parametrize("name", ["previous_hash", "hash"])
@pytest.mark.parametrize(
    "text", ["", "0" * 63, "\u00e9" * 64, "\ud800"], ids=["nothing", "a digit less", "no ASCII", "a surrogate"]
)
def test_a_hash_that_is_no_hash_is_found(name: str, text: str) -> None:
    entries = chain()
    entries[2] = replace(entries[2], **{name: text})  # type: ignore[arg-type]
    with pytest.raises(AuditChainBrokenError, match="entry 3 "):
        verify(entries)


def test_a_head_comes_back_from_its_text() -> None:
    head = head_of(chain()[-1])
    assert AuditHead.parse(str(head)) == head
    assert AuditHead.parse(f"0:{'0' * 64}") == EMPTY


HEADS = {
    "nothing": "",
    "no sequence": ":" + "0" * 64,
    "no hash": "1:",
    "short hash": "1:" + "0" * 63,
    "capitals": "1:" + "A" * 64,
    "line end": "1:" + "0" * 64 + "\n",
    "digits of another script": "\u0663:" + "0" * 64,
    "leading zero": "01:" + "0" * 64,
    "more digits than Python reads": "9" * 5000 + ":" + "0" * 64,
}


@pytest.mark.parametrize("text", HEADS.values(), ids=HEADS.keys())
def test_text_that_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(
        InvalidNameError, match=r"^a head is <sequence>:<64 hex digits>, as 'journal-keys audit head' prints it$"
    ):
        AuditHead.parse(text)


def test_a_rewritten_end_is_found_with_a_kept_head() -> None:
    entries = chain()
    kept = head_of(entries[3])
    forged = [*entries[:3], link(head_of(entries[2]), fact(7))]
    assert verify(forged) != kept


def test_the_bytes_do_not_depend_on_the_zone_and_tell_neighbours_apart() -> None:
    elsewhere = replace(fact(1), at=fact(1).at.astimezone(timezone(timedelta(hours=5))))
    assert canonical_bytes(1, elsewhere, "p") == canonical_bytes(1, fact(1), "p")
    assert canonical_bytes(1, fact(1), "p") != canonical_bytes(11, fact(1), "p")
