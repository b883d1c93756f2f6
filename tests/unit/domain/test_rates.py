"""How rates are written, and which belongs to what."""

from datetime import timedelta

import pytest

from journal_keys.domain.errors import PolicyError
from journal_keys.domain.rates import Asked, Rate, Rates, TooManyRequestsError


@pytest.mark.parametrize(
    ("text", "number", "period_s"), [("1/second", 1, 1), ("120/minute", 120, 60), ("9999999/hour", 9_999_999, 3600)]
)
def test_a_rate_is_read_and_written_alike(text: str, number: int, period_s: int) -> None:
    rate = Rate.parse(text)
    assert (rate.number, rate.period) == (number, timedelta(seconds=period_s))
    assert str(rate) == text


@pytest.mark.parametrize(
    "text",
    ["", "5", "0/minute", "05/minute", "-1/minute", "5/day", "5 /minute", "5/minute\n", "10000000/hour", "\u0665/hour"],
)
def test_what_is_no_rate_is_refused_and_the_form_is_named(text: str) -> None:
    with pytest.raises(PolicyError, match=r"<number>/second, <number>/minute or <number>/hour"):
        Rate.parse(text)


def test_each_thing_has_its_own_rate() -> None:
    admin, webhook, key_set = (Rate.parse(text) for text in ("1/second", "2/second", "3/second"))
    rates = Rates(admin=admin, webhook=webhook, key_set=key_set)
    assert [rates.of(asked) for asked in (Asked.ADMIN, Asked.WEBHOOK, Asked.KEY_SET)] == [admin, webhook, key_set]


def test_a_refusal_says_what_is_allowed_and_when_to_come_back() -> None:
    refused = TooManyRequestsError(Asked.ADMIN, Rate.parse("120/minute"))
    assert str(refused) == "asked for too often: admin allows 120/minute"
    assert refused.retry_after == timedelta(minutes=1)
