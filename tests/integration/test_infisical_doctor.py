"""Every trouble between here and Infisical has a name and a cure."""

import asyncio
import email.utils
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from journal_keys.adapters.infisical_cli.connection import Connection
from journal_keys.adapters.infisical_cli.doctor import Doctor, Finding, Verdict
from journal_keys.adapters.infisical_cli.opening import open_store
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.clock import Clock
from tests.support.infisical.identities import Identity
from tests.support.infisical.misdeeds import Deed
from tests.support.infisical.scripts import script
from tests.support.infisical.server import LOGIN, InfisicalServer
from tests.support.infisical.stores import connection, credentials

pytestmark = pytest.mark.processes
ALL = ["binary", "server", "clock", "login", "token", "read", "rings", "write"]


@pytest.fixture
def server() -> Iterator[InfisicalServer]:
    with InfisicalServer() as made:
        made.seed("/auth/jwt", {"_journal_keys": "journal_keys/1"})
        yield made


@asynccontextmanager
async def doctor(reached: Connection, clock: Clock | None = None) -> AsyncIterator[Doctor]:
    here = clock or SystemClock()
    async with open_store(replace(reached, retries=0), SystemClock(), SystemEntropy()) as opened:
        yield Doctor(opened=opened, target=reached.target, clock=here, entropy=SystemEntropy(), timeout_s=5)


async def findings(reached: Connection, clock: Clock | None = None) -> dict[str, Finding]:
    async with doctor(reached, clock) as examine:
        return {finding.check: finding async for finding in examine()}


async def test_where_all_is_well_everything_is_ok_and_nothing_is_left(binary: Path, server: InfisicalServer) -> None:
    found = await findings(connection(server, binary, credentials(server.owner)))
    assert [(name, finding.verdict) for name, finding in found.items()] == [(name, Verdict.OK) for name in ALL]
    assert "version 0.42" in found["binary"].found
    assert server.folder("/journal_keys_doctor") == {}
    assert not [finding.cure for finding in found.values() if finding.cure]


