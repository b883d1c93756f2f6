"""Whatever becomes of Redis, hints only make looks come sooner; a connection made anew counts as one."""

import asyncio
import contextlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest
from httpx2 import ASGITransport, AsyncClient
from pydantic import SecretStr
from redis.asyncio import Redis

from journal_keys import InfisicalSecretsClient
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.view_board import MemoryViewBoard
from journal_keys.adapters.redis.caller import FIRST_REST_S
from journal_keys.adapters.redis.client import TIMEOUT_S
from journal_keys.adapters.redis.counts import Count
from journal_keys.adapters.redis.keys import RingKeys
from journal_keys.adapters.redis.namespace import Namespace
from journal_keys.container import Container
from journal_keys.domain.keys import Family
from journal_keys.domain.scopes import Scope
from journal_keys.entrypoints.http.app import create_app
from journal_keys.entrypoints.http.doors import INVALIDATE, WEBHOOK
from journal_keys.entrypoints.settings import Settings
from journal_keys.ports.view_board import SigningView
from tests.support.embedded import make_rings, settings_in
from tests.support.hooks import modified, signed
from tests.support.redis_server import RedisServer
from tests.support.shared import PATH, PLACE, START, Listener, listening, plain_client, sharing
from tests.support.tcp_proxy import TcpProxy
from tests.support.tokens import bearing, give_token

SOON_S = 0.1
LONG_S = 30.0
SECRET = "postgresql://app:a-canary-of-32-bytes-in-a-password@db/x"
WEBHOOK_SECRET = "a-secret-of-the-hook-of-32-characters"
CACHE_KEY = urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
async def listener(proxy: TcpProxy, clock: ManualClock) -> AsyncIterator[Listener]:
    """A process that listens through the proxy."""
    async with sharing(proxy.redis_url, clock, deadline_s=TIMEOUT_S) as shared, listening(shared) as made:
        yield made


@pytest.fixture
async def teller(own_redis: RedisServer, clock: ManualClock) -> AsyncIterator[Listener]:
    """Another process, which has its own way to Redis."""
    async with sharing(own_redis.socket_url, clock) as shared, listening(shared) as made:
        yield made


async def comes_true(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LONG_S):
        while not condition():  # noqa: ASYNC110 (what is waited for tells nobody)
            await asyncio.sleep(SOON_S / 2)


async def hears(listener: Listener, teller: Listener, generation: int) -> bool:
    """Whether a hint that is told now comes."""
    while await listener.bus.wait(0):
        pass
    teller.shared.call.breaker._opened_s = None  # noqa: SLF001 (what is tried is the listener)
    await teller.bus.publish(Family.JWT, generation)
    return await listener.bus.wait(LONG_S)


async def test_a_connection_that_is_cut_is_made_anew_and_counts_as_a_hint_of_everything(
    listener: Listener, teller: Listener, proxy: TcpProxy
) -> None:
    proxy.cut()
    await listener.heard(None)
    assert await hears(listener, teller, 2)


async def test_down_at_start(own_redis: RedisServer, clock: ManualClock, teller: Listener) -> None:
    own_redis.stop()
    async with sharing(own_redis.url, clock) as shared:
        listener = Listener(shared=shared, forgotten=[])
        shared.hints.listen(listener.forgotten.append)
        await shared.hints.publish(Family.JWT, 2)
        assert await shared.hints.wait(LONG_S) is True
        assert await shared.hints.wait(SOON_S) is False
        assert Count.UNREACHABLE in shared.counts
        own_redis.start()
        await listener.heard(None)
        await teller.heard(None)
        assert await hears(listener, teller, 3)


async def test_going_down_and_up_again(listener: Listener, teller: Listener, own_redis: RedisServer) -> None:
    own_redis.stop()
    await listener.bus.publish(Family.JWT, 2)
    assert await listener.bus.wait(LONG_S) is True
    own_redis.start()
    await listener.heard(None)
    await teller.heard(None)
    assert await hears(listener, teller, 3)


