"""No bad input is read and none escapes its documented error; parsers with a known hole are found out."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proof.bad_input import SEEDS, TARGETS, run
from tests.proof.bad_inputs.holes import HOLES, Hole
from tests.proof.bad_inputs.search import remade
from tests.proof.bad_inputs.vaults import SEALED, VAULTS, damaged

pytestmark = pytest.mark.no_cover

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(400)  # of twenty seconds of work, on a machine with other work
def test_more_than_fifty_thousand_bad_inputs_are_refused_or_rightly_read() -> None:
    verdict = run(nightly=False)
    assert verdict.holds, "\n".join(verdict.lines)
    generated = re.match(r"generated (\d+); ", verdict.lines[-2])
    assert generated
    assert int(generated[1]) >= 50_000
    figures = re.fullmatch(r"bad inputs (\d+), refused or rightly read (\d+), uncaught 0", verdict.lines[-1])
    assert figures
    assert figures[1] == figures[2]


def test_every_bit_and_every_length_of_fifty_vaults_is_tried() -> None:
    tried = [data for _, data in damaged()]
    assert len(set(SEALED)) == VAULTS == 50
    assert len(tried) == sum(1 + 8 * len(data) + len(data) for data in SEALED)
    for sealed in SEALED:
        flipped = [data for data in tried if len(data) == len(sealed) and _bits_between(data, sealed) == 1]
        assert len(set(flipped)) == 8 * len(sealed)
        assert {sealed[:length] for length in range(len(sealed))} <= set(tried)


def _bits_between(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


@pytest.mark.parametrize("hole", HOLES.values(), ids=HOLES.keys())
def test_the_search_finds_a_parser_with_a_known_hole(hole: Hole) -> None:
    tally = hole.searched(SEEDS[0])
    assert not tally.holds
    assert any(hole.shows in finding for finding in tally.findings), tally


def digests() -> dict[str, str]:
    """What each target's first inputs are, short enough to compare."""
    made = {target.name: "".join(repr(remade(target, 3, number)) for number in range(50)) for target in TARGETS}
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in made.items()}


def test_seed_and_number_make_an_input_again_in_another_process() -> None:
    program = "import json; from tests.proof import test_bad_input as t; print(json.dumps(t.digests()))"
    environment = {**os.environ, "PYTHONHASHSEED": "1"}
    again = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, env=environment, cwd=ROOT)
    assert json.loads(again.stdout) == digests()
