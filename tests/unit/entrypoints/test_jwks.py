"""The age of a key set: a cache never keeps one for longer than W1 allows for."""

from datetime import timedelta

import pytest

from journal_keys.entrypoints.http.jwks import JwksRenderer

CASES = {
    "confirmed within a poll": (-14.0, 600),
    "exactly one poll old": (0.0, 600),
    "half a second overdue": (0.5, 599),
    "overdue by the view TTL": (285.0, 315),
    "overdue by all of it": (600.0, 0),
    "overdue by more": (900.0, 0),
}


@pytest.mark.parametrize(("overdue_s", "max_age"), CASES.values(), ids=CASES.keys())
def test_max_age_shrinks_by_what_the_view_is_overdue(overdue_s: float, max_age: int) -> None:
    renderer = JwksRenderer(timedelta(seconds=600))
    assert renderer.cache_control(timedelta(seconds=overdue_s)) == f"public, max-age={max_age}"
