"""A form reads what it writes and nothing else, and says which member is wrong, quoting none of it."""

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


DIGIT = forms.of_text(to_digit, str, "a digit")
COLOUR = forms.named(Colour)
MAYBE = forms.optional(DIGIT)
LIST = forms.items(DIGIT)
BY_COLOUR: Form[Any] = forms.table(COLOUR, lambda colour: DIGIT if colour is Colour.RED else TEXT)
BY_TEXT = forms.table(TEXT, lambda _key: DIGIT)
SIZE = forms.record(Size, {"least": DIGIT, "most": NUMBER}, least="from")


@pytest.mark.parametrize(
    ("form", "value", "written"),
    [
        pytest.param(DIGIT, 7, "7", id="of text"),
        pytest.param(COLOUR, Colour.BLUE, "blue", id="under its name"),
        pytest.param(MAYBE, None, None, id="absent"),
        pytest.param(MAYBE, 7, "7", id="not absent"),
        pytest.param(LIST, (7, 8), ["7", "8"], id="in order"),
        pytest.param(BY_COLOUR, {Colour.RED: 7, Colour.BLUE: "sky"}, {"red": "7", "blue": "sky"}, id="by colour"),
        pytest.param(BY_TEXT, {"a": 7}, {"a": "7"}, id="by text"),
        pytest.param(SIZE, Size(1, 9), {"from": "1", "most": 9}, id="with members"),
        pytest.param(NUMBER, 2**63 - 1, 2**63 - 1, id="the largest number"),
        pytest.param(NUMBER, 0, 0, id="the smallest number"),
    ],
)
def test_a_value_comes_back_from_what_was_written(form: Form[Any], value: object, written: object) -> None:
    assert form.write(value) == written
    assert form.read(written) == value
    assert type(form.read(written)) is type(value)


NOT_A_NUMBER = "expected a whole number from 0 to 2^63 - 1"


@pytest.mark.parametrize(
    ("form", "written", "said"),
    [
        pytest.param(DIGIT, 7, "expected a digit", id="a number where text is expected"),
        pytest.param(DIGIT, "seven", "expected a digit", id="text that is not read"),
        pytest.param(DIGIT, "ten", "expected a digit", id="text that an own error refuses"),
        pytest.param(COLOUR, "green", "expected one of red, blue", id="another name"),
        pytest.param(MAYBE, "seven", "expected a digit", id="neither absent nor right"),
        pytest.param(LIST, "78", "expected a list", id="text where a list is expected"),
        pytest.param(LIST, ["7", 8], "1: expected a digit", id="the second of a list"),
        pytest.param(BY_COLOUR, ["7"], "expected an object", id="a list where an object is expected"),
        pytest.param(BY_COLOUR, {"green": "7"}, "a key: expected one of red, blue", id="another key"),
        pytest.param(BY_COLOUR, {"red": "sky"}, "red: expected a digit", id="the value of another key"),
        pytest.param(
            BY_TEXT, {"a secret": 7}, "a value: expected a digit", id="a value under a key that may be anything"
        ),
        pytest.param(SIZE, None, "expected an object", id="nothing where an object is expected"),
        pytest.param(SIZE, {"from": "1"}, "expected exactly the members from, most", id="a member too few"),
        pytest.param(
            SIZE, {"from": "1", "most": 9, "x": 0}, "expected exactly the members from, most", id="one too many"
        ),
        pytest.param(SIZE, {"from": 1, "most": 9}, "from: expected a digit", id="a wrong member"),
        pytest.param(SIZE, {"from": "1", "most": 10}, "too large", id="members that do not go together"),
        pytest.param(NUMBER, 2**63, NOT_A_NUMBER, id="a number that is too large"),
        pytest.param(NUMBER, -1, NOT_A_NUMBER, id="a negative number"),
        pytest.param(NUMBER, True, NOT_A_NUMBER, id="a truth"),
        pytest.param(NUMBER, 1.0, NOT_A_NUMBER, id="a fraction"),
        pytest.param(TEXT, "\ud800", "expected text", id="a lone surrogate"),
        pytest.param(forms.TRUTH, 1, "expected true or false", id="a number where a truth is expected"),
    ],
)
def test_what_is_never_written_is_refused_in_words_that_do_not_quote_it(
    form: Form[Any], written: object, said: str
) -> None:
    with pytest.raises(FormError) as caught:
        form.read(written)
    assert str(caught.value) == said
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_moment_for_people_is_in_utc_to_the_second_wherever_they_are() -> None:
    there = datetime(2026, 1, 31, 18, 5, 9, 700_000, tzinfo=timezone(timedelta(hours=1)))
    assert forms.iso(there) == "2026-01-31T17:05:09Z"
    assert forms.from_moment(there) == "2026-01-31T17:05:09.700000+00:00"
    assert forms.to_moment("2026-01-31T17:05:09.700000+00:00") == there.astimezone(UTC)
