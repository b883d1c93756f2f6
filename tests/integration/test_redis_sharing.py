"""What goes to Redis, under whose name, and what never does; with rings, façade and an application's own client."""

import asyncio
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession

from journal_keys import InfisicalKeyManager, InfisicalSecretsClient
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.meter import MemoryMeter
from journal_keys.adapters.memory.view_board import MemoryViewBoard
from journal_keys.adapters.redis.counts import Count
from journal_keys.adapters.redis.keys import RingKeys
from journal_keys.adapters.redis.namespace import Namespace
from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.container import Container
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings, SettingsError
from journal_keys.ports.shared_secret_cache import SharedSecret
from journal_keys.ports.view_board import CipherView
from tests.support.canary.forms import needles
from tests.support.canary.watch import WATCH
from tests.support.embedded import make_rings, settings_in
from tests.support.operator import bare_environment
from tests.support.redis_commands import SET_OPTIONS_OF_5_0, is_of_5_0, sent_in
from tests.support.redis_server import RedisServer
from tests.support.shared import OTHER, PATH, PLACE, START, Store, instance, one_key, plain_client, sharing
from tests.support.tcp_proxy import TcpProxy
from tests.support.views import Bench

SECRET = "postgresql://app:a-canary-of-32-bytes-in-a-password@db/x"
CACHE_KEY = urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")


@pytest.fixture
async def redis(shared_redis: RedisServer) -> AsyncIterator[Redis]:
    async with plain_client(shared_redis.url) as client:
        yield client


def settings_with(folder: Path, server: RedisServer, **changes: object) -> Settings:
    return settings_in(folder, journal_redis_url=SecretStr(server.url), journal_keys_profile="standard", **changes)


async def dump(redis: Redis) -> bytes:
    """Everything that lies in Redis: names, values of every type, and their serialised form."""
    found = []
    for key in await redis.keys("*"):
        found += [key, await redis.dump(key)]
        if await redis.type(key) == b"set":
            found += await redis.smembers(key)
        else:
            found.append(await redis.get(key))
    return b"\0".join(part if isinstance(part, bytes) else str(part).encode() for part in found)


def counts(container: Container) -> Mapping[str, int]:
    return container.meter().questions()


async def test_no_private_key_and_no_secret_lies_open_in_redis(
    tmp_path: Path, shared_redis: RedisServer, redis: Redis
) -> None:
    settings = settings_with(tmp_path, shared_redis)
    await make_rings(settings)
    async with open_container(settings) as container:
        await container.refresh_views()()
        await container.store_secret()(PATH, KeyMaterial(SECRET.encode()))
        await container.fetch_secret()(PATH)
        assert await redis.exists(f"journal_keys:{{dev}}:value:{PATH}")
        material = [
            expose(held)
            for folder in ("/auth/jwt", "/auth/jwt/versions", "/auth/aes", "/auth/aes/versions")
            for name, held in (await container.store().read_folder(SecretPath.parse(folder))).secrets.items()
            if name not in {"_journal_keys", "active_kid", "keys_map", "current_public_key", "next_public_key"}
        ]
        for folder in ("/auth/jwt", "/auth/jwt/versions", "/auth/aes", "/auth/aes/versions"):
            for name in (await container.store().read_folder(SecretPath.parse(folder))).secrets:
                await container.fetch_secret()(SecretPath.parse(folder).child(name))
        whole = await dump(redis)
        assert len(material) >= 8
        for secret in [*material, SECRET.encode()]:
            held = [needle.form for needle in needles(secret) if needle.text in whole]
            assert held == []
            assert secret not in whole
            assert secret.hex().encode() not in whole
            assert b64encode(secret).rstrip(b"=") not in whole
        assert WATCH.known.haystack().search(whole) == set()
        assert b"/auth/" not in whole


async def test_what_a_ring_owns_is_neither_asked_for_nor_written(shared_redis: RedisServer, redis: Redis) -> None:
    assert redis
    owned = SecretPath.parse("/auth/jwt/current_private_key")
    async with TcpProxy(shared_redis.port) as proxy, instance(proxy.redis_url) as one:
        await one.fetch(Store(), owned)
        vacant = await one.shared.cache.look_up(PATH)
        assert not isinstance(vacant, SharedSecret)
        await one.shared.cache.keep(replace(vacant, path=owned), KeyMaterial(SECRET.encode()))
        assert b"/database" in proxy.sent
        assert b"/auth" not in proxy.sent


