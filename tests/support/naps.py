"""No test sleeps for real longer than a fifth of a second, but for those that drive processes: the plugin fails it."""

import asyncio
import time
from collections.abc import Coroutine, Generator
from dataclasses import dataclass, field
from inspect import currentframe
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import pytest

T = TypeVar("T")
_Place: TypeAlias = tuple[str, int]

LONGEST_S: Final = 0.2
_TESTS: Final = str(Path(__file__).parents[1])
_NEARLY: Final = 0.9
"""A loop may wake a sleeper a little early. One whose clock is virtual wakes it much earlier."""


@dataclass(frozen=True, slots=True)
class Naps:
    """Where code of the tests slept to the end, and for longer than this, in seconds."""

    longest_s: float
    told: list[str] = field(default_factory=list)

    def watch(self, patch: pytest.MonkeyPatch) -> None:
        """Note each from now on, until the patch is undone."""
        sleep, asyncio_sleep = time.sleep, asyncio.sleep

        def watched_sleep(seconds: float) -> None:
            began_s = time.monotonic()
            sleep(seconds)
            self._note(seconds, began_s, _place())

        async def timed(delay: float, result: T, place: _Place) -> T:
            began_s = time.monotonic()
            answer = await asyncio_sleep(delay, result)
            self._note(delay, began_s, place)
            return answer

        def watched_asyncio_sleep(delay: float, result: T | None = None) -> Coroutine[Any, Any, T | None]:
            if delay <= self.longest_s:
                return asyncio_sleep(delay, result)
            return timed(delay, result, _place())

        patch.setattr(time, "sleep", watched_sleep)
        patch.setattr(asyncio, "sleep", watched_asyncio_sleep)

    def _note(self, wanted_s: float, began_s: float, place: _Place) -> None:
        is_long = wanted_s > self.longest_s and time.monotonic() - began_s >= _NEARLY * wanted_s
        if is_long and place[0].startswith(_TESTS):
            self.told.append(f"slept for {wanted_s:.2f} s in {place[0]}, line {place[1]}")


def _place() -> _Place:
    """Where the caller of who asks is."""
    here = currentframe()
    assert here
    assert here.f_back
    caller = here.f_back.f_back
    assert caller
    return caller.f_code.co_filename, caller.f_lineno


_NAPS: Final = Naps(LONGEST_S)
_PATCH: Final = pytest.MonkeyPatch()


def pytest_configure() -> None:
    """Watch from before the import of the first test module."""
    _NAPS.watch(_PATCH)


def pytest_unconfigure() -> None:
    """Leave everything as it was."""
    _PATCH.undo()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Fail who slept, its fixtures included."""
    try:
        yield
    finally:
        told = list(_NAPS.told)
        _NAPS.told.clear()
    if told and not item.get_closest_marker("processes"):
        pytest.fail("\n".join(told), pytrace=False)
