"""What the tests of the store in Infisical share, those of Redis, and those of the service in a process."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.support.infisical.programs import BINARIES
from tests.support.operator import Operator
from tests.support.redis_server import RedisServer
from tests.support.shared import plain_client
from tests.support.tcp_proxy import TcpProxy


@pytest.fixture(params=list(BINARIES.values()), ids=list(BINARIES))
def binary(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in for the CLI, and the real one where it is there."""
    found: Path = request.param(tmp_path_factory.mktemp("bin"))
    return found


@pytest.fixture
async def proxy(own_redis: RedisServer) -> AsyncIterator[TcpProxy]:
    """A way to the test's Redis that can be spoiled."""
    async with TcpProxy(own_redis.port) as made:
        yield made


@pytest.fixture
async def admin(own_redis: RedisServer) -> AsyncIterator[Redis]:
    """Who does to Redis what operators and attackers do."""
    async with plain_client(own_redis.socket_url) as client:
        yield client


@pytest.fixture(scope="module")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with both rings, to be copied."""
    made = Operator(tmp_path_factory.mktemp("first"))
    assert made.run("init").returncode == 0
    return made.home


@pytest.fixture
def operator(tmp_path: Path, first_home: Path) -> Operator:
    """Somebody with a copy of that home."""
    made = Operator(tmp_path)
    shutil.copytree(first_home, made.home)
    return made
