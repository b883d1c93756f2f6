"""Secrets on their way through what fails: the canaries of every test look at what each failure shows.

A secret of these tests is 32 bytes of the entropy port, or text that such bytes are encoded in.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from traceback import TracebackException

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from journal_keys import EnvelopeError, InfisicalKeyManager, InfisicalSecretsClient
from journal_keys.adapters.crypto.key_crypto import (
    CryptographyKeyGenerator,
    CryptographyKeyOpener,
    CryptographyPemRenderer,
)
from journal_keys.adapters.embedded import sealing
from journal_keys.adapters.embedded.vault import open_vault
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain import base64url, canonical, material
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import READ_ONLY, Algorithm, Family
from journal_keys.domain.material import KeyMaterial, MaterialRecord
from journal_keys.domain.paths import SecretPath
from journal_keys.entrypoints.cli.exit_codes import ExitCode
from journal_keys.entrypoints.resources import open_container
from journal_keys.ports.ledger import LedgerUnavailableError
from journal_keys.ports.secret_store import SecretStoreDeniedError, SecretStoreProtocolError
from tests.support.canary.processes import watch_tree
from tests.support.canary.watch import WATCH
from tests.support.embedded import make_rings, settings_in

PATH = SecretPath.parse("/infrastructure/redis_url")
OPENER, PEM = CryptographyKeyOpener(), CryptographyPemRenderer()
NO_TEXT = b"\xff"


def secret() -> bytes:
    return SystemEntropy().token(32)


def record(algorithm: Algorithm) -> MaterialRecord:
    family = Family.AES if algorithm in {Algorithm.A256GCM, Algorithm.FERNET} else Family.JWT
    if algorithm in READ_ONLY[family]:
        key = KeyMaterial(secret())
        own = material.aes_kid(key) if family is Family.AES else material.shared_secret_kid(key)
        return MaterialRecord(
            family=family, kid=own, algorithm=algorithm, created_at=datetime.now(UTC), key=key, derived_kid=own
        )
    return CryptographyKeyGenerator(SystemEntropy()).generate(family, algorithm, datetime.now(UTC)).record


def other_key(one: MaterialRecord) -> MaterialRecord:
    return replace(one, key=record(one.algorithm).key)


def no_key(one: MaterialRecord) -> MaterialRecord:
    return replace(one, key=KeyMaterial(expose(one.key)[:-1]))


@pytest.mark.parametrize("algorithm", list(Algorithm))
@pytest.mark.parametrize("damaged", [other_key, no_key])
@pytest.mark.parametrize(
    "use",
    [OPENER.signing, OPENER.cipher, OPENER.verifying_shared, lambda one: OPENER.foreign_reader((one,)), OPENER.prove],
    ids=["signing", "cipher", "verifying", "foreign reader", "prove"],
)
def test_a_key_that_is_not_what_its_kid_names(
    algorithm: Algorithm, damaged: Callable[[MaterialRecord], MaterialRecord], use: Callable[[MaterialRecord], object]
) -> None:
    with pytest.raises(MaterialCorruptError):
        use(damaged(record(algorithm)))


@pytest.mark.parametrize("algorithm", [Algorithm.EDDSA, Algorithm.ES256, Algorithm.RS256])
def test_a_key_that_cannot_be_rendered(algorithm: Algorithm) -> None:
    with pytest.raises(MaterialCorruptError):
        PEM.private_pem(no_key(record(algorithm)))


LINES: dict[str, Callable[[MaterialRecord], bytes]] = {
    "cut off": lambda one: expose(material.encode(one))[:-3],
    "with a byte that is no text": lambda one: expose(material.encode(one)) + NO_TEXT,
    "no JSON inside": lambda one: base64url.encode(expose(one.key) + b"{").encode(),
    "JSON that is cut off": lambda one: base64url.encode(b'{"key":"' + expose(one.key).hex().encode()).encode(),
    "a key of another length": lambda one: expose(material.encode(no_key(one))),
    "the key itself": lambda one: expose(one.key),
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
def test_a_stored_line_that_is_damaged(line: Callable[[MaterialRecord], bytes]) -> None:
    with pytest.raises(MaterialCorruptError):
        material.decode(KeyMaterial(line(record(Algorithm.A256GCM))))


CONTENTS: dict[str, Callable[[bytes], bytes]] = {
    "no text": lambda value: value + NO_TEXT,
    "no JSON": lambda value: base64url.encode(value).encode(),
    "a value that is no base64url": lambda value: canonical.to_json({str(PATH): value.hex() + "!"}).encode(),
    "a path that is none": lambda value: canonical.to_json({value.hex(): "AA"}).encode(),
    "a list": lambda value: canonical.to_json([value.hex()]).encode(),
}


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_a_vault_with_content_of_another_version(content: Callable[[bytes], bytes]) -> None:
    master, nonce, value = KeyMaterial(secret()), bytes(12), secret()
    header = sealing.seal({}, master, nonce)[:32]
    sealed = AESGCM(expose(master)).encrypt(nonce, content(value), header)
    with pytest.raises(sealing.VaultDamagedError):
        sealing.unseal(header + sealed, master, name="vault")


MASTERS: dict[str, Callable[[bytes], bytes]] = {
    "no text": lambda key: key + NO_TEXT,
    "too long": lambda key: base64url.encode(key + b"x").encode(),
    "hex": lambda key: key.hex().encode(),
    "padded": lambda key: base64url.encode(key).encode() + b"=",
}


@pytest.mark.parametrize("text", MASTERS.values(), ids=MASTERS.keys())
def test_a_master_key_that_is_none(tmp_path: Path, text: Callable[[bytes], bytes]) -> None:
    with pytest.raises(SecretStoreDeniedError):
        open_vault(tmp_path / "vault.jkv", SystemEntropy(), master=KeyMaterial(text(secret())))


async def test_a_fetched_secret_that_is_no_text(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    async with InfisicalSecretsClient(settings) as client:
        await (await client.container()).store_secret()(PATH, KeyMaterial(secret() + NO_TEXT))
        with pytest.raises(SecretStoreProtocolError, match=f"{PATH} .* no UTF-8 text"):
            await client.fetch_secret(str(PATH))


async def test_a_plaintext_that_is_no_text(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    async with InfisicalSecretsClient(settings) as client:
        cipher = await InfisicalKeyManager(client=client).get_token_cipher()
        with pytest.raises(EnvelopeError, match="decrypt_bytes"):
            cipher.decrypt(cipher.encrypt(secret() + NO_TEXT))


async def test_what_holds_secrets_shows_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    password = secret().hex()
    settings = settings_in(
        tmp_path,
        journal_keys_vault_master_key=base64url.encode(secret()),
        https_proxy=f"http://me:{password}@proxy:1",
        http_proxy=f"http://me:{password}@proxy:1",
    )
    await make_rings(settings)
    async with InfisicalSecretsClient(settings) as client:
        manager = InfisicalKeyManager(client=client)
        container = await client.container()
        key, cipher = await manager.get_current_signing_key(), await manager.get_token_cipher()
        board = container.board()
        holders = (settings, container.store(), key, cipher, board.signing, board.cipher, record(Algorithm.A256GCM))
        print(*map(repr, holders), *map(str, holders), settings.model_dump(), settings.model_dump_json())  # noqa: T201
    assert "KeyMaterial(…)" in capsys.readouterr().out


async def test_the_password_of_a_ledger_out_of_reach(tmp_path: Path) -> None:
    url = f"postgresql+asyncpg://me:{secret().hex()}@127.0.0.1:1/journal"
    settings = settings_in(tmp_path, journal_db_url_async=url)
    with pytest.raises(LedgerUnavailableError) as caught:
        async with open_container(settings):
            pass
    shown = TracebackException.from_exception(caught.value, capture_locals=True)
    here = [frame for frame in shown.stack if frame.filename != __file__]
    assert len(here) >= 3
    print(settings, settings.model_dump(), *(frame.locals for frame in here))  # noqa: T201


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "JOURNAL_KEYS_HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path)}


def run(environment: dict[str, str], *words: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    command = [sys.executable, "-m", "journal_keys", *words]
    return subprocess.run(command, env=environment, input=given, capture_output=True, check=False)


@pytest.mark.processes
def test_a_secret_of_an_operator_is_shown_to_secrets_get_only(environment: dict[str, str], tmp_path: Path) -> None:
    value, file = secret().hex().encode(), tmp_path / "value"
    assert run(environment, "init").returncode == 0
    assert run(environment, "secrets", "set", str(PATH), given=value).returncode == 0
    assert run(environment, "secrets", "get", str(PATH)).stdout == value
    file.write_bytes(value)
    assert run(environment, "secrets", "set", str(PATH), "--file", str(file), "--json").returncode == 0
    file.unlink()
    for path, given in (("/x", value), ("/auth/aes/current_key", value), (str(PATH), value + NO_TEXT)):
        assert run(environment, "secrets", "set", path, given=given).returncode == ExitCode.REFUSED
    for words in (("list", "/infrastructure"), ("delete", str(PATH))):
        assert run(environment, "secrets", *words).returncode == 0


@pytest.mark.processes
async def test_a_secret_that_is_no_text_is_written_as_it_is_and_never_as_json(
    environment: dict[str, str], tmp_path: Path
) -> None:
    value, settings = secret() + NO_TEXT, settings_in(tmp_path)
    await make_rings(settings)
    async with InfisicalSecretsClient(settings) as client:
        await (await client.container()).store_secret()(PATH, KeyMaterial(value))
    assert run(environment, "secrets", "get", str(PATH)).stdout == value
    refused = run(environment, "secrets", "get", str(PATH), "--json")
    assert (refused.returncode, refused.stdout) == (ExitCode.SECRET_STORE, b"")
    assert b"no UTF-8 text" in refused.stderr


@pytest.mark.processes
def test_keys_that_another_process_made_are_known_to_the_canaries(environment: dict[str, str], tmp_path: Path) -> None:
    assert run(environment, "init").returncode == 0
    WATCH.look()
    vault = tmp_path / "home" / "vault.jkv"
    master = KeyMaterial(base64url.decode((vault.parent / "master.key").read_text().strip()))
    held = sealing.unseal(vault.read_bytes(), master, name="vault")
    keys = [material.decode(value).key for path, value in held.items() if path.name.startswith(("jwt_", "aes_"))]
    assert len(keys) == 4
    known = WATCH.known.haystack()
    assert all(known.search(expose(key)) for key in (*keys, master))


@pytest.mark.processes
def test_no_process_of_the_demonstration_is_started_with_a_key(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "journal_keys", "demo", "--seconds", "2", "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as demo:
        seen = watch_tree(demo.pid, lambda: demo.poll() is None)
        demo.communicate()
    assert demo.returncode == 0
    assert sum(b"multiprocessing" in start.arguments for start in seen.values()) >= 3
    assert len(WATCH.known) >= 5, "the master key and two keys of each ring"
