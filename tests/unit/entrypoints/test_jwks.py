"""The age of a key set: a cache never keeps one for longer than W1 allows for."""

from datetime import timedelta

import pytest

from journal_keys.entrypoints.http.jwks import JwksRenderer

CASES = {
    "confirmed within a poll": (-14.0, 600, 85_800),
    "exactly one poll old": (0.0, 600, 85_800),
    "half a second overdue": (0.5, 599, 85_800),
    "overdue by the view TTL": (285.0, 315, 85_800),
    "overdue by all of it": (600.0, 0, 85_800),
    "overdue by more": (900.0, 0, 85_500),
    "overdue by more than anything": (90_000.0, 0, 0),
}


@pytest.mark.parametrize(("overdue_s", "max_age", "stale"), CASES.values(), ids=CASES.keys())
def test_both_ages_shrink_by_what_the_view_is_overdue(overdue_s: float, max_age: int, stale: int) -> None:
    renderer = JwksRenderer(timedelta(seconds=600), timedelta(days=1))
    assert renderer.cache_control(timedelta(seconds=overdue_s)) == f"public, max-age={max_age}, stale-if-error={stale}"
