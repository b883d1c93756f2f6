"""Every trouble between here and Infisical has a name and a cure."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
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
