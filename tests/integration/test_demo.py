"""The demonstration ends with zeros, and would not if a window were too short."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes


def test_the_demonstration_refuses_nothing_and_its_rotators_recover() -> None:
    command = [sys.executable, "-m", "journal_keys", "demo", "--seconds", "9", "--json"]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr + done.stdout
    counts = json.loads(done.stdout)
    assert list(counts) == [
        "tokens_signed",
        "tokens_refused",
        "ciphertexts_made",
        "ciphertexts_unreadable",
        "rotations",
        "kills",
        "recoveries",
    ]
    assert counts["tokens_refused"] == counts["ciphertexts_unreadable"] == 0
    assert counts["tokens_signed"] > 200
    assert counts["rotations"] >= 2
    assert counts["recoveries"] == counts["kills"]
