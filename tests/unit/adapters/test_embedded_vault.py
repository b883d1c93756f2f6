"""The vault file: refused when changed, whole after any fault, closed to others."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from journal_keys.adapters.embedded import files, sealing
from journal_keys.adapters.embedded.sealing import VaultDamagedError, WrongMasterKeyError
from journal_keys.adapters.embedded.vault import EmbeddedVault, create_vault, open_vault
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain import base64url
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_store import (
    SecretStoreDeniedError,
    SecretStoreError,
    SecretStoreProtocolError,
    SecretStoreUnavailableError,
)

PATH = SecretPath.parse("/auth/aes/versions/aes_canary")
MASTER = KeyMaterial(base64url.encode(b"m" * 32).encode())


def made(folder: Path, master: KeyMaterial | None = MASTER) -> EmbeddedVault:
    file = folder / "vault.jkv"
    create_vault(file, SystemEntropy(), master=master)
    return open_vault(file, SystemEntropy(), master=master)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_every_flipped_bit_and_every_truncation_is_refused() -> None:
    master = KeyMaterial(b"m" * 32)
    sealed = sealing.seal({PATH: KeyMaterial(b"v")}, master, b"n" * 12)
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((VaultDamagedError, WrongMasterKeyError)):
            sealing.unseal(bytes(changed), master, name="vault")
    for length in range(len(sealed)):
        with pytest.raises(VaultDamagedError):
            sealing.unseal(sealed[:length], master, name="vault")


async def test_a_wrong_master_key_is_told_from_a_damaged_file(tmp_path: Path) -> None:
    vault = made(tmp_path)
    wrong = open_vault(vault.file, SystemEntropy(), master=KeyMaterial(base64url.encode(b"x" * 32).encode()))
    with pytest.raises(WrongMasterKeyError, match="JOURNAL_KEYS_VAULT_MASTER_KEY"):
        await wrong.read_folder(PATH.folder)


def test_an_empty_master_key_is_not_taken_for_the_key_file(tmp_path: Path) -> None:
    vault = made(tmp_path, master=None)
    with pytest.raises(SecretStoreDeniedError, match="JOURNAL_KEYS_VAULT_MASTER_KEY"):
        open_vault(vault.file, SystemEntropy(), master=KeyMaterial(b""))


async def test_names_and_values_are_not_in_the_file(tmp_path: Path) -> None:
    vault = made(tmp_path)
    await vault.put_new(PATH, KeyMaterial(b"canary-value"))
    data = vault.file.read_bytes()
    assert b"canary" not in data
    assert b"auth" not in data


async def test_files_are_closed_to_others_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        vault = made(tmp_path / "home", master=None)
        await vault.put_new(PATH, KeyMaterial(b"v"))
    finally:
        os.umask(before)
    assert mode(tmp_path / "home") == 0o700
    assert {mode(path) for path in (tmp_path / "home").iterdir()} == {0o600}


def test_creating_a_vault_that_is_there_changes_nothing(tmp_path: Path) -> None:
    vault = made(tmp_path, master=None)
    before = vault.file.read_bytes(), (tmp_path / "master.key").read_bytes()
    assert create_vault(vault.file, SystemEntropy(), master=None) is False
    assert (vault.file.read_bytes(), (tmp_path / "master.key").read_bytes()) == before


def test_a_vault_whose_key_file_is_gone_gets_no_new_key(tmp_path: Path) -> None:
    vault = made(tmp_path, master=None)
    (tmp_path / "master.key").unlink()
    assert create_vault(vault.file, SystemEntropy(), master=None) is False
    with pytest.raises(SecretStoreUnavailableError, match=r"master\.key is missing"):
        open_vault(vault.file, SystemEntropy(), master=None)


async def test_a_missing_vault_is_not_made_by_reading_or_writing(tmp_path: Path) -> None:
    vault = made(tmp_path)
    vault.file.unlink()
    with pytest.raises(SecretStoreUnavailableError, match="restore it"):
        await vault.read_folder(PATH.folder)
    with pytest.raises(SecretStoreUnavailableError, match="restore it"):
        await vault.put_new(PATH, KeyMaterial(b"v"))
    assert not vault.file.exists()


@pytest.mark.parametrize("name", ["master.key", "vault.jkv"])
async def test_a_file_that_others_may_open_is_refused_with_the_cure(tmp_path: Path, name: str) -> None:
    made(tmp_path, master=None)
    (tmp_path / name).chmod(0o640)
    with pytest.raises(SecretStoreDeniedError, match=f"chmod 600 .*{name}"):
        await open_vault(tmp_path / "vault.jkv", SystemEntropy(), master=None).read_folder(PATH.folder)


@pytest.mark.parametrize("name", ["master.key", "vault.jkv"])
async def test_a_symbolic_link_is_refused(tmp_path: Path, name: str) -> None:
    made(tmp_path, master=None)
    (tmp_path / name).rename(tmp_path / "elsewhere")
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SecretStoreDeniedError, match="symbolic link"):
        await open_vault(tmp_path / "vault.jkv", SystemEntropy(), master=None).read_folder(PATH.folder)


@pytest.mark.parametrize("text", ["", "short", "!" * 43, "A" * 44], ids=["empty", "short", "no base64url", "long"])
def test_a_malformed_master_key_is_refused_without_being_shown(tmp_path: Path, text: str) -> None:
    with pytest.raises(SecretStoreDeniedError, match="43 characters") as caught:
        open_vault(tmp_path / "vault.jkv", SystemEntropy(), master=KeyMaterial(text.encode() or b" "))
    assert not text or text not in str(caught.value)


async def test_a_folder_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(SecretStoreError, match="home"):
        create_vault(tmp_path / "home" / "vault.jkv", SystemEntropy(), master=MASTER)


async def test_a_full_disk_leaves_the_vault_as_it_was(tmp_path: Path) -> None:
    vault = made(tmp_path)
    await vault.put_new(PATH, KeyMaterial(b"kept"))
    before = vault.file.read_bytes()
    old_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    old_handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (512, old_limit[1]))
    try:
        with pytest.raises(SecretStoreUnavailableError, match=r"vault\.jkv could not be written"):
            await vault.overwrite({PATH: KeyMaterial(b"x" * 4096)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old_limit)
        signal.signal(signal.SIGXFSZ, old_handler)
    assert vault.file.read_bytes() == before
    assert not list(tmp_path.glob("*.new"))
    assert not list(tmp_path.glob(".*.new"))


async def test_what_a_crashed_writer_left_is_removed_by_the_next(tmp_path: Path) -> None:
    vault = made(tmp_path)
    leftover = tmp_path / ".vault.jkv.12345.new"
    leftover.write_bytes(b"half")
    await vault.put_new(PATH, KeyMaterial(b"v"))
    assert not leftover.exists()


def test_a_writer_that_never_lets_go_is_an_error_after_the_time_out(tmp_path: Path) -> None:
    file = tmp_path / "vault.jkv"
    with (
        files.locked(file),
        pytest.raises(SecretStoreUnavailableError, match=r"held by another process for 0\.05 s"),
        files.locked(file, timeout_s=0.05),
    ):
        pass


def test_a_vault_over_the_bound_is_not_written() -> None:
    with pytest.raises(SecretStoreProtocolError, match="larger"):
        sealing.seal({PATH: KeyMaterial(bytes(sealing.MOST_BYTES))}, KeyMaterial(b"m" * 32), b"n" * 12)


async def test_a_cancelled_write_leaves_a_vault_that_opens(tmp_path: Path) -> None:
    vault = made(tmp_path)
    for delay_s in (0, 0.0005, 0.001, 0.002, 0.005):
        task = asyncio.create_task(vault.overwrite({PATH: KeyMaterial(b"v" * 1000)}))
        await asyncio.sleep(delay_s)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (await vault.read_folder(PATH.folder)).secrets.keys() <= {PATH.name}
    await vault.delete(PATH)


WRITER = """
import asyncio, sys
from pathlib import Path
from journal_keys.adapters.embedded.vault import open_vault
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
async def main():
    vault = open_vault(Path(sys.argv[1]), SystemEntropy(), master=None)
    print("ready", flush=True)
    for n in range(int(sys.argv[3])):
        await vault.put_new(SecretPath.parse(f"/race/{sys.argv[2]}_{n}"), KeyMaterial(b"v" * 100))
asyncio.run(main())
"""


def writer(vault: EmbeddedVault, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(vault.file), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.processes
async def test_four_processes_lose_none_of_their_secrets(tmp_path: Path) -> None:
    vault = made(tmp_path, master=None)
    writers = [writer(vault, f"w{n}", 15) for n in range(4)]
    for process in writers:
        assert process.stdout is not None
        process.communicate()
        assert process.returncode == 0
    assert len((await vault.read_folder(SecretPath(("race",)))).secrets) == 60


@pytest.mark.processes
async def test_a_writer_killed_at_any_moment_leaves_a_vault_that_opens(tmp_path: Path) -> None:
    vault = made(tmp_path, master=None)
    for attempt in range(6):
        process = writer(vault, f"k{attempt}", 10_000)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.01 + attempt * 0.007)
        process.kill()
        process.communicate()
        await vault.read_folder(SecretPath(("race",)))
        await vault.overwrite({PATH: KeyMaterial(b"v")})
    assert not list(tmp_path.glob(".*.new"))