@contextmanager
def answering(answer: bytes, *, drips: bool = False) -> Iterator[str]:
    """A server that says this to whoever connects, or a byte of it each twentieth of a second, again and again."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        connection.recv(65536)
                        if not drips:
                            connection.sendall(answer)
                        while drips and not ended.wait(0.05):
                            connection.sendall(b"x")

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended.set()


DATES = ["soon", "Thu, 01 Jan 99999999999999999999 00:00:00 GMT", "Thu, 99 Jan 2026 00:00:00 GMT", "0", "\xff"]


@pytest.mark.parametrize("date", DATES)
async def test_a_server_whose_date_is_none_tells_no_time(binary: Path, server: InfisicalServer, date: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 2\r\n\r\n{{}}"
    with answering(head.encode("latin-1")) as url:
        reached = connection(server, binary)
        found = await findings(replace(reached, target=replace(reached.target, domain=url)))
    assert (found["server"].verdict, found["clock"].verdict) == (Verdict.OK, Verdict.SKIPPED)
    assert found["clock"].found == "the server told no time"


async def test_a_date_that_names_no_zone_is_one_of_utc(
    binary: Path, server: InfisicalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        date = email.utils.formatdate()
        with answering(f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 2\r\n\r\n{{}}".encode()) as url:
            reached = connection(server, binary)
            found = await findings(replace(reached, target=replace(reached.target, domain=url)))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert date.endswith("-0000")
    assert found["clock"].verdict is Verdict.OK


async def test_a_server_that_drips_is_given_up_in_time(binary: Path, server: InfisicalServer) -> None:
    with answering(b"", drips=True) as url:
        reached = connection(server, binary)
        reached = replace(reached, target=replace(reached.target, domain=url), retries=0)
        began_s = time.monotonic()
        async with open_store(reached, SystemClock(), SystemEntropy()) as opened:
            examine = Doctor(
                opened=opened, target=reached.target, clock=SystemClock(), entropy=SystemEntropy(), timeout_s=0.5
            )
            async with asyncio.timeout(30):
                found = {finding.check: finding async for finding in examine()}
    assert time.monotonic() - began_s < 10
    assert found["server"].verdict is Verdict.FAILED
    assert "does not answer" in found["server"].found


Trouble = Callable[[InfisicalServer], None]


def _approves(server: InfisicalServer) -> None:
    server.shelves.needs_approval = True


def _capitals(server: InfisicalServer) -> None:
    server.shelves.forces_capitals = True


def _page(server: InfisicalServer) -> None:
    server.misbehave(Deed.SIGN_IN_PAGE)


def _no_login(server: InfisicalServer) -> None:
    server.misbehave(Deed.SIGN_IN_PAGE, "POST", LOGIN)


def _no_reader(server: InfisicalServer) -> None:
    server.owner.can_read = False


def _no_writer(server: InfisicalServer) -> None:
    server.owner.can_write = False


def _new(server: InfisicalServer) -> None:
    server.shelves.delete("dev", "/auth/jwt", "_journal_keys")


@pytest.mark.parametrize(
    ("trouble", "check", "verdict", "cure"),
    [
        (_approves, "write", Verdict.FAILED, "approval policy"),
        (_no_writer, "write", Verdict.FAILED, "rights"),
        (_no_reader, "read", Verdict.FAILED, "rights"),
        (_page, "server", Verdict.FAILED, "sign-in page"),
        (_no_login, "login", Verdict.FAILED, "client id and secret"),
        (_new, "rings", Verdict.WARNING, "journal-keys init"),
        (_capitals, "write", Verdict.FAILED, "capital letters"),
    ],
    ids=["approval policy", "may not write", "may not read", "sign-in page", "login", "new project", "capitals"],
)
async def test_a_trouble_is_named_with_its_cure_where_it_is(
    binary: Path, server: InfisicalServer, trouble: Trouble, check: str, verdict: Verdict, cure: str
) -> None:
    trouble(server)
    found = await findings(connection(server, binary, credentials(server.owner)))
    first = next(name for name, finding in found.items() if finding.verdict is not Verdict.OK)
    assert (first, found[first].verdict) == (check, verdict)
    assert cure in found[first].cure


async def test_an_environment_that_does_not_exist_is_named(binary: Path, server: InfisicalServer) -> None:
    reached = connection(server, binary)
    found = await findings(replace(reached, target=replace(reached.target, environment="nope")))
    assert found["write"].verdict is Verdict.FAILED
    assert "JOURNAL_INFISICAL_ENVIRONMENT" in found["write"].cure


async def test_a_missing_binary_and_a_missing_server_are_told_and_the_rest_is_skipped(
    tmp_path: Path, server: InfisicalServer
) -> None:
    found = await findings(connection(server, tmp_path / "none"))
    assert found["binary"].verdict is Verdict.FAILED
    assert found["server"].verdict is Verdict.OK
    assert [found[name].verdict for name in ALL[3:]] == [Verdict.SKIPPED] * 5
    reached = connection(server, script(tmp_path / "bin", "printf '[]'"))
    server.stop()
    found = await findings(reached)
    assert (found["binary"].verdict, found["server"].verdict) == (Verdict.OK, Verdict.FAILED)
    assert found["clock"].verdict is Verdict.SKIPPED


async def test_a_clock_that_is_off_and_a_token_that_ends_soon_are_warned_of(
    binary: Path, server: InfisicalServer
) -> None:
    clock = ManualClock(SystemClock().read().wall + timedelta(minutes=5))
    found = await findings(connection(server, binary, KeyMaterial(server.token(ttl_s=900).encode())), clock)
    assert found["clock"].verdict is Verdict.WARNING
    assert "-300 s" in found["clock"].found or "-301 s" in found["clock"].found
    assert found["token"].verdict is Verdict.WARNING


async def test_the_identity_that_rotates_logs_in_by_itself(binary: Path, server: InfisicalServer) -> None:
    writer = server.registry.add(Identity())
    found = await findings(connection(server, binary, credentials(server.owner), changer=credentials(writer)))
    assert found["login for rotation"].verdict is Verdict.OK


async def test_no_finding_holds_a_secret(binary: Path, server: InfisicalServer) -> None:
    wrong = replace(credentials(server.owner), client_secret=KeyMaterial(b"wrong-secret"))
    for identity in (wrong, credentials(server.owner)):
        told = repr(await findings(connection(server, binary, identity)))
        assert "wrong-secret" not in told
        assert server.owner.client_secret not in told
