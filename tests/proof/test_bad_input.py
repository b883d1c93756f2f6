"""No bad input is read and none escapes its documented error; parsers with a known hole are found out."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.proof.bad_input import FEWEST, NIGHTLY_FEWEST, PARSERS, SEEDS, TARGETS, run, verdict
from tests.proof.bad_inputs.holes import HOLES, Hole
from tests.proof.bad_inputs.search import Tally, remade
from tests.proof.bad_inputs.vaults import SEALED, VAULTS, damaged

pytestmark = pytest.mark.no_cover

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(400)  # of twenty seconds of work, on a machine with other work
def test_fifty_thousand_bad_inputs_for_six_parsers_and_more_for_others_are_refused_or_rightly_read() -> None:
    found = run(nightly=False)
    assert found.holds, "\n".join(found.lines)
    shares = {name: int(share) for name, share in re.findall(r"([A-Za-z][A-Za-z ]*) (\d+)", found.lines[-3])}
    named = shares.pop("of")
    assert shares.keys() == {"tokens", "envelopes", "paths", "JWKs", "audit bytes", "vault files"}
    assert named == sum(shares.values()) >= 50_000
    assert min(shares.values()) >= 5_000
    figures = re.fullmatch(r"bad inputs (\d+), refused or rightly read (\d+), uncaught 0", found.lines[-1])
    assert figures
    assert figures[1] == figures[2]


def tallies(share: int = 1) -> list[Tally]:
    """What each target came to that was given its share so many times."""
    return [Tally(target.name, refused=target.share * share - 1, read=1) for target in TARGETS]


def test_the_long_form_gives_a_million_inputs_to_the_same_parsers_or_does_not_hold() -> None:
    vaults = Tally("vaults", refused=1, read=1)
    assert NIGHTLY_FEWEST == 1_000_000
    assert verdict(tallies(len(SEEDS)), vaults, fewest=NIGHTLY_FEWEST).holds
    assert not verdict(tallies(len(SEEDS) - 1), vaults, fewest=NIGHTLY_FEWEST).holds


@pytest.mark.parametrize("name", PARSERS)
def test_inputs_of_which_one_parser_has_no_tenth_prove_nothing(name: str) -> None:
    few = {target.name for target in PARSERS[name]}
    made = [Tally(one.name, refused=1, read=1) if one.name in few else one for one in tallies(2)]
    assert not verdict(made, Tally("vaults", refused=1, read=1), fewest=FEWEST).holds


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
