"""Reads past every cache: counted by folder and by what answered, told, and followed, whatever became of them."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest

from journal_keys import events
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.counted_secret_store import CountedSecretStore
from journal_keys.adapters.memory.meter import MemoryMeter
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.adapters.memory.tracer import MemoryTracer
from journal_keys.domain.labels import OTHER
from journal_keys.domain.paths import SecretPath, versions_folder
from journal_keys.ports.meter import Source
from journal_keys.ports.secret_store import FolderContent, SecretStoreUnavailableError
from journal_keys.ports.tracer import Work
from tests.support.world import START

FOLDER = versions_folder("jwt")


class Slow(MemorySecretStore):
    """Takes 2 s for a read, and fails then where it was told to."""

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.failure = ManualClock(START), cast("Exception | None", None)

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        self.clock.pass_time(timedelta(seconds=2))
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return await super().read_folder(folder)


@dataclass
class Durations(MemoryMeter):
    """Keeps how long reads took."""

    took_s: list[float] = field(default_factory=list)

    def read(self, folder: SecretPath, source: Source, took_s: float) -> None:
        super().read(folder, source, took_s)
        self.took_s.append(took_s)


class Watched:
    """A store behind a counted one, and what is seen of it."""

    def __init__(self) -> None:
        self.behind, self.meter, self.tracer = Slow(), Durations(), MemoryTracer()
        self.store = CountedSecretStore(
            store=self.behind, clock=self.behind.clock, meter=self.meter, tracer=self.tracer
        )

    def spans(self) -> list[tuple[str, dict[str, object], str]]:
        return [(one.work, dict(one.facts), one.failed) for one in self.tracer.ended]


async def test_an_answer_is_counted_with_its_duration(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger=events.LOGGER)
    watched = Watched()
    await watched.store.read_folder(FOLDER)
    assert watched.meter.fetches == {(Source.STORE, str(FOLDER)): 1}
    assert (watched.meter.took_s, watched.meter.errors) == ([2.0], {})
    assert watched.spans() == [(Work.FETCH, {"path": str(FOLDER), "source": "store"}, "")]
    assert [record.getMessage() for record in caplog.records] == [
        f"secret_fetched path={FOLDER} source=store took_ms=2000"
    ]


async def test_a_failure_is_counted_by_its_class_and_goes_on_as_it_is() -> None:
    watched, failure = Watched(), SecretStoreUnavailableError("no answer")
    watched.behind.failure = failure
    with pytest.raises(SecretStoreUnavailableError) as caught:
        await watched.store.read_folder(FOLDER)
    assert caught.value is failure
    assert watched.meter.fetches == {(Source.NONE, str(FOLDER)): 1}
    assert watched.meter.errors == {(str(FOLDER), "SecretStoreUnavailableError"): 1}
    assert watched.spans() == [(Work.FETCH, {"path": str(FOLDER), "source": "none"}, "SecretStoreUnavailableError")]


async def test_a_read_that_somebody_gave_up_has_no_answer_and_is_no_failure_of_the_store() -> None:
    watched = Watched()
    task = asyncio.create_task(watched.store.read_folder(FOLDER))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (watched.meter.fetches, watched.meter.errors) == ({(Source.NONE, str(FOLDER)): 1}, {})


async def test_a_folder_outside_the_known_tree_has_no_series_of_its_own() -> None:
    watched = Watched()
    await watched.store.read_folder(SecretPath.parse("/somebody/elses"))
    assert watched.meter.fetches == {(Source.STORE, OTHER): 1}
    assert watched.spans()[0][1]["path"] == OTHER