def test_the_search_would_see_a_secret() -> None:
    assert any(needle.text in b64encode(SECRET.encode()) for needle in needles(SECRET.encode()))


async def test_every_command_is_one_of_redis_5(shared_redis: RedisServer, redis: Redis) -> None:
    assert redis
    async with TcpProxy(shared_redis.port) as proxy, instance(proxy.redis_url.replace("/0", "/3")) as one:
        for _ in range(2):
            await one.fetch(Store())
            await one.fetch(Store(), OTHER)
            await one.cache.invalidate(PATH.folder)
        await one.cache.invalidate(None)
    said = sent_in(bytes(proxy.sent))
    assert {words[0] for words in said} >= {"SELECT", "GETRANGE", "EVAL"}
    for words in said:
        name = words[0].lower()
        full = f"{name}|{words[1].lower()}" if name in {"client", "config"} else name
        assert is_of_5_0(full), full
        if name == "set":
            assert set(words[3:]) & {"EX", "PX", "EXAT", "PXAT", "KEEPTTL", "GET"} <= SET_OPTIONS_OF_5_0


@pytest.mark.parametrize("name", ["hello", "getdel", "client|setinfo", "client|tracking", "copy", "blmove"])
def test_a_newer_command_would_be_noticed(name: str) -> None:
    assert not is_of_5_0(name)


async def test_two_instances_share_and_the_third_environment_does_not(
    tmp_path: Path, shared_redis: RedisServer, redis: Redis
) -> None:
    settings = settings_with(tmp_path, shared_redis, journal_redis_cache_key=SecretStr(CACHE_KEY))
    await make_rings(settings)
    meter = MemoryMeter()
    async with InfisicalSecretsClient(settings) as one, InfisicalSecretsClient(settings, meter=meter) as two:
        await one.store_secret(str(PATH), SECRET)
        assert await one.fetch_secret(str(PATH)) == SECRET
        assert await two.fetch_secret(str(PATH)) == SECRET
        assert meter.questions()[Count.HIT] == 1
        await two.store_secret(str(PATH), SECRET + "2")
        assert await two.fetch_secret(str(PATH)) == SECRET + "2"
    elsewhere = settings_with(tmp_path / "elsewhere", shared_redis)
    await make_rings(elsewhere)
    before = await redis.get("journal_keys:{dev}:guard")
    with pytest.raises(SettingsError, match="belong to another environment"):
        async with open_container(elsewhere):
            pass
    assert await redis.get("journal_keys:{dev}:guard") == before
    named = settings_with(tmp_path / "elsewhere", shared_redis, journal_infisical_environment="staging")
    async with open_container(named):
        assert await redis.exists("journal_keys:{staging}:guard")


