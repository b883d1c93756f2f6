"""One test per sentence of `ports.snapshot_store`, for every adapter."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from journal_keys.adapters.memory.snapshot_store import MemorySnapshotStore
from journal_keys.ports.snapshot_store import SnapshotStore
from tests.support.snapshots import MINUTE, file_store, reading, shown, small_snapshot

FACTORIES = (
    pytest.param(lambda _: MemorySnapshotStore(), id="in memory"),
    pytest.param(file_store, id="in a sealed file"),
)


@pytest.fixture(params=FACTORIES)
def snapshots(request: pytest.FixtureRequest, tmp_path: Path) -> SnapshotStore:
    factory: Callable[[Path], SnapshotStore] = request.param
    return factory(tmp_path)


def test_it_is_a_snapshot_store_with_a_name(snapshots: SnapshotStore) -> None:
    assert isinstance(snapshots, SnapshotStore)
    assert snapshots.name


async def test_where_nothing_was_saved_nothing_is_given(snapshots: SnapshotStore) -> None:
    assert await snapshots.load() is None


async def test_what_was_saved_is_given_whole(snapshots: SnapshotStore) -> None:
    await snapshots.save(small_snapshot())
    assert shown(await snapshots.load()) == shown(small_snapshot())
    assert shown(await snapshots.load()) == shown(small_snapshot())


async def test_the_last_one_saved_takes_the_place_of_the_one_before(snapshots: SnapshotStore) -> None:
    await snapshots.save(small_snapshot())
    later = replace(small_snapshot(), taken=reading(wall=MINUTE), secrets={}, encryptions=8)
    await snapshots.save(later)
    assert shown(await snapshots.load()) == shown(later)


async def test_of_savers_at_the_same_time_one_is_kept_whole(snapshots: SnapshotStore) -> None:
    made = [replace(small_snapshot(), encryptions=number) for number in range(8)]
    await asyncio.gather(*(snapshots.save(snapshot) for snapshot in made))
    assert shown(await snapshots.load()) in [shown(snapshot) for snapshot in made]
