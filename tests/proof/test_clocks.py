"""No plan of clock jumps shortens a wait, and the search finds the clocks that would."""

import re

import pytest

from tests.proof.clocks import (
    Advance,
    each_boot_counts_for_itself,
    run,
    search,
    shared_wall_believed,
    wall_believed,
    wall_believed_across_boots,
)

WRONG = (wall_believed, wall_believed_across_boots, each_boot_counts_for_itself, shared_wall_believed)

pytestmark = pytest.mark.no_cover


def test_a_thousand_plans_of_clock_jumps_shorten_no_wait() -> None:
    verdict = run(nightly=False)
    assert verdict.holds, "\n".join(verdict.lines)
    figures = re.match(r"clock plans (\d+), waits ended (\d+), ", verdict.lines[-1])
    assert figures
    assert int(figures[1]) >= 1_000
    assert int(figures[2]) >= 100_000, "a plan of few steps sees few waits end"


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_the_search_finds_a_clock_that_runs_ahead(wrong: Advance) -> None:
    _, _, early = search(300, wrong)
    assert early
