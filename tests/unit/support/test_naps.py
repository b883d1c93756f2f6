"""Who sleeps for real is told, and fails unless it drives processes."""

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import run

import pytest

from tests.support.naps import Naps
from tests.support.virtual_time import run_virtually

_ROOT = Path(__file__).parents[3]


@pytest.fixture
def naps() -> Iterator[Naps]:
    with pytest.MonkeyPatch.context() as patch:
        watching = Naps(longest_s=0.01)
        watching.watch(patch)
        yield watching


async def test_a_long_sleep_is_told_with_its_place(naps: Naps) -> None:
    time.sleep(0.03)
    assert await asyncio.sleep(0.02, "result") == "result"
    assert [told.split(", line")[0] for told in naps.told] == [
        f"slept for 0.03 s in {__file__}",
        f"slept for 0.02 s in {__file__}",
    ]


async def test_a_short_sleep_and_one_that_is_cut_off_are_not_told(naps: Naps) -> None:
    time.sleep(0.005)
    assert await asyncio.sleep(0.005, "result") == "result"
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.sleep(60)
    assert not naps.told


def test_a_sleep_in_virtual_time_is_not_told(naps: Naps) -> None:
    run_virtually(asyncio.sleep(3_600))
    assert not naps.told


@pytest.mark.processes
def test_who_slept_fails_but_for_who_drives_processes() -> None:
    done = run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-v",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:randomly",
            "tests/data/naps/sleepers.py",
        ],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    failed = [line.split("::")[1].split()[0] for line in done.stdout.splitlines() if line.startswith("ERROR tests")]
    assert failed == ["test_long", "test_long_in_a_loop", "test_long_in_a_fixture"], done.stdout
    assert "5 passed, 3 errors" in done.stdout
    assert "slept for 0.25 s" in done.stdout
