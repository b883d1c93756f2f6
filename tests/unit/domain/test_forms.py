"""A form reads what it writes and nothing else, and says which member is wrong, quoting none of it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest

from journal_keys.domain import forms
from journal_keys.domain.errors import DomainError
from journal_keys.domain.forms import NUMBER, TEXT, Form, FormError


class Colour(StrEnum):
    """Two of them."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Size:
    """What is no larger than 9."""

    least: int
    most: int

    def __post_init__(self) -> None:
        if self.most > 9:
            raise DomainError("too large")


def to_digit(text: str) -> int:
    if text == "ten":
        raise DomainError("ten is no digit")
    return int(text)


def form_of(name: str) -> Form[Any]:
    """One of the kinds of forms, made anew."""
    digit, colour = forms.of_text(to_digit, str, "a digit"), forms.named(Colour)
    kinds: dict[str, Form[Any]] = {
        "digit": digit,
        "colour": colour,
        "maybe a digit": forms.optional(digit),
        "digits": forms.items(digit),
        "by colour": forms.table(colour, lambda one: digit if one is Colour.RED else TEXT),
        "by text": forms.table(TEXT, lambda _key: digit),
        "size": forms.record(Size, {"least": digit, "most": NUMBER}, least="from"),
        "number": NUMBER,
        "text": TEXT,
        "truth": forms.TRUTH,
    }
    return kinds[name]


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        pytest.param("digit", 7, "7", id="of text"),
        pytest.param("colour", Colour.BLUE, "blue", id="under its name"),
        pytest.param("maybe a digit", None, None, id="absent"),
        pytest.param("maybe a digit", 7, "7", id="not absent"),
        pytest.param("digits", (7, 8), ["7", "8"], id="in order"),
        pytest.param("by colour", {Colour.RED: 7, Colour.BLUE: "sky"}, {"red": "7", "blue": "sky"}, id="by colour"),
        pytest.param("by text", {"a": 7}, {"a": "7"}, id="by text"),
        pytest.param("size", Size(1, 9), {"from": "1", "most": 9}, id="with members"),
        pytest.param("number", 2**63 - 1, 2**63 - 1, id="the largest number"),
        pytest.param("number", 0, 0, id="the smallest number"),
    ],
)
def test_a_value_comes_back_from_what_was_written(kind: str, value: object, written: object) -> None:
    form = form_of(kind)
    assert form.write(value) == written
    assert form.read(written) == value
    assert type(form.read(written)) is type(value)


NOT_A_NUMBER = "expected a whole number from 0 to 2^63 - 1"


@pytest.mark.parametrize(
    ("kind", "written", "said"),
    [
        pytest.param("digit", 7, "expected a digit", id="a number where text is expected"),
        pytest.param("digit", "seven", "expected a digit", id="text that is not read"),
        pytest.param("digit", "ten", "expected a digit", id="text that an own error refuses"),
        pytest.param("colour", "green", "expected one of red, blue", id="another name"),
        pytest.param("maybe a digit", "seven", "expected a digit", id="neither absent nor right"),
        pytest.param("digits", "78", "expected a list", id="text where a list is expected"),
        pytest.param("digits", ["7", 8], "1: expected a digit", id="the second of a list"),
        pytest.param("by colour", ["7"], "expected an object", id="a list where an object is expected"),
        pytest.param("by colour", {"green": "7"}, "a key: expected one of red, blue", id="another key"),
        pytest.param("by colour", {"red": "sky"}, "red: expected a digit", id="the value of another key"),
        pytest.param(
            "by text", {"a secret": 7}, "a value: expected a digit", id="a value under a key that may be anything"
        ),
        pytest.param("size", None, "expected an object", id="nothing where an object is expected"),
        pytest.param("size", {"from": "1"}, "expected exactly the members from, most", id="a member too few"),
        pytest.param(
            "size", {"from": "1", "most": 9, "x": 0}, "expected exactly the members from, most", id="one too many"
        ),
        pytest.param("size", {"from": 1, "most": 9}, "from: expected a digit", id="a wrong member"),
        pytest.param("size", {"from": "1", "most": 10}, "too large", id="members that do not go together"),
        pytest.param("number", 2**63, NOT_A_NUMBER, id="a number that is too large"),
        pytest.param("number", -1, NOT_A_NUMBER, id="a negative number"),
        pytest.param("number", True, NOT_A_NUMBER, id="a truth"),
        pytest.param("number", 1.0, NOT_A_NUMBER, id="a fraction"),
        pytest.param("text", "\ud800", "expected text", id="a lone surrogate"),
        pytest.param("truth", 1, "expected true or false", id="a number where a truth is expected"),
    ],
)
def test_what_is_never_written_is_refused_in_words_that_do_not_quote_it(kind: str, written: object, said: str) -> None:
    with pytest.raises(FormError) as caught:
        form_of(kind).read(written)
    assert str(caught.value) == said
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.fixture
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_new_york")
def test_a_moment_for_people_is_in_utc_to_the_second_wherever_they_are() -> None:
    there = datetime(2026, 1, 31, 18, 5, 9, 700_000, tzinfo=timezone(timedelta(hours=1)))
    assert forms.iso(there) == "2026-01-31T17:05:09Z"
    assert forms.from_moment(there) == "2026-01-31T17:05:09.700000+00:00"
    assert forms.to_moment("2026-01-31T17:05:09.700000+00:00") == there.astimezone(UTC)
