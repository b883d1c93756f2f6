"""The snapshot file: refused when changed, foreign or open to others; whole after any fault; nothing in clear."""

import os
import resource
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from journal_keys.adapters.embedded import snapshot_form
from journal_keys.adapters.embedded.snapshot_store import MOST_BYTES
from journal_keys.domain import base64url, canonical
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.snapshot import KeptSecret, Snapshot, SnapshotError
from journal_keys.ports.snapshot_store import (
    SnapshotDamagedError,
    SnapshotDeniedError,
    SnapshotForeignError,
    SnapshotKeyError,
    SnapshotUnavailableError,
)
from tests.support.snapshots import MINUTE, PATH, file_store, shown, small_snapshot

ALTERED = (SnapshotDamagedError, SnapshotKeyError, SnapshotForeignError)
ONE_SECRET = replace(small_snapshot(), rings={})


async def test_every_flipped_bit_is_refused_and_the_file_is_named(tmp_path: Path) -> None:
    store = file_store(tmp_path)
    await store.save(ONE_SECRET)
    file = tmp_path / "snapshot.jks"
    sealed = file.read_bytes()
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        file.write_bytes(changed)
        with pytest.raises(ALTERED, match=r"snapshot\.jks"):
            store._load()  # noqa: SLF001 (a thread for each of thousands of bits would be all that is measured)


async def test_every_truncation_and_every_appended_byte_is_refused(tmp_path: Path) -> None:
    store = file_store(tmp_path)
    await store.save(ONE_SECRET)
    file = tmp_path / "snapshot.jks"
    sealed = file.read_bytes()
    for length in range(len(sealed)):
        file.write_bytes(sealed[:length])
        with pytest.raises(SnapshotDamagedError, match=r"snapshot\.jks"):
            store._load()  # noqa: SLF001 (as above)
    file.write_bytes(sealed + b"\0")
    with pytest.raises(SnapshotDamagedError):
        await store.load()


async def test_a_file_sealed_under_another_key_is_said_to_be_so(tmp_path: Path) -> None:
    await file_store(tmp_path).save(small_snapshot())
    with pytest.raises(SnapshotKeyError, match=r"snapshot\.jks .*JOURNAL_SNAPSHOT_KEY"):
        await file_store(tmp_path, key=KeyMaterial(b"x" * 32)).load()


async def test_a_file_of_another_environment_is_said_to_be_so(tmp_path: Path) -> None:
    await file_store(tmp_path).save(small_snapshot())
    with pytest.raises(SnapshotForeignError, match=r"snapshot\.jks is another environment's, or damaged"):
        await file_store(tmp_path, environment="project p, environment prod").load()


async def test_an_oversized_file_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "snapshot.jks"
    file.touch(0o600)
    with file.open("wb") as sparse:
        sparse.truncate(1 << 34)
    with pytest.raises(SnapshotDamagedError, match=r"snapshot\.jks is larger than 4194304 bytes"):
        await file_store(tmp_path).load()


async def test_what_would_be_oversized_is_not_written(tmp_path: Path) -> None:
    store = file_store(tmp_path)
    await store.save(small_snapshot())
    large = {PATH: KeptSecret(value=KeyMaterial(bytes(MOST_BYTES)), age=MINUTE)}
    with pytest.raises(SnapshotDamagedError, match="not written"):
        await store.save(replace(small_snapshot(), secrets=large))
    assert shown(await store.load()) == shown(small_snapshot())


async def test_content_of_another_version_is_refused_without_being_shown(tmp_path: Path) -> None:
    store = file_store(tmp_path)
    for text in (b"{}", b'{"v":2}', b"[]", b"\xff", b'{"v":1,"taken":{}}', b"1"):
        (tmp_path / "snapshot.jks").touch(0o600)
        sealed = store._seal.close(text, store._key, b"n" * 12)  # noqa: SLF001 (nobody else seals what is no snapshot)
        (tmp_path / "snapshot.jks").write_bytes(sealed)
        with pytest.raises(SnapshotDamagedError, match="content of another version"):
            await store.load()


def test_no_member_of_a_snapshot_can_be_left_out_or_be_of_another_type() -> None:
    whole = canonical.from_json(snapshot_form.to_text(small_snapshot()).decode())
    for name in whole:
        for wrong in (None, [1], "x"):
            changed = canonical.to_json({**whole, name: wrong}).encode()
            assert snapshot_form.from_text(changed) is None, (name, wrong)
        cut = {key: value for key, value in whole.items() if key != name}
        assert snapshot_form.from_text(canonical.to_json(cut).encode()) is None, name


async def test_nothing_is_in_the_file_in_clear(tmp_path: Path) -> None:
    await file_store(tmp_path).save(small_snapshot())
    data = (tmp_path / "snapshot.jks").read_bytes()
    ((kid, line),) = small_snapshot().rings[Family.AES].material.items()
    for clear in (b"canary", b"database", b"ACTIVE", expose(line), kid.encode()):
        assert clear not in data
    assert b"canary" not in base64url.encode(data).encode()


async def test_the_file_is_closed_to_others_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        await file_store(tmp_path).save(small_snapshot())
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
async def test_a_file_that_others_may_open_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    await file_store(tmp_path).save(small_snapshot())
    (tmp_path / "snapshot.jks").chmod(mode)
    with pytest.raises(SnapshotDeniedError, match=r"chmod 600 .*snapshot\.jks"):
        await file_store(tmp_path).load()


async def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    await file_store(tmp_path).save(small_snapshot())
    file = tmp_path / "snapshot.jks"
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SnapshotDeniedError, match="symbolic link"):
        await file_store(tmp_path).load()
    before = (tmp_path / "elsewhere").read_bytes()
    await file_store(tmp_path).save(small_snapshot())
    assert (tmp_path / "elsewhere").read_bytes() == before
    assert not file.is_symlink()


async def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "snapshot.jks").mkdir()
    with pytest.raises(SnapshotDeniedError, match="no regular file"):
        await file_store(tmp_path).load()


async def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give a file away")
    await file_store(tmp_path).save(small_snapshot())
    os.chown(tmp_path / "snapshot.jks", 12345, 12345)
    with pytest.raises(SnapshotDeniedError, match="belongs to user 12345"):
        await file_store(tmp_path).load()


async def test_a_full_disk_leaves_the_snapshot_as_it_was(tmp_path: Path) -> None:
    store = file_store(tmp_path)
    await store.save(small_snapshot())
    before = (tmp_path / "snapshot.jks").read_bytes()
    old_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, old_limit[1]))
    try:
        with pytest.raises(SnapshotUnavailableError, match=r"snapshot\.jks could not be written"):
            await store.save(small_snapshot())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old_limit)
        signal.signal(signal.SIGXFSZ, old_handler)
    assert (tmp_path / "snapshot.jks").read_bytes() == before
    assert not list(tmp_path.glob(".*.new"))


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="nowhere"):
        await file_store(tmp_path / "nowhere").save(small_snapshot())
    assert await file_store(tmp_path / "nowhere").load() is None


def test_a_snapshot_shows_no_secret() -> None:
    made: Snapshot = small_snapshot()
    assert "canary" not in repr(made)
    assert "canary" not in repr(made.secrets)
