"""The store over a real child and a server that does not always do what it should."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from journal_keys.adapters.infisical_cli.connection import Connection
from journal_keys.adapters.infisical_cli.secret_store import InfisicalCliSecretStore
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_store import (
    PendingApprovalError,
    SecretHiddenError,
    SecretStoreDeniedError,
    SecretStoreProtocolError,
    SecretStoreUnavailableError,
    WriteOnceConflictError,
)
from tests.support.infisical.eras import Era
from tests.support.infisical.identities import Identity
from tests.support.infisical.misdeeds import Deed
from tests.support.infisical.server import LOGIN, SECRETS, InfisicalServer
from tests.support.infisical.stores import connection, credentials, opened
from tests.support.infisical.watching import watched_command_lines

pytestmark = pytest.mark.processes

FOLDER = SecretPath.parse("/auth/jwt")
PATH = FOLDER.child("name")
OLD, NEW = KeyMaterial(b"the-old-value"), KeyMaterial(b"the-new-value")


@pytest.fixture(params=list(Era), ids=[era.name.lower() for era in Era])
def server(request: pytest.FixtureRequest) -> Iterator[InfisicalServer]:
    with InfisicalServer(era=request.param) as made:
        made.seed("/auth/jwt", {"name": "the-old-value"})
        yield made


@pytest.fixture
def newest() -> Iterator[InfisicalServer]:
    with InfisicalServer() as made:
        made.seed("/auth/jwt", {"name": "the-old-value"})
        yield made


@asynccontextmanager
async def store_of(reached: Connection) -> AsyncIterator[InfisicalCliSecretStore]:
    async with opened(reached) as made:
        yield made.store


async def held(store: InfisicalCliSecretStore, path: SecretPath = PATH) -> bytes | None:
    value = (await store.read_folder(path.folder)).secrets.get(path.name)
    return None if value is None else expose(value)


Call = Callable[[InfisicalCliSecretStore], Awaitable[object]]
CALLS: dict[str, Call] = {
    "read": lambda store: store.read_folder(FOLDER),
    "put": lambda store: store.put_new(FOLDER.child("other"), NEW),
    "overwrite": lambda store: store.overwrite({PATH: NEW}),
    "delete": lambda store: store.delete(PATH),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_who_may_do_nothing_is_denied_and_nothing_changes(
    binary: Path, server: InfisicalServer, call: Call
) -> None:
    nobody = Identity(can_read=False, can_write=False)
    async with store_of(connection(server, binary, KeyMaterial(server.token(nobody).encode()))) as store:
        with pytest.raises(SecretStoreDeniedError, match="no right to this"):
            await call(store)
    assert server.folder("/auth/jwt") == {"name": "the-old-value"}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_a_project_that_is_not_there_is_told_as_such(binary: Path, server: InfisicalServer, call: Call) -> None:
    reached = connection(server, binary)
    elsewhere = replace(reached, target=replace(reached.target, project_id="another"))
    async with store_of(elsewhere) as store:
        with pytest.raises(SecretStoreDeniedError, match="JOURNAL_INFISICAL_PROJECT_ID"):
            await call(store)


async def test_an_environment_that_is_not_there_shows_no_marker_and_takes_nothing(
    binary: Path, server: InfisicalServer
) -> None:
    reached = connection(server, binary)
    async with store_of(replace(reached, target=replace(reached.target, environment="nope"))) as store:
        with pytest.raises(SecretHiddenError):
            (await store.read_folder(FOLDER)).require_marked()
        with pytest.raises(SecretStoreDeniedError):
            await store.put_new(PATH, NEW)


PAGES = [Deed.SIGN_IN_PAGE, Deed.EMPTY]


@pytest.mark.parametrize("deed", PAGES, ids=[deed.name for deed in PAGES])
async def test_a_2xx_that_is_not_the_api_s_is_no_empty_folder_and_no_write(
    binary: Path, newest: InfisicalServer, deed: Deed
) -> None:
    newest.misbehave(deed)
    async with store_of(connection(newest, binary)) as store:
        with pytest.raises(SecretHiddenError):
            (await store.read_folder(FOLDER)).require_marked()
        with pytest.raises(PendingApprovalError):
            await store.overwrite({PATH: NEW})
        newest.behave()
        newest.misbehave(deed, "PATCH")
        with pytest.raises(PendingApprovalError):
            await store.overwrite({PATH: NEW})
    assert newest.folder("/auth/jwt") == {"name": "the-old-value"}


BROKEN = [Deed.HTML_500, Deed.HTML_502, Deed.HTML_503, Deed.TRUNCATED, Deed.DROP_BEFORE, Deed.RESET]


@pytest.mark.parametrize("deed", BROKEN, ids=[deed.name for deed in BROKEN])
async def test_a_read_that_fails_in_passing_is_tried_again(binary: Path, newest: InfisicalServer, deed: Deed) -> None:
    newest.misbehave(deed, times=2)
    async with store_of(connection(newest, binary)) as store:
        assert await held(store) == b"the-old-value"


@pytest.mark.parametrize("deed", [*BROKEN, Deed.REDIRECT], ids=lambda deed: deed.name)
async def test_a_server_that_stays_broken_is_told_as_unavailable(
    binary: Path, newest: InfisicalServer, deed: Deed
) -> None:
    newest.misbehave(deed)
    async with store_of(connection(newest, binary)) as store:
        with pytest.raises(SecretStoreUnavailableError, match="/auth/jwt"):
            await store.read_folder(FOLDER)


async def test_the_number_of_retries_is_the_one_that_was_set(binary: Path, newest: InfisicalServer) -> None:
    newest.misbehave(Deed.HTML_500)
    for retries in (0, 2):
        newest.requests.clear()
        async with store_of(connection(newest, binary, retries=retries)) as store:
            with pytest.raises(SecretStoreUnavailableError):
                await store.read_folder(FOLDER)
        assert len(newest.requests) == 1 + retries


@pytest.mark.parametrize("deed", [Deed.DROP_AFTER, Deed.DROP_BEFORE], ids=["done", "not done"])
async def test_a_write_without_an_answer_is_settled_by_reading_and_never_repeated(
    binary: Path, newest: InfisicalServer, deed: Deed
) -> None:
    newest.misbehave(deed, "PATCH")
    async with store_of(connection(newest, binary)) as store:
        if deed is Deed.DROP_AFTER:
            await store.overwrite({PATH: NEW})
        else:
            with pytest.raises(SecretStoreUnavailableError, match="/auth/jwt/name"):
                await store.overwrite({PATH: NEW})
    assert newest.folder("/auth/jwt")["name"] == ("the-new-value" if deed is Deed.DROP_AFTER else "the-old-value")
    assert sum(target.startswith("PATCH") for target in newest.targets()) == 1


async def test_an_effect_behind_a_time_out_is_seen_by_the_read_back(binary: Path, newest: InfisicalServer) -> None:
    newest.misbehave(Deed.SLOW, "PATCH", seconds=5.0)
    async with store_of(connection(newest, binary, timeout_s=3)) as store:
        with pytest.raises(SecretStoreUnavailableError):
            await store.overwrite({PATH: NEW})
    newest.behave()
    async with store_of(connection(newest, binary)) as store:
        assert await held(store) in {b"the-old-value", b"the-new-value"}


async def test_a_write_that_waits_for_approval_is_told_and_not_written_twice(
    binary: Path, newest: InfisicalServer
) -> None:
    newest.shelves.needs_approval = True
    async with store_of(connection(newest, binary)) as store:
        for call in (CALLS["put"], CALLS["overwrite"], CALLS["delete"]):
            with pytest.raises(PendingApprovalError, match="waits for approval"):
                await call(store)
        newest.shelves.needs_approval = False
        await store.overwrite({PATH: NEW})
    assert [target.split()[0] for target in newest.targets(("POST", "PATCH", "DELETE"))] == [
        "POST",
        "PATCH",
        "DELETE",
        "PATCH",
    ]


async def test_a_value_that_the_server_alters_is_not_taken_for_ours(binary: Path, newest: InfisicalServer) -> None:
    newest.shelves.alters = str.upper
    async with store_of(connection(newest, binary)) as store:
        with pytest.raises(PendingApprovalError):
            await store.overwrite({PATH: NEW})
        with pytest.raises(WriteOnceConflictError):
            await store.put_new(FOLDER.child("other"), NEW)


async def test_a_name_that_appeared_meanwhile_is_a_conflict_unless_it_holds_the_same(
    binary: Path, newest: InfisicalServer
) -> None:
    misdeed = newest.misbehave(Deed.SLOW, "POST", SECRETS, seconds=0.4)
    async with store_of(connection(newest, binary)) as store:
        for theirs in ("the-new-value", "another-value"):
            name = f"x_{theirs.replace('-', '_')}"
            putting = asyncio.create_task(store.put_new(FOLDER.child(name), NEW))
            before = misdeed.done
            while misdeed.done == before:  # noqa: ASYNC110 (another thread brings it about)
                await asyncio.sleep(0.01)
            newest.shelves.create("dev", "/auth/jwt", name, theirs)
            if theirs == "the-new-value":
                await putting
            else:
                with pytest.raises(WriteOnceConflictError):
                    await putting


async def test_a_folder_that_went_away_is_made_again_for_a_write(binary: Path, server: InfisicalServer) -> None:
    async with store_of(connection(server, binary)) as store:
        assert await held(store) == b"the-old-value"
        server.shelves.drop_folder("dev", "/auth/jwt")
        await store.overwrite({PATH: NEW})
        assert await held(store) == b"the-new-value"


async def test_forced_capitals_are_a_refusal(binary: Path, newest: InfisicalServer) -> None:
    newest.shelves.forces_capitals = True
    async with store_of(connection(newest, binary)) as store:
        with pytest.raises(SecretStoreDeniedError, match="HTTP 400"):
            await store.put_new(FOLDER.child("other"), NEW)


async def test_a_value_that_is_too_large_is_a_refusal(binary: Path, server: InfisicalServer) -> None:
    async with store_of(connection(server, binary)) as store:
        with pytest.raises(SecretStoreDeniedError, match="HTTP 413"):
            await store.overwrite({PATH: KeyMaterial(b"x" * 2_000_000)})


async def test_masked_values_are_hidden(binary: Path, newest: InfisicalServer) -> None:
    describer = Identity(describes_only=True)
    async with store_of(connection(newest, binary, KeyMaterial(newest.token(describer).encode()))) as store:
        with pytest.raises(SecretHiddenError, match="/auth/jwt/name is masked"):
            await store.read_folder(FOLDER)


async def test_serving_reads_as_one_identity_and_rotation_writes_as_another(
    binary: Path, server: InfisicalServer
) -> None:
    reader, writer = Identity(can_write=False), Identity()
    for identity in (reader, writer):
        server.registry.add(identity)
    async with store_of(connection(server, binary, credentials(reader), changer=credentials(writer))) as store:
        await store.overwrite({PATH: NEW})
        assert await held(store) == b"the-new-value"
    wrote = {seen.client_id for seen in server.requests if seen.method in {"PATCH", "DELETE"}}
    assert wrote == {writer.client_id}
    last = [seen.client_id for seen in server.requests if seen.method == "GET"][-1]
    assert last == reader.client_id


@pytest.mark.parametrize("ending", ["expired", "revoked", "spent", "signed by another"])
async def test_a_token_that_is_no_longer_good_causes_one_login(
    binary: Path, server: InfisicalServer, ending: str
) -> None:
    identity = server.registry.add(Identity(uses=1 if ending == "spent" else 0))
    async with opened(connection(server, binary, credentials(identity))) as made:
        await made.store.read_folder(FOLDER)
        token = expose(await made.reader.token()).decode()
        if ending == "expired":
            server.registry.expire(token)
        elif ending != "spent":
            server.registry.revoke(token)
        await made.store.read_folder(FOLDER)
    assert server.registry.logins == 2


async def test_a_token_that_was_handed_in_and_ended_is_a_denial_that_says_so(
    binary: Path, server: InfisicalServer
) -> None:
    async with store_of(connection(server, binary, KeyMaterial(server.token(ttl_s=0).encode()))) as store:
        with pytest.raises(SecretStoreDeniedError, match="INFISICAL_TOKEN"):
            await store.read_folder(FOLDER)


async def test_a_missing_right_is_no_reason_to_log_in_again(binary: Path, server: InfisicalServer) -> None:
    viewer = server.registry.add(Identity(can_write=False))
    async with store_of(connection(server, binary, credentials(viewer))) as store:
        with pytest.raises(SecretStoreDeniedError):
            await store.overwrite({PATH: NEW})
    assert server.registry.logins == 1


async def test_wrong_credentials_are_tried_once_however_many_ask(binary: Path, server: InfisicalServer) -> None:
    wrong = replace(credentials(server.owner), client_secret=KeyMaterial(b"wrong"))
    async with store_of(connection(server, binary, wrong)) as store:
        folders = [SecretPath.parse(f"/auth/f{n}") for n in range(20)]
        outcomes = await asyncio.gather(*(store.read_folder(f) for f in folders), return_exceptions=True)
    assert all(isinstance(outcome, SecretStoreDeniedError) for outcome in outcomes)
    assert server.registry.logins == 1


async def test_a_login_that_a_page_answers_is_no_login(binary: Path, newest: InfisicalServer) -> None:
    newest.misbehave(Deed.SIGN_IN_PAGE, "POST", LOGIN)
    async with store_of(connection(newest, binary, credentials(newest.owner))) as store:
        with pytest.raises(SecretStoreProtocolError, match="no access token"):
            await store.read_folder(FOLDER)


async def test_the_wait_that_the_server_asks_for_is_kept_by_all(binary: Path, newest: InfisicalServer) -> None:
    newest.misbehave(Deed.BUSY, "GET", times=1, seconds=1)
    async with store_of(connection(newest, binary)) as store:
        began_s = time.monotonic()
        await asyncio.gather(*(store.read_folder(SecretPath.parse(f"/auth/f{n}")) for n in range(3)))
    assert [seen.status for seen in newest.requests].count(429) == 1
    assert time.monotonic() - began_s >= 1


async def test_a_server_that_refuses_or_does_not_exist_is_told_in_words(binary: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
        for domain, why in (
            (closed, "refuses the connection"),
            ("https://no-such-host.invalid", "does not resolve"),
        ):
            with InfisicalServer() as server:
                reached = connection(server, binary, retries=0)
            async with store_of(replace(reached, target=replace(reached.target, domain=domain))) as store:
                with pytest.raises(SecretStoreUnavailableError, match=why):
                    await store.read_folder(FOLDER)


async def test_a_server_without_tls_behind_https_is_told_in_words(binary: Path, newest: InfisicalServer) -> None:
    reached = connection(newest, binary, retries=0)
    domain = newest.url.replace("http://", "https://")
    async with store_of(replace(reached, target=replace(reached.target, domain=domain))) as store:
        with pytest.raises(SecretStoreUnavailableError, match="TLS handshake failed"):
            await store.read_folder(FOLDER)


async def test_a_server_that_accepts_and_says_nothing_costs_one_deadline(binary: Path, newest: InfisicalServer) -> None:
    newest.misbehave(Deed.HANG)
    async with store_of(connection(newest, binary, timeout_s=3)) as store:
        for _ in range(4):
            with pytest.raises(SecretStoreUnavailableError):
                await store.read_folder(FOLDER)
    assert len(newest.requests) == 1


async def test_the_environment_of_this_process_reaches_no_child(
    binary: Path, newest: InfisicalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hostile = tmp_path / ".infisical.json"
    hostile.write_text('{"workspaceId": "another", "defaultEnvironment": "prod", "domain": "http://127.0.0.1:9"}')
    home = tmp_path / "home" / ".infisical"
    home.mkdir(parents=True)
    (home / "infisical-config.json").write_text(
        '{"loggedInUserEmail": "a@b", "LoggedInUserDomain": "http://127.0.0.1:9"}'
    )
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TOKEN", "stray")
    monkeypatch.setenv("INFISICAL_UNIVERSAL_AUTH_ACCESS_TOKEN", "stray")
    monkeypatch.setenv("INFISICAL_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("INFISICAL_CUSTOM_HEADERS", "x=y")
    async with store_of(connection(newest, binary)) as store:
        assert await held(store) == b"the-old-value"
        await store.overwrite({PATH: NEW})
    assert {seen.client_id for seen in newest.requests} == {newest.owner.client_id}
    assert not list(home.parent.glob("**/update-check.json"))


def is_call(line: str) -> bool:
    """Whether this is the command line of a child of the store, which is not this process's only one."""
    return "projectId" in line or "universal-auth" in line


