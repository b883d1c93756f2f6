"""No plan of clock jumps shortens a wait, and the search finds the clocks that would."""

import pytest

from tests.proof.clocks import Advance, run, search, wall_believed, wall_believed_across_boots

pytestmark = pytest.mark.no_cover


def test_a_thousand_plans_of_clock_jumps_shorten_no_wait() -> None:
    verdict = run(nightly=False)
    assert verdict.holds, "\n".join(verdict.lines)


@pytest.mark.parametrize("wrong", [wall_believed, wall_believed_across_boots], ids=lambda wrong: wrong.__name__)
def test_the_search_finds_a_clock_that_believes_the_wall(wrong: Advance) -> None:
    _, _, early = search(200, wrong)
    assert early
