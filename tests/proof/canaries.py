"""Canaries: every leak on purpose is caught, at the place where it was put, and nothing else is."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.proof.canary_leaks import FORMS, NO_SECRET, PLACES
from tests.proof.verdict import Verdict

_ROOT = Path(__file__).parents[2]
_ROUNDS_OF_A_NIGHT = 10


def run(*, nightly: bool) -> Verdict:
    """Run the leaking tests in a run of their own, with fresh secrets each round."""
    return verdict([said_of_leaks() for _ in range(_ROUNDS_OF_A_NIGHT if nightly else 1)])


def verdict(rounds: Sequence[Mapping[str, str]]) -> Verdict:
    """Count what was caught, and what was said of digests, which are no secrets."""
    planted, controls = len(rounds) * len(PLACES) * len(FORMS), len(rounds) * len(PLACES)
    caught = sum(len(caught_in(said)) for said in rounds)
    quiet = sum(said.get(f"{place}-{NO_SECRET}") == "" for said in rounds for place in PLACES)
    return Verdict(
        lines=(
            f"{len(PLACES)} places x {len(FORMS)} forms x {len(rounds)} rounds: {planted} leaks, {caught} caught",
            f"digests in the same places: {controls} planted, {controls - quiet} false alarms",
            f"canaries: {caught} of {planted} leaks caught, {controls - quiet} false alarms",
        ),
        holds=caught == planted and quiet == controls,
    )


def said_of_leaks() -> Mapping[str, str]:
    """Give what the canaries said of each leak, by place and form."""
    with tempfile.TemporaryDirectory(prefix="pytest-of-leaks-") as folder:  # so that no other test looks into it
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        done = subprocess.run(
            [sys.executable, "-m", "tests.proof.canary_leaks", f"{folder}/said"],
            cwd=_ROOT,
            env={**environment, "TMPDIR": folder},
            capture_output=True,
            check=False,
        )
        said: Mapping[str, str] = json.loads(Path(folder, "said").read_bytes())
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode())
    return said


def caught_in(said: Mapping[str, str]) -> set[str]:
    """Name the leaks that were caught where they were put."""
    return {
        f"{place}-{form}"
        for place, words in PLACES.items()
        for form in FORMS
        if any(line.startswith(words) for line in said.get(f"{place}-{form}", "").splitlines())
    }