async def test_no_child_outlives_the_store_and_no_value_is_in_any_argv(binary: Path, newest: InfisicalServer) -> None:
    newest.misbehave(Deed.SLOW, seconds=0.1)
    async with (
        watched_command_lines() as watched,
        opened(connection(newest, binary, credentials(newest.owner))) as made,
    ):
        await made.store.overwrite({PATH: NEW})
        await made.store.put_new(FOLDER.child("other"), NEW)
        await made.store.delete(PATH)
        token = expose(await made.reader.token()).decode()
    said = "\n".join(line for line in watched if is_call(line))
    assert {"secrets set", "secrets delete", "export", "login"} == {
        verb for verb in ("secrets set", "secrets delete", "export", "login") if verb in said
    }
    assert not [secret for secret in ("the-new-value", token, newest.owner.client_secret) if secret in said]
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    assert not [child for child in children if is_call(Path(f"/proc/{child}/cmdline").read_text())]


def all_told_by(failure: BaseException | None) -> str:
    """Everything that an exception tells, and what caused it."""
    return (
        "" if failure is None else repr(failure) + str(failure) + all_told_by(failure.__cause__ or failure.__context__)
    )


async def test_no_exception_of_a_write_holds_the_value_that_the_server_echoes(
    binary: Path, newest: InfisicalServer
) -> None:
    newest.shelves.echoes = True
    async with store_of(connection(newest, binary)) as store:
        with pytest.raises(SecretStoreDeniedError, match="HTTP 422") as refusal:
            await store.overwrite({PATH: NEW})
    assert "the-new-value" not in all_told_by(refusal.value)