async def test_a_failover_to_an_empty_redis(listener: Listener, proxy: TcpProxy, clock: ManualClock) -> None:
    with RedisServer() as successor:
        async with sharing(successor.socket_url, clock) as shared, listening(shared) as teller:
            proxy.to_port = successor.port
            proxy.cut()
            await listener.heard(None)
            assert await hears(listener, teller, 2)


async def test_a_black_hole_is_noticed_by_its_silence(listener: Listener, teller: Listener, proxy: TcpProxy) -> None:
    proxy.is_black_hole = True
    asked = proxy.connections
    await comes_true(lambda: proxy.connections > asked)
    assert listener.forgotten == []
    assert Count.TIMED_OUT in listener.shared.counts
    proxy.heal()
    await listener.heard(None)
    assert await hears(listener, teller, 2)


async def test_a_black_hole_costs_who_publishes_one_time_out(listener: Listener, proxy: TcpProxy) -> None:
    proxy.is_black_hole = True
    before = listener.shared.counts[Count.TIMED_OUT]
    for generation in range(20):
        await listener.bus.publish(Family.JWT, generation)
        assert await listener.bus.wait(0) is True
    assert listener.shared.counts[Count.TIMED_OUT] == before + 1


async def test_a_lost_reply_to_the_subscription(proxy: TcpProxy, clock: ManualClock, teller: Listener) -> None:
    proxy.replies_to_drop = 1
    async with sharing(proxy.redis_url, clock, deadline_s=TIMEOUT_S) as shared, listening(shared) as listener:
        assert proxy.connections == 2
        assert await hears(listener, teller, 2)


async def test_a_lost_reply_to_a_hint(listener: Listener, teller: Listener, proxy: TcpProxy) -> None:
    await listener.shared.call("PING")
    proxy.replies_to_drop = 1
    await listener.bus.publish(Family.JWT, 2)
    assert await teller.bus.wait(LONG_S) is True
    assert await listener.bus.wait(LONG_S) is True


async def test_a_lost_reply_to_what_forgets(listener: Listener, teller: Listener, proxy: TcpProxy) -> None:
    await listener.shared.call("PING")
    proxy.replies_to_drop = 1
    await listener.shared.cache.forget(PATH)
    await teller.heard(PATH)
    assert Count.UNREACHABLE in listener.shared.counts


async def test_what_is_forgotten_later_because_redis_was_down_is_told_when_it_is_forgotten(
    listener: Listener, teller: Listener, proxy: TcpProxy, clock: ManualClock
) -> None:
    proxy.is_refusing = True
    proxy.cut()
    await listener.shared.cache.forget(PATH)
    assert await teller.bus.wait(SOON_S) is False
    proxy.heal()
    clock.pass_time(timedelta(seconds=FIRST_REST_S))
    await listener.shared.cache.look_up(PATH)
    await teller.heard(PATH)


async def test_noauth(listener: Listener, own_redis: RedisServer, proxy: TcpProxy) -> None:
    own_redis.stop()
    own_redis.start("requirepass a-password-of-16-bytes-or-more")
    await comes_true(lambda: Count.DENIED in listener.shared.counts)
    assert listener.forgotten == []
    await listener.bus.publish(Family.JWT, 2)
    assert await listener.bus.wait(0) is True
    own_redis.stop()
    own_redis.start()
    await listener.heard(None)
    assert proxy.connections > 1


async def test_flushall_loses_no_listener(listener: Listener, teller: Listener, admin: Redis) -> None:
    await admin.flushall()
    assert await hears(listener, teller, 2)
    assert listener.forgotten == []


async def test_who_may_not_publish_forgets_all_the_same(teller: Listener, own_redis: RedisServer, admin: Redis) -> None:
    words = ("ACL", "SETUSER", "poor", "on", ">a-password-of-16-bytes-or-more", "~*", "+@all", "resetchannels")
    await admin.execute_command(*words)  # type: ignore[no-untyped-call]
    url = own_redis.url.replace("//", "//poor:a-password-of-16-bytes-or-more@")
    async with sharing(url, ManualClock(START)) as poor:
        await poor.cache.forget(None)
        await poor.hints.publish(Family.JWT, 2)
        assert set(poor.counts) == {Count.REFUSED}
        assert not poor.cache._owed  # noqa: SLF001 (nothing else tells that it was done)
    assert await teller.bus.wait(SOON_S) is False


