"""One test per sentence of `ports.backup_shelf`, for every adapter."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from journal_keys.adapters.embedded.backup_folder import FolderBackupShelf
from journal_keys.adapters.memory.backup_shelf import MemoryBackupShelf
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.domain.backup_seal import MOST_CONTENT_BYTES, ByIdentities, ForRecipients, Seal, WithPassphrase
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.backup_shelf import (
    BackupDamagedError,
    BackupExistsError,
    BackupKeyError,
    BackupMissingError,
    BackupNameError,
    BackupSealError,
    BackupShelf,
    SealedFor,
)
from tests.support.backups import (
    CONTENT,
    FOREIGN,
    OTHER_PASSPHRASE,
    OURS,
    PASSPHRASE,
    SEAL,
    SPARE,
    START,
    TICK,
    recipients,
)

NAMES = ("a", "0", "2026-03-01T12.00_daily.age", "A" * 100)
NO_NAMES = ("", ".", "..", ".hidden", "-rf", "_", "a b", "a\n", "a\0", "ä", "a" * 101, "\udcff")
NO_SEALS: tuple[tuple[Seal, str], ...] = (
    (ForRecipients(()), "1 to 16 recipients, not 0"),
    (recipients(17), "1 to 16 recipients, not 17"),
    (ForRecipients((OURS.recipient, "age1canary")), "recipient 2"),
    (ForRecipients((OURS.recipient[:-1] + "b",)), "recipient 1"),
    (ForRecipients(("\udcffcanary",)), "recipient 1"),
    (ForRecipients((expose(OURS.opening.text).decode("ascii"),)), "recipient 1"),
    (WithPassphrase(KeyMaterial(b"")), "passphrase"),
    (WithPassphrase(KeyMaterial(b"canary\xff")), "passphrase"),
)
NO_OPENINGS = (
    (ByIdentities(KeyMaterial(b"")), "no identity"),
    (ByIdentities(KeyMaterial(b"# only a comment\n\n")), "no identity"),
    (ByIdentities(KeyMaterial(expose(OURS.opening.text) + b"\n# c\ncanary\n")), "line 3"),
    (ByIdentities(KeyMaterial(b"canary\xff\xfe")), "line 1"),
    (ByIdentities(KeyMaterial(OURS.recipient.encode("ascii"))), "line 1"),
    (WithPassphrase(KeyMaterial(b"")), "passphrase"),
    (WithPassphrase(KeyMaterial(b"canary\xff")), "passphrase"),
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A shelf, and what lets time pass on the clock that it writes moments of."""

    shelf: BackupShelf
    pass_time: Callable[[], None]


def in_memory(_: Path) -> Shelf:
    clock = ManualClock(START)
    return Shelf(MemoryBackupShelf(clock), lambda: clock.pass_time(TICK))


def in_a_folder(folder: Path) -> Shelf:
    return Shelf(FolderBackupShelf(folder / "backups"), lambda: time.sleep(TICK.total_seconds()))


@pytest.fixture(params=[pytest.param(in_memory, id="in memory"), pytest.param(in_a_folder, id="in a folder")])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    factory: Callable[[Path], Shelf] = request.param
    return factory(tmp_path)


@pytest.fixture
def shelf(made: Shelf) -> BackupShelf:
    return made.shelf


def test_it_is_a_backup_shelf(shelf: BackupShelf) -> None:
    assert isinstance(shelf, BackupShelf)


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 1000], ids=["nothing", "a byte", "all bytes"])
async def test_what_was_saved_is_given_whole_by_its_place_and_by_its_name(shelf: BackupShelf, content: bytes) -> None:
    place = await shelf.save("first.age", KeyMaterial(content), SEAL)
    for called in (place, "first.age", place):
        assert expose(await shelf.load(called, OURS.opening)) == content


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:30])
async def test_a_name_of_the_form_is_taken(shelf: BackupShelf, name: str) -> None:
    await shelf.save(name, CONTENT, SEAL)
    assert (await shelf.load(name, OURS.opening)).same_as(CONTENT)
    assert [each.name for each in await shelf.listed()] == [name]


@pytest.mark.parametrize("name", NO_NAMES, ids=ascii)
async def test_a_name_of_another_form_is_refused(shelf: BackupShelf, name: str) -> None:
    with pytest.raises(BackupNameError):
        await shelf.save(name, CONTENT, SEAL)
    with pytest.raises(BackupNameError):
        await shelf.load(name, OURS.opening)
    with pytest.raises(BackupNameError):
        await shelf.digest(name)


async def test_a_name_with_a_slash_is_refused_for_a_new_backup(shelf: BackupShelf) -> None:
    for name in ("a/b", "../a", "/a", "a/"):
        with pytest.raises(BackupNameError):
            await shelf.save(name, CONTENT, SEAL)
    assert not await shelf.listed()


async def test_a_taken_name_is_refused_and_what_has_it_stays(shelf: BackupShelf) -> None:
    await shelf.save("a.age", CONTENT, SEAL)
    digest = await shelf.digest("a.age")
    with pytest.raises(BackupExistsError, match=r"a\.age"):
        await shelf.save("a.age", KeyMaterial(b"other"), ForRecipients((SPARE.recipient,)))
    assert await shelf.digest("a.age") == digest
    assert (await shelf.load("a.age", OURS.opening)).same_as(CONTENT)


