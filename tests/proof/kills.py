"""A process that rotates is killed with SIGKILL, a hundred times; the next one must be ready, and all keys good.

A kill leaves all that the process had handed to the operating system: this shows order and atomicity, not what a loss
of power leaves.
"""

import random
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from tests.proof.homes import make_home, rest_home
from tests.proof.kill_scene import Scene
from tests.proof.kill_tally import KillTally
from tests.proof.ring_at_rest import Rest
from tests.proof.survivor import READY_S
from tests.proof.verdict import Verdict
from tests.proof.wrong_designs import Design, as_built
from tests.support.crew import prepared
from tests.support.embedded import settings_in

HOMES: Final = 4
"""A ring keeps a row of every key that it ever had: in four homes of 25 kills each the kills cost half as much."""

KILLS: Final = 100
SEED: Final = 20_261_124
_SPREAD: Final = 1.2
_SHORT: Final[Mapping[str, object]] = {
    "journal_jwks_max_age": 0.25,
    "journal_infisical_cache_ttl": 0.25,
    "journal_ledger_poll": 0.02,
    "journal_clock_skew": 0,
    "journal_jwt_leeway": 0,
    "journal_jwt_longest_token": 5,
}
"""W1 is 0.27 s, so that victims need not wait long; W2 is 5.3 s, so that keys are destroyed between the kills."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where a home is: the settings that say so, and what is wrong in a ring at rest as others see it there."""

    settings: Mapping[str, object]
    wrongs: Callable[[Rest], Iterable[str]]


NewGround: TypeAlias = Callable[[], AbstractContextManager[Ground]]
"""Gives a ground, and keeps what the settings name running meanwhile."""


def run(*, nightly: bool, homes: int = HOMES) -> Verdict:
    """Kill a hundred times, or a thousand times."""
    tally = KillTally()
    for home in range(homes * (10 if nightly else 1)):
        tally += kill_times(KILLS // HOMES, seed=SEED + home)
    return Verdict(lines=tally.lines, holds=tally.holds)


def embedded() -> AbstractContextManager[Ground]:
    """Vault and SQLite in the home itself, which nobody else reads."""
    return nullcontext(Ground(settings={}, wrongs=lambda _: ()))


def kill_times(
    kills: int,
    *,
    seed: int,
    new_ground: NewGround = embedded,
    victim: Design = as_built,
    survivor: Design = as_built,
    patience_s: float = READY_S,
    **changes: object,
) -> KillTally:
    """Kill a rotator at instants spread evenly over 1.2 rotations, and end with the first kill that costs anything.

    `changes` are settings.
    """
    instants = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="journal-keys-kills-") as folder, new_ground() as ground:
        settings = settings_in(Path(folder), **{**_SHORT, **ground.settings, **changes})
        context = prepared()
        make_home(context, settings)
        scene = Scene(context=context, settings=settings, victim=victim, survivor=survivor, patience_s=patience_s)
        longest_s = _SPREAD * scene.rotation_s()
        for _ in range(kills):
            scene.kill_after(instants.uniform(0, longest_s))
            if not scene.tally.is_sound:
                break
        rested = rest_home(context, settings)
        scene.tally.wrongs += rested.troubles
        for rest in rested.rests:
            scene.tally.wrongs += (*rest.wrongs, *ground.wrongs(rest))
    return scene.tally