async def test_what_is_no_hint_is_counted_and_wakes_nobody(
    listener: Listener, teller: Listener, admin: Redis, own_redis: RedisServer
) -> None:
    heard: list[bytes] = []
    async with plain_client(own_redis.socket_url) as client, client.pubsub() as spy:
        await spy.subscribe(PLACE.hints)
        assert await spy.get_message(timeout=LONG_S)
        assert await hears(listener, teller, 2)
        message = await spy.get_message(timeout=LONG_S)
        assert message is not None
        heard.append(message["data"])
    for bad in (b"", b"\xff\xfe", b"hello", b"x" * 1_000_000, heard[0][:-8] + b"AAAAAAAA", heard[0]):
        await admin.publish(PLACE.hints, bad)
    assert await listener.bus.wait(3 * SOON_S) is False
    assert listener.forgotten == []
    assert {Count.MALFORMED, Count.OVERSIZED, Count.FORGED, Count.REPEATED} <= set(listener.shared.counts)
    assert await hears(listener, teller, 3)


async def test_a_hint_shows_no_path(teller: Listener, own_redis: RedisServer) -> None:
    async with plain_client(own_redis.socket_url) as client, client.pubsub() as spy:
        await spy.subscribe(PLACE.hints)
        assert await spy.get_message(timeout=LONG_S)
        await teller.shared.cache.forget(PATH)
        message = await spy.get_message(timeout=LONG_S)
    assert message is not None
    assert b"database" not in message["data"]
    assert b"database" not in urlsafe_b64decode(message["data"])


async def test_another_environment_hears_nothing(teller: Listener, own_redis: RedisServer) -> None:
    other = Namespace.of(PLACE.environment, "vault", "/two")
    async with sharing(own_redis.url, ManualClock(START), place=other) as shared, listening(shared) as listener:
        await teller.bus.publish(Family.JWT, 2)
        assert await listener.bus.wait(SOON_S) is False
        assert set(shared.counts) == set()


async def test_without_a_key_nothing_is_told_and_forgetting_goes_on(own_redis: RedisServer, teller: Listener) -> None:
    async with sharing(own_redis.url, ManualClock(START), keys=RingKeys(MemoryViewBoard())) as keyless:
        await keyless.hints.publish(Family.JWT, 2)
        await keyless.cache.forget(PATH)
        assert set(keyless.counts) == {Count.NO_KEY}
    assert await teller.bus.wait(SOON_S) is False


@pytest.mark.parametrize("protocol", [2, 3])
async def test_an_own_client_of_the_application_is_listened_with_and_left_open(
    own_redis: RedisServer, teller: Listener, clock: ManualClock, protocol: int
) -> None:
    async with Redis.from_url(own_redis.url, decode_responses=True, protocol=protocol, max_connections=1) as own:
        async with sharing(own, clock) as shared, listening(shared) as listener:
            assert await hears(listener, teller, 2)
            await own.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]
            await listener.heard(None)
            await teller.heard(None)
            assert await hears(listener, teller, 3)
        assert await own.ping()


def settings_with(folder: Path, server: RedisServer) -> Settings:
    """Settings under which nobody looks by itself before the test is over."""
    return settings_in(
        folder,
        journal_keys_profile="standard",
        journal_redis_url=SecretStr(server.url),
        journal_redis_cache_key=SecretStr(CACHE_KEY),
        journal_admin_tokens_file=folder / "tokens.json",
        journal_infisical_webhook_secret=SecretStr(WEBHOOK_SECRET),
        journal_infisical_cache_ttl=300,
        journal_ledger_poll=140,
    )