async def test_a_namespace_that_becomes_anothers_is_left_alone(
    shared_redis: RedisServer, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    async with instance(shared_redis.url) as one:
        await redis.set(PLACE.guard, Namespace.of("test", "vault", "/two").owner + ":guard")
        for _ in range(3):
            one.cache.forget(None)
            assert await one.fetch(Store()) == Store().answer
            await one.cache.invalidate(None)
        assert one.misses() == {Count.FOREIGN_NAMESPACE}
        assert await redis.keys("*") == [PLACE.guard.encode()]
    assert caplog.text.count("redis_namespace_is_anothers") == 1


async def test_a_value_of_another_environment_does_not_open(shared_redis: RedisServer, redis: Redis) -> None:
    other_place = Namespace.of("other", "vault", "/one")
    clock = ManualClock(START)
    async with sharing(shared_redis.url, clock, place=other_place) as other, instance(shared_redis.url) as one:
        vacancy = await other.cache.look_up(PATH)
        assert not isinstance(vacancy, SharedSecret)
        await other.cache.keep(vacancy, KeyMaterial(b"a secret of another environment"))
        await redis.rename(other_place.value(PATH), PLACE.value(PATH))
        assert await one.fetch(Store()) == Store().answer
        assert one.misses() == {Count.FORGED}


async def test_under_another_key_nothing_is_found(shared_redis: RedisServer, redis: Redis) -> None:
    assert redis
    async with instance(shared_redis.url) as one, instance(shared_redis.url, keys=one_key(8)) as two:
        await one.fetch(Store())
        await two.fetch(Store())
        assert two.misses() == {Count.UNKNOWN_KEY}


def seen_with(view: CipherView, *, sealing: Kid, without: Kid | None = None) -> CipherView:
    """The ring as of another moment: that key seals, this one has left."""
    opening = {kid: key for kid, key in view.opening.items() if kid != without}
    return replace(view, sealing=opening[sealing], opening=opening)


async def test_what_was_sealed_before_a_rotation_opens_until_the_key_leaves_the_ring(
    shared_redis: RedisServer, redis: Redis
) -> None:
    assert redis
    bench = Bench(aes_keys=3)
    board = MemoryViewBoard()
    async with instance(shared_redis.url, keys=RingKeys(board)) as one:
        await one.fetch(Store())
        assert one.misses() == {Count.NO_KEY}
        view = bench.board.cipher
        assert view is not None
        oldest = next(kid for kid in view.opening if kid != view.ring.active.kid)
        board.show(seen_with(view, sealing=oldest))
        one.cache.forget(None)
        await one.fetch(Store())
        board.show(view)
        one.cache.forget(None)
        await one.fetch(Store())
        assert one.counts[Count.HIT] == 1
        board.show(seen_with(view, sealing=view.ring.active.kid, without=oldest))
        one.cache.forget(None)
        await one.fetch(Store())
        assert one.counts[Count.UNKNOWN_KEY] == 1


@pytest.mark.parametrize("protocol", [2, 3])
async def test_an_own_client_of_the_application_is_used_as_it_is_and_left_open(
    tmp_path: Path, own_redis: RedisServer, protocol: int
) -> None:
    settings = settings_in(tmp_path, journal_keys_profile="standard", journal_redis_cache_key=SecretStr(CACHE_KEY))
    await make_rings(settings)
    async with Redis.from_url(own_redis.url, decode_responses=True, protocol=protocol) as own:
        async with InfisicalSecretsClient(settings, own) as client:
            await client.store_secret(str(PATH), SECRET)
            assert await client.fetch_secret(str(PATH)) == SECRET
        assert await own.exists(f"journal_keys:{{dev}}:value:{PATH}")
        meter = MemoryMeter()
        async with InfisicalSecretsClient(settings, own, meter=meter) as client:
            assert await client.fetch_secret(str(PATH)) == SECRET
            assert meter.questions()[Count.HIT] == 1
            await own.set(f"journal_keys:{{dev}}:value:{PATH}", b"\xff\xfe")
            (await client.container()).cache().forget(None)
            assert await client.fetch_secret(str(PATH)) == SECRET
        assert await own.ping()


async def test_a_key_manager_hands_its_redis_on(tmp_path: Path, shared_redis: RedisServer, redis: Redis) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    client = InfisicalSecretsClient(settings, redis)
    assert client.redis is redis
    async with (
        ledger_engine(settings.ledger_url) as engine,
        AsyncSession(engine) as session,
        InfisicalKeyManager(session, None, client),
    ):
        assert await redis.exists("journal_keys:{dev}:guard")
    assert shared_redis.port


async def test_a_redis_that_is_down_stops_nothing(tmp_path: Path, own_redis: RedisServer) -> None:
    settings = settings_with(tmp_path, own_redis)
    await make_rings(settings)
    own_redis.stop()
    async with InfisicalSecretsClient(settings) as client:
        await client.store_secret(str(PATH), SECRET)
        assert await client.fetch_secret(str(PATH)) == SECRET
        assert counts(await client.container())[Count.UNREACHABLE] >= 1


async def test_without_redis_its_library_is_not_imported(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    program = """
import asyncio, sys
from journal_keys import InfisicalSecretsClient
from journal_keys.entrypoints.settings import Settings
async def main():
    async with InfisicalSecretsClient(Settings.from_environment()) as client:
        await client.health_check()
asyncio.run(main())
print([name for name in sys.modules if name.split(".")[0] == "redis" or ".adapters.redis" in name])
"""
    environment = {**bare_environment(), "JOURNAL_KEYS_HOME": str(settings.journal_keys_home)}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=environment, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await child.communicate()
    assert (child.returncode, printed.strip()) == (0, b"[]")
