"""A store that makes its readers wait costs nobody what was open before."""

import asyncio
from pathlib import Path

import pytest

from journal_keys import InfisicalKeyManager, InfisicalSecretsClient
from journal_keys.container import Container
from journal_keys.domain.keys import Family, Kid
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from tests.support.embedded import make_rings, settings_in
from tests.support.infisical.homes import in_infisical
from tests.support.infisical.programs import stand_in
from tests.support.infisical.server import InfisicalServer

pytestmark = pytest.mark.processes

TTL_S = 2


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """As long as this file is there, the application's calls of the CLI wait."""
    return tmp_path / "closed"


@pytest.fixture
def slow(tmp_path: Path, gate: Path) -> Path:
    binary = tmp_path / "slow" / "infisical"
    binary.parent.mkdir()
    real = stand_in(tmp_path)
    binary.write_text(f'#!/bin/sh\nwhile [ -e {gate} ]; do sleep 0.02; done\nexec {real} "$@"\n', encoding="utf-8")
    binary.chmod(0o755)
    return binary


async def test_an_application_signs_and_encrypts_on_while_the_material_of_a_new_key_keeps_it_waiting(
    tmp_path: Path, gate: Path, slow: Path
) -> None:
    with InfisicalServer() as server:
        settings, application = (
            settings_in(
                tmp_path, **in_infisical(server, binary), journal_infisical_cache_ttl=TTL_S, journal_ledger_poll=0.1
            )
            for binary in (stand_in(tmp_path), slow)
        )
        await make_rings(settings)
        async with InfisicalSecretsClient(application) as client, InfisicalKeyManager(client=client) as keys:
            signer, cipher, container = await keys.signer(), await keys.get_token_cipher(), await client.container()
            gate.touch()
            new = await with_new_keys(settings, container)
            ends_s = container.clock().uptime_s() + 2 * TTL_S
            while container.clock().uptime_s() < ends_s:
                assert cipher.decrypt(cipher.encrypt("kept")) == "kept"
                assert (await keys.verify(signer.sign({"sub": "x"})))["sub"] == "x"
                assert missing(container) == new
                await asyncio.sleep(0.05)
            gate.unlink()
            async with asyncio.timeout(60):
                while missing(container):  # noqa: ASYNC110 (the refresher brings it about)
                    await asyncio.sleep(0.05)


async def with_new_keys(settings: Settings, application: Container) -> set[Kid]:
    """Have an operator replace both ACTIVE keys; give the kids of the keys that are new, when the application knows."""
    async with open_container(settings) as container:
        for family in Family:
            ring = (await container.ledger().read(family)).ring
            assert ring is not None
            await container.compromise_key()(family, ring.active.kid, actor="test", reason="test")
        rings = [(await container.ledger().read(family)).ring for family in Family]
    staged = {ring.staged.kid for ring in rings if ring is not None and ring.staged is not None}
    assert len(staged) == len(Family)
    async with asyncio.timeout(60):
        while missing(application) != staged:  # noqa: ASYNC110 (the refresher brings it about)
            await asyncio.sleep(0.01)
    return staged


def missing(container: Container) -> set[Kid]:
    """What an application knows of and cannot open."""
    views = (container.board().signing, container.board().cipher)
    return {kid for view in views if view is not None for kid in view.missing}
