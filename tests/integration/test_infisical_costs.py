"""How many children, logins and requests the work of this package costs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from journal_keys.container import Container
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import Rotated
from journal_keys.domain.paths import KNOWN_SECRETS, MARKER_NAME
from journal_keys.entrypoints.resources import open_container, provision
from journal_keys.entrypoints.settings import Settings
from tests.support.embedded import init_all, settings_in
from tests.support.infisical.homes import in_infisical
from tests.support.infisical.server import InfisicalServer
from tests.support.infisical.watching import watched_command_lines

pytestmark = pytest.mark.processes


@pytest.fixture
def server() -> Iterator[InfisicalServer]:
    with InfisicalServer() as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path, server: InfisicalServer, binary: Path) -> Settings:
    return settings_in(
        tmp_path,
        **in_infisical(server, binary),
        journal_jwks_max_age=0.2,
        journal_infisical_cache_ttl=0.2,
        journal_ledger_poll=0.05,
        journal_clock_skew=0,
    )


@asynccontextmanager
async def made(settings: Settings, server: InfisicalServer) -> AsyncIterator[Container]:
    async with provision(settings) as container:
        await init_all(container)
    server.requests.clear()
    server.registry.logins = 0
    async with open_container(settings) as container:
        yield container


def reads(server: InfisicalServer) -> int:
    """Children that read or set: each of them lists one folder once."""
    return len(server.targets(["GET"]))


async def test_a_rotation_starts_nine_children(settings: Settings, server: InfisicalServer) -> None:
    async with made(settings, server) as container:
        await asyncio.sleep(0.3)
        for family in Family:
            server.requests.clear()
            request = RotationRequest(rotation_id=f"r{family}", scope=family.value, force=True, reason="r", actor="a")
            assert isinstance(await container.rotate_keys()(family, request), Rotated)
            assert reads(server) == 9
            assert (
                len(server.targets(["POST", "PATCH"]))
                - server.targets().count("POST /api/v1/auth/universal-auth/login")
                == 5
            )
    assert server.registry.logins == 1


async def test_during_a_full_rotation_no_command_line_of_this_host_holds_a_secret(
    settings: Settings, server: InfisicalServer
) -> None:
    async with made(settings, server) as container, watched_command_lines() as watched:
        await asyncio.sleep(0.3)
        for family in Family:
            request = RotationRequest(rotation_id=f"r{family}", scope=family.value, force=True, reason="r", actor="a")
            assert isinstance(await container.rotate_keys()(family, request), Rotated)
    said = "\n".join(line for line in watched if f"--domain={server.url}" in line)
    assert {verb for verb in ("secrets set", "export", "login") if verb in said} == {"secrets set", "export", "login"}
    folders = ("/auth/jwt", "/auth/aes", "/auth/jwt/versions", "/auth/aes/versions")
    public = {"active_kid", MARKER_NAME}
    secrets = [value for folder in folders for name, value in server.folder(folder).items() if name not in public]
    secrets += [server.owner.client_secret, *server.registry.tokens]
    assert len(secrets) > 12
    assert not [secret for secret in secrets if any(line in said for line in secret.splitlines() if len(line) > 20)]


async def test_a_whole_life_logs_in_once(settings: Settings, server: InfisicalServer) -> None:
    async with made(settings, server) as container:
        for family in Family:
            await container.reconcile()(family)
        await container.check_health()()
        await container.refresh_views()()
    assert server.registry.logins == 1


async def test_a_pass_of_reconcile_reads_six_folders_and_a_health_answer_two(
    settings: Settings, server: InfisicalServer
) -> None:
    async with made(settings, server) as container:
        for family in Family:
            await container.reconcile()(family)
        assert reads(server) == 6
        await container.check_health()()
        assert reads(server) == 8


async def test_warming_every_known_secret_starts_one_child_a_folder(
    settings: Settings, server: InfisicalServer
) -> None:
    async with made(settings, server) as container:
        fetch = container.fetch_secret()
        found = await asyncio.gather(*(fetch(path) for path in KNOWN_SECRETS), return_exceptions=True)
    assert len(found) == len(KNOWN_SECRETS)
    assert reads(server) == len({path.folder for path in KNOWN_SECRETS})


async def test_a_refresh_without_news_asks_infisical_nothing(settings: Settings, server: InfisicalServer) -> None:
    async with made(settings, server) as container:
        await container.refresh_views()()
        server.requests.clear()
        for _ in range(5):
            await container.refresh_views()()
    assert server.requests == []


async def test_a_first_start_costs_no_more_requests_than_are_told(settings: Settings, server: InfisicalServer) -> None:
    async with provision(settings) as container:
        await init_all(container)
    assert reads(server) == 62
