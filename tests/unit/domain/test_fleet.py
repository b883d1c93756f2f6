"""What instances report, and who is behind."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from journal_keys.domain.errors import InvalidNameError
from journal_keys.domain.fleet import Held, Instance, check_instance_name, laggards, reported
from journal_keys.domain.keys import Family
from tests.support.world import World

T0 = datetime(2026, 1, 1, tzinfo=UTC)
LATER = T0 + timedelta(minutes=1)


@pytest.mark.parametrize("name", ["a", "web-1.example.org:8000_x", "x" * 128])
def test_a_name_that_every_log_can_hold_is_taken(name: str) -> None:
    assert check_instance_name(name) == name


@pytest.mark.parametrize("name", ["", "x" * 129, "web 1", "web\n1", "wéb", "web/1"])
def test_any_other_name_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        check_instance_name(name)
    assert str(caught.value) == "the name of the instance is malformed: expected 1 to 128 of A-Z a-z 0-9 . _ : -"


def test_a_generation_that_was_held_before_keeps_its_moment() -> None:
    first = reported({}, {Family.JWT: 3}, T0)
    assert first == {Family.JWT: Held(generation=3, since=T0), Family.AES: Held(generation=0, since=T0)}
    second = reported(first, {Family.JWT: 3, Family.AES: 2}, LATER)
    assert second == {Family.JWT: Held(generation=3, since=T0), Family.AES: Held(generation=2, since=LATER)}


async def test_those_that_are_behind_are_told_the_oldest_first_and_then_by_name() -> None:
    ring = replace(await (await World().initialised(Family.JWT)).ring(Family.JWT), generation=5)

    def instance(name: str, generation: int) -> Instance:
        held = reported({}, {Family.JWT: generation, Family.AES: 9}, T0)
        return Instance(name=name, held=held, reported_at=T0, expires_at=LATER)

    found = laggards([instance(*one) for one in (("d", 4), ("b", 3), ("c", 5), ("a", 4), ("e", 6))], ring)
    assert [(one.name, one.held.generation, one.ring_generation, one.expires_at) for one in found] == [
        ("b", 3, 5, LATER),
        ("a", 4, 5, LATER),
        ("d", 4, 5, LATER),
    ]
    assert str(found[0]) == "instance b holds generation 3 of 5 since 2026-01-01T00:00:00Z"
