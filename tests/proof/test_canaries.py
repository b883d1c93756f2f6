"""The canaries sing: at every place, for every form, and at nothing else."""

import pytest

from tests.proof import canaries
from tests.proof.canary_leaks import FORMS, NO_SECRET, PLACES, Leaks

pytestmark = pytest.mark.no_cover


def test_every_leak_on_purpose_is_caught_in_its_place_and_nothing_else_is() -> None:
    said = canaries.said_of_leaks()
    caught = canaries.caught_in(said)
    assert [f"{place}-{form}" for place in PLACES for form in FORMS if f"{place}-{form}" not in caught] == []
    assert {name: text for name, text in said.items() if name not in caught and text} == {}
    assert said.keys() - caught == {f"{place}-{NO_SECRET}" for place in PLACES}
    found = canaries.verdict([said])
    assert found.holds
    assert found.lines[-1] == f"canaries: {len(caught)} of {len(caught)} leaks caught, 0 false alarms"


def test_a_leak_that_nobody_caught_and_a_false_alarm_are_told() -> None:
    quiet = {f"{place}-{form}": "" for place in PLACES for form in (*FORMS, NO_SECRET)}
    assert not canaries.verdict([quiet]).holds
    loud = {name: f"{PLACES[name.partition('-')[0]]} holds a secret: hex" for name in quiet}
    assert not canaries.verdict([loud]).holds
    assert canaries.verdict([loud | {f"{place}-{NO_SECRET}": "" for place in PLACES}]).holds


def test_every_place_is_in_the_table() -> None:
    assert {name for name in vars(Leaks) if not name.startswith("_")} == PLACES.keys()
