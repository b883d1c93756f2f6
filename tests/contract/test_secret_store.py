"""What every secret store promises."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from journal_keys.adapters.embedded.vault import create_vault, open_vault
from journal_keys.adapters.memory.counted_secret_store import CountedSecretStore
from journal_keys.adapters.memory.meter import MemoryMeter
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.adapters.memory.tracer import MemoryTracer
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import MARKER_NAME, SecretPath
from journal_keys.ports.secret_store import SecretHiddenError, SecretStore, WriteOnceConflictError
from tests.support.infisical.eras import Era
from tests.support.infisical.programs import BINARIES
from tests.support.infisical.server import InfisicalServer
from tests.support.infisical.stores import connection, opened

FOLDER = SecretPath.parse("/auth/jwt")
PATH = FOLDER.child("name")
HARD_VALUES = {
    "pem": "-----BEGIN PRIVATE KEY-----\nMC4CAQ==\n-----END PRIVATE KEY-----\n",
    "leading at": "@file",
    "leading dash": "--flag",
    "leading equals": "=x",
    "variable": "${X} $(id) `id`",
    "quotes": "'single' \"double\" \\",
    "hash": "# no comment",
    "next line": "a\x85b\u2028c",
    "byte order mark": "\ufeffx\ufeff",
    "controls": "".join(map(chr, range(32))) + "\x7f",
    "astral": "\U0001f511\U0010fffd",
    "100 KiB": "k" * 102_400,
    "leading blanks": "  \t\u00a0x",
    "trailing newlines": "x\r\n\n\n",
    "one character": "x",
}


@asynccontextmanager
async def memory(_folder: Path) -> AsyncIterator[SecretStore]:
    yield MemorySecretStore()


@asynccontextmanager
async def embedded(folder: Path) -> AsyncIterator[SecretStore]:
    file = folder / "home" / "vault.jkv"
    create_vault(file, SystemEntropy(), master=None)
    yield open_vault(file, SystemEntropy(), master=None)


@asynccontextmanager
async def counted(_folder: Path) -> AsyncIterator[SecretStore]:
    yield CountedSecretStore(store=MemorySecretStore(), clock=SystemClock(), meter=MemoryMeter(), tracer=MemoryTracer())


Opening = Callable[[Path], AbstractAsyncContextManager[SecretStore]]


def over(get_binary: Callable[[Path], Path], era: Era) -> Opening:
    @asynccontextmanager
    async def cli(folder: Path) -> AsyncIterator[SecretStore]:
        with InfisicalServer(era=era) as server:
            async with opened(connection(server, get_binary(folder))) as made:
                yield made.store

    return cli


STORES: dict[str, Opening] = {
    "memory": memory,
    "embedded": embedded,
    "counted": counted,
    **{f"{name}, {era.value}": over(get, era) for name, get in BINARIES.items() for era in Era},
}


@pytest.fixture(params=list(STORES.values()), ids=list(STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SecretStore]:
    async with request.param(tmp_path) as made:
        yield made


def secret(text: str) -> KeyMaterial:
    return KeyMaterial(text.encode("utf-8"))


def planted() -> str:
    """A text that the canaries of this test look for."""
    return SystemEntropy().token(32).hex()


async def held(store: SecretStore, path: SecretPath = PATH) -> str | None:
    value = (await store.read_folder(path.folder)).secrets.get(path.name)
    return None if value is None else expose(value).decode("utf-8")


@pytest.mark.parametrize("text", HARD_VALUES.values(), ids=HARD_VALUES.keys())
async def test_a_hard_value_reads_back_as_it_was_put(store: SecretStore, text: str) -> None:
    await store.put_new(PATH, secret(text))
    assert await held(store) == text
    await store.overwrite({PATH: secret(text + "'")})
    assert await held(store) == text + "'"


async def test_a_folder_that_nobody_made_reads_as_empty_and_is_not_marked(store: SecretStore) -> None:
    content = await store.read_folder(SecretPath.parse("/nobody/made/this"))
    assert dict(content.secrets) == {}
    with pytest.raises(SecretHiddenError, match="/nobody/made/this"):
        content.require_marked()


async def test_a_folder_with_the_marker_can_be_believed(store: SecretStore) -> None:
    await store.put_new(FOLDER.child(MARKER_NAME), secret("x"))
    assert (await store.read_folder(FOLDER)).require_marked().is_marked


async def test_sub_folders_and_neighbours_are_not_entered(store: SecretStore) -> None:
    for path in ("/auth/jwt/name", "/auth/jwt/versions/below", "/auth/jwtx/beside", "/auth/above"):
        await store.put_new(SecretPath.parse(path), secret(path))
    assert set((await store.read_folder(FOLDER)).secrets) == {"name"}


async def test_a_write_once_name_keeps_its_content(store: SecretStore) -> None:
    first, second = planted(), planted()
    await store.put_new(PATH, secret(first))
    with pytest.raises(WriteOnceConflictError, match="/auth/jwt/name"):
        await store.put_new(PATH, secret(second))
    assert await held(store) == first


async def test_the_same_content_again_changes_nothing(store: SecretStore) -> None:
    await store.put_new(PATH, secret("first"))
    await store.put_new(PATH, secret("first"))
    assert await held(store) == "first"


async def test_of_many_creators_of_one_name_one_wins(store: SecretStore) -> None:
    outcomes = await asyncio.gather(
        *(store.put_new(PATH, secret(f"value {n}")) for n in range(8)), return_exceptions=True
    )
    assert sum(outcome is None for outcome in outcomes) == 1
    assert sum(isinstance(outcome, WriteOnceConflictError) for outcome in outcomes) == 7
    winner = [outcome is None for outcome in outcomes].index(True)
    assert await held(store) == f"value {winner}"


async def test_concurrent_writers_of_other_names_lose_nothing(store: SecretStore) -> None:
    names = [f"name_{n}" for n in range(12)]
    await asyncio.gather(*(store.overwrite({FOLDER.child(name): secret(name)}) for name in names))
    assert set((await store.read_folder(FOLDER)).secrets) == set(names)


async def test_several_secrets_of_a_folder_are_set_at_once(store: SecretStore) -> None:
    await store.overwrite({FOLDER.child("a"): secret("old"), FOLDER.child("b"): secret("b")})
    await store.overwrite({FOLDER.child("a"): secret("new"), FOLDER.child("c"): secret("c")})
    held = (await store.read_folder(FOLDER)).secrets
    assert {name: expose(value) for name, value in held.items()} == {"a": b"new", "b": b"b", "c": b"c"}


async def test_nothing_to_set_changes_nothing(store: SecretStore) -> None:
    await store.overwrite({})
    assert not (await store.read_folder(FOLDER)).secrets


async def test_secrets_of_several_folders_are_not_set_at_once(store: SecretStore) -> None:
    with pytest.raises(ValueError, match="of one folder"):
        await store.overwrite({PATH: secret("x"), SecretPath.parse("/database/x"): secret("x")})
    assert await held(store) is None


async def test_a_deleted_secret_is_gone_and_deleting_it_again_changes_nothing(store: SecretStore) -> None:
    await store.put_new(PATH, secret("x"))
    await store.put_new(FOLDER.child("other"), secret("y"))
    await store.delete(PATH)
    await store.delete(PATH)
    assert await held(store) is None
    assert await held(store, FOLDER.child("other")) == "y"


async def test_content_does_not_show_values_when_printed(store: SecretStore) -> None:
    value = planted()
    await store.put_new(PATH, secret(value))
    assert value not in repr(await store.read_folder(FOLDER))
