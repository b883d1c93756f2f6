"""Whatever becomes of Redis, everybody works who cannot tell; and when two work, the ledger lets one win."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.redis.client import TIMEOUT_S
from journal_keys.adapters.redis.counts import Count
from journal_keys.adapters.redis.namespace import Namespace
from journal_keys.container import Container
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.keys import Family, KeyState
from journal_keys.domain.outcomes import Rotated
from journal_keys.entrypoints.resources import open_container
from tests.support.embedded import make_rings, settings_in
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer
from tests.support.shared import PLACE, START, plain_client, sharing
from tests.support.tcp_proxy import TcpProxy

HOUR = timedelta(hours=1)
NAME = "rotate_due"
LONG_S = 30.0


@pytest.fixture
async def held(own_redis: RedisServer) -> AsyncIterator[None]:
    """Somebody else has the turn, and is not disturbed."""
    async with sharing(own_redis.socket_url, ManualClock(START)) as other:
        assert await other.lease.take(NAME, HOUR)
        yield


Fault: TypeAlias = Callable[[RedisServer, TcpProxy], None]


def down(server: RedisServer, _: TcpProxy) -> None:
    server.stop()


def black_hole(_: RedisServer, proxy: TcpProxy) -> None:
    proxy.is_black_hole = True


def refusing(_: RedisServer, proxy: TcpProxy) -> None:
    proxy.is_refusing = True
    proxy.cut()


def frozen(server: RedisServer, _: TcpProxy) -> None:
    server.freeze()


def slow(_: RedisServer, proxy: TcpProxy) -> None:
    proxy.delay_s = 10 * TIMEOUT_S


def lost_reply(_: RedisServer, proxy: TcpProxy) -> None:
    proxy.replies_to_drop = 1


def noauth(server: RedisServer, _: TcpProxy) -> None:
    server.stop()
    server.start("requirepass a-password-of-16-bytes-or-more")


def empty(server: RedisServer, _: TcpProxy) -> None:
    server.stop()
    server.start()


FAULTS: dict[str, tuple[Fault, set[Count]]] = {
    "down": (down, {Count.UNREACHABLE}),
    "a black hole": (black_hole, {Count.TIMED_OUT}),
    "cut off": (refusing, {Count.UNREACHABLE}),
    "frozen": (frozen, {Count.TIMED_OUT}),
    "slow": (slow, {Count.TIMED_OUT}),
    "the reply is lost": (lost_reply, {Count.UNREACHABLE}),
    "a password is wanted": (noauth, {Count.UNREACHABLE, Count.DENIED}),
    "restarted, and empty": (empty, {Count.UNREACHABLE}),
}


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize(("fault", "counted"), FAULTS.values(), ids=FAULTS)
async def test_who_cannot_tell_works(
    own_redis: RedisServer, proxy: TcpProxy, fault: Fault, counted: set[Count]
) -> None:
    async with sharing(proxy.redis_url, ManualClock(START), deadline_s=TIMEOUT_S) as one:
        assert await one.lease.take(NAME, HOUR) is False
        fault(own_redis, proxy)
        assert await one.lease.take(NAME, HOUR) is True
        assert set(one.counts) <= counted
        await one.lease.give_back(NAME)


@pytest.mark.usefixtures("held")
async def test_a_black_hole_costs_a_crowd_one_time_out(proxy: TcpProxy) -> None:
    async with sharing(proxy.redis_url, ManualClock(START), deadline_s=TIMEOUT_S) as one:
        proxy.is_black_hole = True
        assert all(await asyncio.gather(*(one.lease.take(f"turn_{number}", HOUR) for number in range(300))))
        proxy.heal()
        asked = proxy.connections
        assert await one.lease.take(NAME, HOUR) is True
        assert proxy.connections == asked


@pytest.mark.processes
@pytest.mark.usefixtures("held")
async def test_a_host_that_stalls_still_learns_of_a_black_hole(proxy: TcpProxy) -> None:
    async with sharing(proxy.redis_url, ManualClock(START), deadline_s=TIMEOUT_S) as one:
        proxy.is_black_hole = True
        turn = asyncio.create_task(one.lease.take(NAME, HOUR))
        await asyncio.sleep(TIMEOUT_S / 5)
        time.sleep(4 * TIMEOUT_S)
        assert await turn is True
        assert one.call.breaker.is_open


@pytest.mark.usefixtures("held")
async def test_who_waits_for_a_place_waits_no_longer_than_for_an_answer(proxy: TcpProxy) -> None:
    async with sharing(proxy.redis_url, ManualClock(START), deadline_s=TIMEOUT_S) as one:
        for _ in range(32):
            await one.call.places.acquire()
        async with asyncio.timeout(LONG_S):
            assert await one.lease.take(NAME, HOUR) is True


@pytest.mark.parametrize("kind", ["a list", "without an end"])
async def test_what_is_no_turn_refuses_nobody(own_redis: RedisServer, admin: Redis, kind: str) -> None:
    key = PLACE.lease(NAME)
    if kind == "a list":
        await admin.rpush(key, "one")
    else:
        await admin.set(key, "another instance")
    async with sharing(own_redis.url, ManualClock(START)) as one:
        assert await one.lease.take(NAME, HOUR) is True


@pytest.mark.usefixtures("held")
async def test_another_environment_has_turns_of_its_own(own_redis: RedisServer) -> None:
    other = Namespace.of(PLACE.environment, "vault", "/two")
    async with sharing(own_redis.url, ManualClock(START), place=other) as one:
        assert await one.lease.take(NAME, HOUR) is True


@pytest.mark.usefixtures("held")
async def test_a_password_is_in_no_key_and_a_holder_is_no_name_of_a_host(admin: Redis) -> None:
    (key,) = await admin.keys("*:lease:*")
    value = await admin.get(key)
    assert isinstance(value, bytes)
    assert len(bytes.fromhex(value.decode())) == 8


async def flushed(proxy: TcpProxy) -> None:
    async with plain_client(proxy.redis_url) as client:
        await client.flushall()


async def expired(proxy: TcpProxy) -> None:
    """As if the holder had slept for longer than its turn."""
    async with plain_client(proxy.redis_url) as client:
        for key in await client.keys("*:lease:*"):
            await client.pexpire(key, 1)
        assert await comes_true(lambda: nothing_held(client))


async def nothing_held(client: Redis) -> bool:
    return not await client.keys("*:lease:*")


async def failed_over(proxy: TcpProxy) -> None:
    """Connections end; new ones go to a Redis that was told nothing."""
    proxy.cut()


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> PostgresServer | None:
    """Where the ledger is; None where it is in a file."""
    return request.getfixturevalue("postgres") if request.param == "postgresql" else None


@pytest.mark.parametrize("loses", [flushed, expired, failed_over])
async def test_two_who_both_hold_the_turn_both_work_and_the_ledger_lets_one_win(
    tmp_path: Path,
    own_redis: RedisServer,
    proxy: TcpProxy,
    server: PostgresServer | None,
    loses: Callable[[TcpProxy], Awaitable[None]],
) -> None:
    settings = settings_in(
        tmp_path,
        journal_redis_url=SecretStr(proxy.redis_url),
        journal_db_url_async=server and await server.database(),
        journal_jwks_max_age=1,
        journal_infisical_cache_ttl=1,
    )
    await make_rings(settings)
    with RedisServer() as successor:
        async with open_container(settings) as one, open_container(settings) as two:
            assert await one.lease().take(NAME, HOUR) is True
            assert await two.lease().take(NAME, HOUR) is False
            await one.rotate_keys()(Family.JWT, REQUEST)
            proxy.to_port = successor.port if loses is failed_over else own_redis.port
            await loses(proxy)
            assert await comes_true(lambda: two.lease().take(NAME, HOUR))
            assert await comes_true(lambda: both_rotate(one, two))
            assert await promotions(one) == 1


REQUEST = RotationRequest(rotation_id="by-an-operator", scope="jwt", force=True, reason="test", actor="test")


async def comes_true(condition: Callable[[], Awaitable[bool]]) -> bool:
    async with asyncio.timeout(LONG_S):
        while not await condition():  # noqa: ASYNC110 (what is waited for tells nobody)
            await asyncio.sleep(0.05)
    return True


async def both_rotate(one: Container, two: Container) -> bool:
    """Let both do the scheduler's work at once; say whether nothing is left of it."""
    outcomes = await asyncio.gather(*(container.rotate_when_due()(Family.JWT) for container in (one, two)))
    results = {outcome.new_kid for outcome in outcomes if isinstance(outcome, Rotated)}
    assert len(results) <= 1
    return outcomes == [None, None]


async def promotions(container: Container) -> int:
    """How often the jwt ring was rotated."""
    ring = (await container.ledger().read(Family.JWT)).ring
    assert ring is not None
    told = Counter(entry.fact.action for entry in await container.trail().entries() if entry.fact.family is Family.JWT)
    assert sum(version.state is KeyState.ACTIVE for version in ring.versions) == 1
    return told["key_promoted"] - 1  # the first key
