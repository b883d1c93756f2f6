"""The demonstration ends with zeros, would not if a window were too short, and leaves nothing behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from journal_keys.domain.keys import Family
from journal_keys.entrypoints.demo.show import run_demo
from journal_keys.entrypoints.demo.tally import Result, Tally
from tests.support.operator import COMMAND, bare_environment

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]
READ = {"tokens_read": 1, "ciphertexts_read": 1}
W1 = timedelta(seconds=2.45)


def waits(jwt: int, aes: int) -> dict[Family, list[timedelta]]:
    return {Family.JWT: [W1] * jwt, Family.AES: [W1] * aes}


def processes_with(environment: bytes) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and environment in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_the_demonstration_refuses_nothing_and_its_rotators_recover() -> None:
    command = [sys.executable, "-m", "journal_keys", "demo", "--seconds", "12", "--json"]
    foreign = {"JOURNAL_DB_URL_ASYNC": "sqlite+aiosqlite:////nobody/ledger", "JOURNAL_JWKS_MAX_AGE": "0.1"}
    done = subprocess.run(command, capture_output=True, check=False, text=True, env={**bare_environment(), **foreign})
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
    assert counts["rotations"] >= 4
    assert counts["recoveries"] == counts["kills"]


def test_rotators_whose_window_is_too_short_are_noticed() -> None:
    too_short = {
        "journal_jwks_max_age": 0.1,
        "journal_infisical_cache_ttl": 0.1,
        "journal_ledger_poll": 0.05,
        "journal_clock_skew": 0.0,
    }
    result = run_demo(12, lambda _tally, _left_s: None, for_rotators=too_short)
    assert re.search("promoted a key .* s after its publication: expected 2.45 s", "; ".join(result.faults())), result


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_demonstration_that_is_ended_leaves_no_process_and_no_folder(tmp_path: Path, ending: signal.Signals) -> None:
    mark = f"TMPDIR={tmp_path}".encode()
    demo = subprocess.Popen(
        [*COMMAND, "demo", "--seconds", "300"],
        env={**bare_environment(), "TMPDIR": str(tmp_path)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        wait_until(lambda: len(processes_with(mark)) >= 5)
        time.sleep(0.2)
        demo.send_signal(ending)
        shown = demo.communicate(timeout=60)[1]
        assert demo.returncode == (-signal.SIGKILL if ending is signal.SIGKILL else 128 + signal.SIGINT), shown
        wait_until(lambda: not processes_with(mark))
        if ending is not signal.SIGKILL:
            assert list(tmp_path.iterdir()) == []
            assert shown == b""
    finally:
        for process in processes_with(mark):
            os.kill(process, signal.SIGKILL)


def wait_until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.1)


FAULTS: dict[str, tuple[float, Tally, tuple[int, int], str]] = {
    "a refusal": (12, Tally(**READ, tokens_refused=1), (2, 2), "1 tokens were refused"),
    "an unreadable ciphertext": (12, Tally(**READ, ciphertexts_unreadable=3), (2, 2), "3 ciphertexts were unreadable"),
    "nothing verified": (12, Tally(ciphertexts_read=1), (2, 2), "no token was verified"),
    "nothing decrypted": (12, Tally(tokens_read=1), (2, 2), "no ciphertext was decrypted"),
    "views too old": (12, Tally(**READ, not_told=1), (2, 2), "1 reads gave no answer, more than one in 10"),
    "a lost rotator": (12, Tally(**READ, kills=1), (2, 2), "1 rotators were killed, 0 recovered"),
    "a ring at rest": (12, Tally(**READ), (2, 1), "ring aes rotated 1 times: expected 2 in 12 s"),
    "a short run at rest": (6, Tally(**READ), (0, 1), "ring jwt rotated 0 times: expected 1 in 6 s"),
}


@pytest.mark.parametrize(("seconds", "tally", "rotations", "fault"), FAULTS.values(), ids=FAULTS.keys())
def test_what_speaks_against_a_run_is_named(
    seconds: float, tally: Tally, rotations: tuple[int, int], fault: str
) -> None:
    result = Result(tally=tally, seconds=seconds, waits=waits(*rotations), w1=W1)
    assert result.faults() == [fault]


@pytest.mark.parametrize(("seconds", "rotations"), [(12, 2), (6, 1), (5.9, 0)])
def test_a_clean_run_is_asked_for_as_many_rotations_as_its_time_allows(seconds: float, rotations: int) -> None:
    result = Result(tally=Tally(**READ), seconds=seconds, waits=waits(rotations, rotations), w1=W1)
    assert result.faults() == []
