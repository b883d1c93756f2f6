"""Backup files: refused when changed or open to others; new and whole, or nothing; what `age` opens; no secret told."""

import os
import resource
import shutil
import signal
import subprocess
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from journal_keys.adapters.embedded import age_form
from journal_keys.adapters.embedded.age_form import MOST_FILE_BYTES
from journal_keys.adapters.embedded.backup_folder import FolderBackupShelf, _prove, make_identity
from journal_keys.domain.backup_seal import (
    MOST_CONTENT_BYTES,
    BackupError,
    ByIdentities,
    ForRecipients,
    Opening,
    Seal,
    WithPassphrase,
)
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.backup_shelf import (
    BackupDamagedError,
    BackupDeniedError,
    BackupExistsError,
    BackupKeyError,
    BackupNameError,
    BackupUnavailableError,
)
from tests.support import age_binary
from tests.support.backups import (
    ALTERED,
    CONTENT,
    FOREIGN,
    OURS,
    PASSPHRASE,
    SEAL,
    SPARE,
    START,
    Flips,
    age_file,
    scrypt_file,
    x25519_stanza,
)

NOBODY = 65534
UMASKS = (0o000, 0o277, 0o777)
SECRETS = (
    expose(CONTENT).decode("ascii"),
    expose(PASSPHRASE.secret).decode("ascii"),
    *(expose(somebody.opening.text).decode("ascii") for somebody in (OURS, SPARE, FOREIGN)),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups"


@pytest.fixture
def shelf(folder: Path) -> FolderBackupShelf:
    return FolderBackupShelf(folder)


@pytest.fixture
def age() -> str:
    if age_binary.BINARY is None or age_binary.KEYGEN is None:
        pytest.skip(age_binary.NOT_CHECKED)
    return age_binary.BINARY


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def run(command: list[str], given: bytes = b"") -> bytes:
    return subprocess.run(command, input=given, capture_output=True, check=True, timeout=60).stdout


def put(folder: Path, data: bytes, name: str = "a.age") -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / name
    file.touch(0o600)
    file.write_bytes(data)
    return file


def is_refused(file: Path) -> bool:
    try:
        FolderBackupShelf(file.parent)._load(file.name, OURS.opening)  # noqa: SLF001 (no thread for each of thousands)
    except ALTERED as refusal:
        return file.name in str(refusal)
    return False


def test_every_flipped_bit_of_small_backups_is_refused(folder: Path) -> None:
    assert Flips(backups=2, whole=2, some=0).survivors(folder, is_refused, seed=1) == []


def test_random_flipped_bits_of_many_backups_are_refused(folder: Path) -> None:
    seed = time.time_ns()
    assert Flips(backups=200, whole=0, some=8).survivors(folder, is_refused, seed=seed) == [], seed


def test_flips_that_nobody_refuses_are_told(folder: Path) -> None:
    survivors = Flips(backups=2, whole=1, some=3).survivors(folder, lambda _: False, seed=1)
    assert sum(number == 0 for number, _ in survivors) > 1000
    assert sum(number == 1 for number, _ in survivors) == 3


@pytest.mark.parametrize("size_bytes", [0, 3])
async def test_every_truncation_and_every_appended_byte_is_refused(shelf: FolderBackupShelf, size_bytes: int) -> None:
    file = Path(await shelf.save("a.age", KeyMaterial(bytes(size_bytes)), SEAL))
    whole = file.read_bytes()
    for data in [whole[:length] for length in range(len(whole))] + [whole + bytes([byte]) for byte in range(256)]:
        file.write_bytes(data)
        with pytest.raises(BackupDamagedError, match=r"a\.age"):
            shelf._load("a.age", OURS.opening)  # noqa: SLF001 (as above)


async def test_chunks_can_be_neither_dropped_nor_exchanged_nor_repeated(shelf: FolderBackupShelf) -> None:
    file = Path(await shelf.save("a.age", KeyMaterial(bytes(3 * 65536)), SEAL))
    whole = file.read_bytes()
    chunk = 65536 + 16
    head, chunks = whole[: -3 * chunk], [whole[len(whole) - n * chunk :][:chunk] for n in (3, 2, 1)]
    assert head + b"".join(chunks) == whole
    for order in ((0, 1), (0, 2), (1, 2), (1, 0, 2), (0, 1, 2, 2), (0, 0, 1, 2), ()):
        file.write_bytes(head + b"".join(chunks[n] for n in order))
        assert is_refused(file), order


@pytest.mark.parametrize("data", [b"", b"-----BEGIN AGE ENCRYPTED FILE-----\n", bytes(1000), age_file("")])
async def test_what_is_no_age_file_is_refused(shelf: FolderBackupShelf, folder: Path, data: bytes) -> None:
    put(folder, data)
    with pytest.raises(BackupDamagedError, match=r"a\.age"):
        await shelf.load("a.age", OURS.opening)
    with pytest.raises(BackupDamagedError, match=r"a\.age"):
        await shelf.digest("a.age")
    (shelved,) = await shelf.listed()
    assert (shelved.sealed_for, shelved.recipients) == ("unreadable", 0)


@pytest.mark.parametrize("log2", [21, 30, 999999999])
async def test_a_costly_passphrase_is_refused_at_once(shelf: FolderBackupShelf, folder: Path, log2: int) -> None:
    put(folder, scrypt_file(log2))
    began = time.monotonic()
    with pytest.raises(BackupDamagedError, match=rf"a\.age .*2\^{log2}: not tried, 2\^20 is the most"):
        await shelf.load("a.age", PASSPHRASE)
    assert time.monotonic() - began < 0.5
    assert [each.sealed_for for each in await shelf.listed()] == ["unreadable"]


async def test_a_passphrase_is_asked_for_where_an_identity_cannot_help(shelf: FolderBackupShelf, folder: Path) -> None:
    put(folder, scrypt_file(1))
    with pytest.raises(BackupKeyError, match=r"a\.age is sealed for a passphrase: give the passphrase"):
        await shelf.load("a.age", OURS.opening)
    with pytest.raises(BackupKeyError, match=r"a\.age is sealed with another passphrase, or is damaged"):
        await shelf.load("a.age", PASSPHRASE)


async def test_an_identity_file_is_asked_for_where_a_passphrase_cannot_help(shelf: FolderBackupShelf) -> None:
    await shelf.save("a.age", CONTENT, SEAL)
    with pytest.raises(BackupKeyError, match=r"a\.age is sealed for recipients: give an identity file"):
        await shelf.load("a.age", PASSPHRASE)


async def test_an_oversized_file_is_refused_unread(shelf: FolderBackupShelf, folder: Path) -> None:
    with put(folder, age_file(x25519_stanza())).open("r+b") as sparse:
        sparse.truncate(1 << 36)
    with pytest.raises(BackupDamagedError, match=rf"a\.age is larger than {MOST_FILE_BYTES} bytes"):
        await shelf.load("a.age", OURS.opening)
    (shelved,) = await shelf.listed()
    assert (shelved.sealed_for, shelved.size_bytes) == ("unreadable", 1 << 36)


async def hostile(shelf: FolderBackupShelf, said: str) -> None:
    """What is under the name is refused in every way, is listed, and hinders nobody else."""
    await shelf.save("b.age", CONTENT, SEAL)
    with pytest.raises(BackupDeniedError, match=said):
        await shelf.load("a.age", OURS.opening)
    with pytest.raises(BackupDeniedError, match=said):
        await shelf.digest("a.age")
    with pytest.raises(BackupExistsError, match=r"a\.age"):
        await shelf.save("a.age", CONTENT, SEAL)
    assert {each.name: each.sealed_for for each in await shelf.listed()} == {
        "a.age": "unreadable",
        "b.age": "recipients",
    }


async def test_a_symbolic_link_is_not_followed(shelf: FolderBackupShelf, folder: Path) -> None:
    (folder.parent / "elsewhere").touch(0o600)
    put(folder, b"").unlink()
    (folder / "a.age").symlink_to(folder.parent / "elsewhere")
    await hostile(shelf, "symbolic link")
    assert (folder.parent / "elsewhere").read_bytes() == b""


async def test_a_dangling_link_is_not_written_through(shelf: FolderBackupShelf, folder: Path) -> None:
    put(folder, b"").unlink()
    (folder / "a.age").symlink_to(folder.parent / "nowhere")
    await hostile(shelf, "symbolic link")
    assert not (folder.parent / "nowhere").exists()


async def test_a_fifo_is_refused_and_holds_nobody_up(shelf: FolderBackupShelf, folder: Path) -> None:
    put(folder, b"").unlink()
    os.mkfifo(folder / "a.age", 0o600)
    began = time.monotonic()
    await hostile(shelf, "no regular file")
    assert time.monotonic() - began < 5


async def test_a_folder_in_its_place_is_refused(shelf: FolderBackupShelf, folder: Path) -> None:
    (folder / "a.age").mkdir(parents=True)
    await hostile(shelf, "no regular file")


async def test_a_backup_that_fills_half_of_what_one_may_hold_is_told_while_it_can_still_be_made(
    shelf: FolderBackupShelf, caplog: pytest.LogCaptureFixture
) -> None:
    half = MOST_CONTENT_BYTES // 2
    await shelf.save("backup-small.age", KeyMaterial(b"x" * (half - 1)), SEAL)
    assert caplog.text == ""
    await shelf.save("backup-large.age", KeyMaterial(b"x" * half), SEAL)
    assert f"backup_nearly_too_large backup=backup-large.age bytes={half} most_bytes={2 * half}" in caplog.text


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
async def test_a_file_that_others_may_open_is_refused_with_the_cure(shelf: FolderBackupShelf, mode: int) -> None:
    Path(await shelf.save("a.age", CONTENT, SEAL)).chmod(mode)
    await hostile(shelf, r"chmod 600 .*a\.age")


async def test_a_file_of_another_user_is_refused(shelf: FolderBackupShelf) -> None:
    if os.geteuid():
        pytest.skip("only root can give a file away")
    os.chown(await shelf.save("a.age", CONTENT, SEAL), 12345, 12345)
    await hostile(shelf, "belongs to user 12345")


@pytest.mark.parametrize("mask", UMASKS, ids=oct)
async def test_files_and_folders_are_private_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    folder = tmp_path / "deep" / "backups"
    shelf = FolderBackupShelf(folder)
    with umask(mask):
        await shelf.save("a.age", CONTENT, SEAL)
        make_identity(tmp_path / "identity.txt")
    assert (await shelf.load("a.age", OURS.opening)).same_as(CONTENT)
    files = [*folder.iterdir(), tmp_path / "identity.txt"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (folder, folder.parent)} == {0o700}


async def test_a_folder_that_is_there_stays_as_it_is(shelf: FolderBackupShelf, folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o750)
    await shelf.save("a.age", CONTENT, SEAL)
    assert folder.stat().st_mode & 0o777 == 0o750


async def test_a_full_disk_leaves_nothing(shelf: FolderBackupShelf, folder: Path) -> None:
    await shelf.save("before.age", CONTENT, SEAL)
    old_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, old_limit[1]))
    try:
        with pytest.raises(BackupUnavailableError, match=r"a\.age could not be written"):
            await shelf.save("a.age", CONTENT, SEAL)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old_limit)
        signal.signal(signal.SIGXFSZ, old_handler)
    assert {path.name for path in folder.iterdir()} == {"before.age", ".backups.lock"}


