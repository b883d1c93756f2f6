"""Fifty processes start first at once; eight processes ask for the same rotation, two hundred times."""

import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Final

from journal_keys.entrypoints.settings import Settings
from tests.proof.first_starts import start_at_once
from tests.proof.homes import make_home, rest_home
from tests.proof.race_judge import Judgement, judge
from tests.proof.race_ledger import Hold
from tests.proof.race_turns import Tale
from tests.proof.racer import RacePost, keep, race
from tests.proof.verdict import Verdict
from tests.proof.wrong_designs import Design, as_built
from tests.support.crew import Child, crew, prepared
from tests.support.embedded import settings_in

RACERS: Final = 8
GENERATIONS: Final = 200
FIRST_STARTS: Final = 50
HELD_STARTS: Final = 8
_SHORT: Final[Mapping[str, float]] = {
    "journal_jwks_max_age": 0.002,
    "journal_infisical_cache_ttl": 0.002,
    "journal_ledger_poll": 0.001,
    "journal_clock_skew": 0,
    "journal_jwt_leeway": 0,
}
"""W1 is 3 ms, so that a staged key is ready for the next turn; W2 is a second, so that keys are destroyed meanwhile."""

_IN_THE_VAULT: Final[Mapping[str, object]] = {}


def run(*, nightly: bool, generations: int = GENERATIONS) -> Verdict:
    """Start first at once and race, or do so five times in homes of their own."""
    times = 5 if nightly else 1
    held = start_at_once(HELD_STARTS, hold=Hold.AFTER_LOOKING)
    starts = [start_at_once(FIRST_STARTS) for _ in range(times)]
    races = Judgement.summed([race_for(generations) for _ in range(times)])
    return Verdict(
        lines=(
            *(f"all from one look at an empty ledger: {line}" for line in held.lines),
            *(line for one in starts for line in one.lines),
            *races.wrongs,
            *races.figures,
            races.line(RACERS),
        ),
        holds=held.holds and races.holds and all(one.holds for one in starts),
    )


def race_for(
    generations: int,
    *,
    design: Design = as_built,
    longest_token_s: float = 1,
    keys_in: Mapping[str, object] = _IN_THE_VAULT,
) -> Judgement:
    """Let eight processes ask for this many rotations, a ninth reconcile meanwhile, and judge what they say."""
    with tempfile.TemporaryDirectory(prefix="journal-keys-races-") as folder:
        short = {**_SHORT, "journal_jwt_longest_token": longest_token_s}
        settings = settings_in(Path(folder), **{**short, **keys_in})
        context = prepared()
        make_home(context, settings)
        tales = _tales(context, settings, generations, design)
        rested = rest_home(context, settings)
    return judge(tales, rested)


def _tales(context: ForkServerContext, settings: Settings, generations: int, design: Design) -> list[Tale]:
    start = context.Barrier(RACERS)
    posts = [
        (
            RacePost(
                settings=settings, number=number, racers=RACERS, generations=generations, start=start, design=design
            ),
        )
        for number in range(RACERS)
    ]
    with crew(context, keep, (settings, design, start)) as keepers, crew(context, race, *posts) as racers:
        tales = _heard(racers, generations)
        keepers[0].tell("enough")
        return [*tales, *_heard(keepers, generations)]


def _heard(children: Sequence[Child], generations: int) -> list[Tale]:
    return [child.hear(60 + 2 * generations) for child in children]
