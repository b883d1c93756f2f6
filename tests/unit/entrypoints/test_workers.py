"""When a worker that could not start is tried again."""

import pytest

from journal_keys.entrypoints.http.workers import pause_before_start_s


@pytest.mark.parametrize(
    ("failed_starts", "pause_s"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (100_000, 30)]
)
def test_pauses_between_starts_double_up_to_half_a_minute_in_an_outage_of_any_length(
    failed_starts: int, pause_s: float
) -> None:
    assert pause_before_start_s(failed_starts) == pause_s