async def subscribed(server: RedisServer, number: int) -> None:
    """Wait until so many processes listen."""
    async with asyncio.timeout(LONG_S), plain_client(server.socket_url) as client:
        channels: list[bytes | str] = []
        while not channels or (await client.pubsub_numsub(*channels))[0][1] < number:
            await asyncio.sleep(SOON_S / 2)
            channels = await client.pubsub_channels()


Act: TypeAlias = Callable[[], Awaitable[object]]


async def nothing() -> None:
    """Leave it to what was done before."""


async def comes_of(act: Act, condition: Callable[[], bool]) -> None:
    """Do it, and again where a pause of the machine has lost the hint of it, until it has come true."""
    async with asyncio.timeout(LONG_S):
        while not condition():
            await act()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONG_S / 6):
                    await comes_true(condition)


async def shows(container: Container, generation: int, act: Act = nothing) -> SigningView:
    """Wait until this brings a view of the jwt ring at this generation."""
    board = container.board()
    await comes_of(act, lambda: board.signing is not None and board.signing.ring.generation >= generation)
    assert board.signing is not None
    return board.signing


async def forget(clients: Iterable[InfisicalSecretsClient], act: Act) -> None:
    """Wait until this leaves none of the clients anything in its memory."""
    caches = [(await client.container()).cache() for client in clients]
    await comes_of(act, lambda: all(cache.peek(str(PATH)) is None for cache in caches))


async def remembers(client: InfisicalSecretsClient, text: str) -> None:
    """Fetch until it is in the client's memory."""
    cache = (await client.container()).cache()
    async with asyncio.timeout(LONG_S):
        while cache.peek(str(PATH)) != text:
            assert await client.fetch_secret(str(PATH)) == text


async def test_what_one_instance_stores_or_invalidates_another_forgets(tmp_path: Path, own_redis: RedisServer) -> None:
    settings = settings_with(tmp_path, own_redis)
    await make_rings(settings)
    app = create_app(settings)
    async with (
        InfisicalSecretsClient(settings) as one,
        InfisicalSecretsClient(settings) as two,
        app.router.lifespan_context(app),
        AsyncClient(transport=ASGITransport(app=app, client=("127.0.0.1", 5)), base_url="http://localhost") as caller,
    ):
        await subscribed(own_redis, 3)
        await one.store_secret(str(PATH), SECRET)
        await remembers(two, SECRET)
        await forget([two], partial(one.store_secret, str(PATH), SECRET + "2"))
        await remembers(one, SECRET + "2")
        await remembers(two, SECRET + "2")
        token = bearing(give_token(tmp_path / "tokens.json", "deploy", Scope.INVALIDATE))
        statuses = []

        async def invalidate() -> None:
            answer = await caller.post(INVALIDATE, params={"pattern": "/database/*"}, headers=token)
            statuses.append(answer.status_code)

        await forget([one, two], invalidate)
        assert statuses[-1] == 200
        await remembers(one, SECRET + "2")
        await remembers(two, SECRET + "2")

        async def deliver() -> None:
            now = datetime.now(UTC)
            body = modified(now, "/database")
            answer = await caller.post(WEBHOOK, content=body, headers=signed(body, now, WEBHOOK_SECRET))
            statuses.append(answer.status_code)

        await forget([one, two], deliver)
        assert statuses[-1] == 200


async def test_what_one_instance_rotates_another_sees_long_before_its_next_look(
    tmp_path: Path, own_redis: RedisServer
) -> None:
    settings = settings_with(tmp_path, own_redis)
    await make_rings(settings)
    async with InfisicalSecretsClient(settings) as one, InfisicalSecretsClient(settings) as two:
        await subscribed(own_redis, 2)
        container = await one.container()
        first = await shows(container, 1)
        await shows(await two.container(), 1)

        async def compromise() -> None:
            ring = (await container.ledger().read(Family.JWT)).ring
            assert ring is not None
            await container.compromise_key()(Family.JWT, ring.active.kid, actor="test", reason="leaked")

        seen = await shows(await two.container(), 3, compromise)
        assert seen.ring.active.kid != first.ring.active.kid