async def test_a_file_in_the_place_of_the_folder_is_told(shelf: FolderBackupShelf, folder: Path) -> None:
    folder.touch()
    with pytest.raises(BackupUnavailableError, match="backups could not be made"):
        await shelf.save("a.age", CONTENT, SEAL)
    with pytest.raises(BackupUnavailableError, match="backups could not be listed"):
        await shelf.listed()


def test_what_does_not_read_back_as_it_was_written_is_removed(folder: Path) -> None:
    for data in (b"other", b"longer than written"):
        file = put(folder, data)
        with pytest.raises(BackupUnavailableError, match=r"a\.age does not read back"):
            _prove(file, b"right")
        assert not file.exists()


def spoil_before_link(patch: pytest.MonkeyPatch, to: Path) -> None:
    """Once, have other bytes in what is about to be linked there."""
    armed, plain = [to], os.link

    def link(source: str | Path, target: str | Path, **how: bool) -> None:
        if armed and Path(target) == armed[0]:
            armed.clear()
            Path(source).write_bytes(b"forgotten by the disk")
        plain(source, target, **how)

    patch.setattr(os, "link", link)


async def test_a_disk_that_forgets_is_found_out_at_once(
    shelf: FolderBackupShelf, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil_before_link(monkeypatch, folder / "a.age")
    with pytest.raises(BackupUnavailableError, match=r"a\.age does not read back"):
        await shelf.save("a.age", CONTENT, SEAL)
    assert not await shelf.listed()
    assert (await shelf.load(await shelf.save("a.age", CONTENT, SEAL), OURS.opening)).same_as(CONTENT)


async def test_what_a_crash_left_is_not_listed_and_is_removed_by_the_next_save(
    shelf: FolderBackupShelf, folder: Path
) -> None:
    put(folder, b"half", ".a.age.4711.new")
    put(folder, b"", ".a.age.lock")
    assert not await shelf.listed()
    await shelf.save("a.age", CONTENT, SEAL)
    assert [each.name for each in await shelf.listed()] == ["a.age"]
    assert not (folder / ".a.age.4711.new").exists()


async def test_names_that_no_backup_has_are_not_listed(shelf: FolderBackupShelf, folder: Path) -> None:
    for name in ("a b", "\x1b[2J", "-rf", os.fsdecode(b"\xff"), ".hidden"):
        put(folder, b"", name)
    assert not await shelf.listed()


async def test_ten_thousand_files_are_listed(shelf: FolderBackupShelf, folder: Path) -> None:
    whole = Path(await shelf.save("0.age", CONTENT, SEAL)).read_bytes()
    for number in range(1, 10_000):
        put(folder, whole, f"{number}.age")
    began = time.monotonic()
    listed = await shelf.listed()
    took_s = time.monotonic() - began
    shutil.rmtree(folder)
    assert len(listed) == 10_000
    assert {each.sealed_for for each in listed} == {"recipients"}
    assert took_s < 20  # under a second on an idle machine


async def test_of_one_moment_names_decide_the_order(shelf: FolderBackupShelf) -> None:
    for name in ("b.age", "c.age", "a.age"):
        os.utime(await shelf.save(name, CONTENT, SEAL), ns=(0, 1_000_000_000))
    os.utime(await shelf.save("z.age", CONTENT, SEAL), ns=(0, 999_999_000))
    assert [each.name for each in await shelf.listed()] == ["z.age", "a.age", "b.age", "c.age"]


async def test_a_path_is_a_place(shelf: FolderBackupShelf, tmp_path: Path) -> None:
    place = await shelf.save("a.age", CONTENT, SEAL)
    elsewhere = FolderBackupShelf(tmp_path / "other")
    assert (await elsewhere.load(place, OURS.opening)).same_as(CONTENT)
    assert await elsewhere.digest(place) == await shelf.digest("a.age")
    for no_place in ("/tmp/\0", "/tmp/\udcff", "/tmp/\x1b[2J"):
        with pytest.raises(BackupNameError):
            await shelf.load(no_place, OURS.opening)


def test_an_identity_file_is_new_and_says_its_recipient(tmp_path: Path) -> None:
    file = tmp_path / "identity.txt"
    recipient = make_identity(file, created_at=START)
    text = file.read_text("ascii")
    assert text.startswith(f"# created: 2026-03-01T12:00:00+00:00\n# public key: {recipient}\nAGE-SECRET-KEY-1")
    assert age_form.recipient_of(KeyMaterial(text.encode("ascii"))) == (recipient,)
    with pytest.raises(BackupExistsError, match=r"identity\.txt"):
        make_identity(file)
    assert file.read_text("ascii") == text
    with pytest.raises(BackupUnavailableError, match=r"identity file .*nowhere"):
        make_identity(tmp_path / "nowhere" / "identity.txt")


async def test_age_opens_what_was_saved(shelf: FolderBackupShelf, tmp_path: Path, age: str) -> None:
    recipient = make_identity(tmp_path / "identity.txt")
    content = bytes(range(256)) * 1024
    place = await shelf.save("a.age", KeyMaterial(content), ForRecipients((OURS.recipient, recipient)))
    command = [age, "--decrypt", "--identity", str(tmp_path / "identity.txt"), place]
    assert run(command) == content


async def test_what_age_sealed_is_opened(shelf: FolderBackupShelf, tmp_path: Path, folder: Path, age: str) -> None:
    assert age_binary.KEYGEN is not None
    keys = tmp_path / "identity.txt"
    run([age_binary.KEYGEN, "-o", str(keys)])
    recipient = run([age_binary.KEYGEN, "-y", str(keys)]).decode("ascii").strip()
    opening = ByIdentities(KeyMaterial(keys.read_bytes()))
    assert age_form.recipient_of(opening.text) == (recipient,)
    put(folder, run([age, "--recipient", recipient, "--recipient", OURS.recipient], b"x" * 70_000))
    for either in (opening, OURS.opening):
        assert expose(await shelf.load("a.age", either)) == b"x" * 70_000
    assert [(each.sealed_for, each.recipients) for each in await shelf.listed()] == [("recipients", 2)]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child starts no threads, and ends by itself
@pytest.mark.parametrize("mask", UMASKS, ids=oct)
def test_a_user_without_rights_has_its_backups_whatever_the_umask(mask: int) -> None:
    if os.geteuid():
        pytest.skip("only root can become another user")
    home = Path("/tmp") / f"journal-keys-test-{os.getpid()}-{mask}"
    child = os.fork()
    if not child:
        os._exit(_as_nobody(home, mask))
    try:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _as_nobody(home: Path, mask: int) -> int:
    """Save twice, list and load without a thread, in a child that does nothing else; 0 where all went well."""
    try:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.umask(mask)
        shelf = FolderBackupShelf(home / "deep" / "backups")
        for name in ("a.age", "b.age"):
            shelf._save(name, CONTENT, SEAL)  # noqa: SLF001 (a forked child has no threads)
        names = [each.name for each in shelf._listed() if each.sealed_for == "recipients"]  # noqa: SLF001 (as above)
        is_same = shelf._load("a.age", OURS.opening).same_as(CONTENT)  # noqa: SLF001 (as above)
    except BaseException:  # noqa: BLE001 (the child ends here, whatever happens)
        traceback.print_exc()
        return 1
    return 0 if names == ["a.age", "b.age"] and is_same else 2


IDENTITY_AS_RECIPIENT = ForRecipients((SECRETS[2],))
SAVES: dict[str, Seal] = {
    "an identity among the recipients": IDENTITY_AS_RECIPIENT,
    "a recipient that is no Unicode": ForRecipients((SECRETS[2] + "\udcff",)),
    "a passphrase that is no UTF-8": WithPassphrase(KeyMaterial(expose(PASSPHRASE.secret) + b"\xff")),
}
LOADS: dict[str, Opening] = {
    "another's identity": FOREIGN.opening,
    "a passphrase": PASSPHRASE,
    "an identity with one more character": ByIdentities(KeyMaterial(expose(OURS.opening.text) + b"A")),
    "an identity that is no UTF-8": ByIdentities(KeyMaterial(expose(OURS.opening.text) + b"\xff")),
    "a passphrase that is no UTF-8": WithPassphrase(KeyMaterial(expose(PASSPHRASE.secret) + b"\xff")),
}


def told(failure: BaseException | None) -> str:
    """Everything that an exception and those behind it can show."""
    if failure is None:
        return ""
    own = "".join(traceback.format_exception(failure)) + repr(failure) + repr(failure.args)
    return own + told(failure.__cause__) + told(failure.__context__)


@pytest.mark.parametrize("named", SAVES)
async def test_no_refused_save_tells_a_secret(shelf: FolderBackupShelf, named: str) -> None:
    with pytest.raises(BackupError) as refused:
        await shelf.save("a.age", CONTENT, SAVES[named])
    assert not [secret for secret in SECRETS if secret in told(refused.value)]


@pytest.mark.parametrize("named", LOADS)
async def test_no_refused_load_tells_a_secret(shelf: FolderBackupShelf, named: str) -> None:
    await shelf.save("a.age", CONTENT, SEAL)
    with pytest.raises(BackupError) as refused:
        await shelf.load("a.age", LOADS[named])
    assert not [secret for secret in SECRETS if secret in told(refused.value)]


async def test_no_damaged_file_tells_a_secret(shelf: FolderBackupShelf) -> None:
    file = Path(await shelf.save("a.age", CONTENT, SEAL))
    whole = file.read_bytes()
    for data in (whole[:-1], whole[:100], b"canary" + whole, whole + b"x"):
        file.write_bytes(data)
        with pytest.raises(BackupError) as refused:
            await shelf.load("a.age", OURS.opening)
        assert not [secret for secret in SECRETS if secret in told(refused.value)]


def test_a_seal_and_an_opening_show_no_secret() -> None:
    shown = f"{PASSPHRASE!r} {OURS.opening!r} {PASSPHRASE} {OURS.opening}"
    assert not [secret for secret in SECRETS if secret in shown]