async def test_of_savers_of_one_name_at_the_same_time_one_is_kept_whole(shelf: BackupShelf) -> None:
    contents = [KeyMaterial(bytes([number]) * 1000) for number in range(8)]
    outcomes = await asyncio.gather(
        *(shelf.save("a.age", content, SEAL) for content in contents), return_exceptions=True
    )
    (winner,) = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, str)]
    assert sum(isinstance(outcome, BackupExistsError) for outcome in outcomes) == len(contents) - 1
    assert (await shelf.load("a.age", OURS.opening)).same_as(contents[winner])


async def test_content_that_is_too_large_is_refused_before_it_is_sealed(shelf: BackupShelf) -> None:
    with pytest.raises(BackupDamagedError, match=r"a\.age .*67108864 bytes"):
        await shelf.save("a.age", KeyMaterial(bytes(MOST_CONTENT_BYTES + 1)), ForRecipients(()))
    assert not await shelf.listed()


async def test_content_of_the_largest_size_is_kept(shelf: BackupShelf) -> None:
    content = KeyMaterial(bytes(MOST_CONTENT_BYTES))
    await shelf.save("a.age", content, recipients(16))
    assert (await shelf.load("a.age", OURS.opening)).same_as(content)


@pytest.mark.parametrize(("seal", "said"), NO_SEALS, ids=range(len(NO_SEALS)))
async def test_a_malformed_seal_is_refused_by_its_position(shelf: BackupShelf, seal: Seal, said: str) -> None:
    with pytest.raises(BackupSealError, match=said) as refused:
        await shelf.save("a.age", CONTENT, seal)
    assert "canary" not in str(refused.value)
    assert not await shelf.listed()


@pytest.mark.parametrize(("opening", "said"), NO_OPENINGS, ids=range(len(NO_OPENINGS)))
async def test_a_malformed_opening_is_refused_by_its_line(
    shelf: BackupShelf, opening: ByIdentities | WithPassphrase, said: str
) -> None:
    await shelf.save("a.age", CONTENT, SEAL)
    with pytest.raises(BackupSealError, match=said) as refused:
        await shelf.load("a.age", opening)
    assert "canary" not in str(refused.value)


async def test_each_recipient_opens_it_alone_and_nobody_else_does(shelf: BackupShelf) -> None:
    await shelf.save("a.age", CONTENT, ForRecipients((OURS.recipient, SPARE.recipient)))
    for somebody in (OURS, SPARE):
        assert (await shelf.load("a.age", somebody.opening)).same_as(CONTENT)
    with pytest.raises(BackupKeyError, match=r"a\.age"):
        await shelf.load("a.age", FOREIGN.opening)
    with pytest.raises(BackupKeyError, match=r"a\.age"):
        await shelf.load("a.age", PASSPHRASE)


async def test_one_identity_of_several_is_enough(shelf: BackupShelf) -> None:
    await shelf.save("a.age", CONTENT, SEAL)
    lines = b"# foreign\r\n%b\r\n\r\n  # ours\n  %b  \n" % (expose(FOREIGN.opening.text), expose(OURS.opening.text))
    assert (await shelf.load("a.age", ByIdentities(KeyMaterial(lines)))).same_as(CONTENT)


async def test_its_passphrase_opens_it_and_nothing_else_does(shelf: BackupShelf) -> None:
    await shelf.save("a.age", CONTENT, PASSPHRASE)
    (shelved,) = await shelf.listed()
    assert (shelved.sealed_for, shelved.recipients) == ("passphrase", 0)
    assert (await shelf.load("a.age", PASSPHRASE)).same_as(CONTENT)
    with pytest.raises(BackupKeyError, match=r"a\.age"):
        await shelf.load("a.age", OTHER_PASSPHRASE)
    with pytest.raises(BackupKeyError, match=r"a\.age"):
        await shelf.load("a.age", OURS.opening)


async def test_a_backup_that_is_not_there_is_missing(shelf: BackupShelf) -> None:
    with pytest.raises(BackupMissingError, match=r"a\.age"):
        await shelf.load("a.age", OURS.opening)
    with pytest.raises(BackupMissingError, match=r"a\.age"):
        await shelf.digest("a.age")


async def test_a_digest_is_64_hex_digits_that_stay_and_are_nobody_elses(shelf: BackupShelf) -> None:
    place = await shelf.save("a.age", CONTENT, SEAL)
    await shelf.save("b.age", CONTENT, SEAL)
    digest = await shelf.digest("a.age")
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert await shelf.digest(place) == digest
    assert await shelf.digest("b.age") != digest


async def test_where_nothing_was_saved_nothing_is_listed(shelf: BackupShelf) -> None:
    assert not await shelf.listed()


async def test_backups_are_listed_in_the_order_of_their_moments(made: Shelf) -> None:
    for name in ("c.age", "a.age", "b.age"):
        await made.shelf.save(name, CONTENT, SEAL)
        made.pass_time()
    listed = await made.shelf.listed()
    assert [each.name for each in listed] == ["c.age", "a.age", "b.age"]
    moments = [each.written_at for each in listed]
    assert moments == sorted(moments)
    assert all(moment.utcoffset() is not None for moment in moments)


async def test_what_is_listed_says_for_whom_and_how_large(shelf: BackupShelf) -> None:
    await shelf.save("a.age", CONTENT, ForRecipients((OURS.recipient, SPARE.recipient)))
    (shelved,) = await shelf.listed()
    expected: tuple[SealedFor, int] = ("recipients", 2)
    assert (shelved.sealed_for, shelved.recipients) == expected
    assert shelved.size_bytes >= len(CONTENT)
