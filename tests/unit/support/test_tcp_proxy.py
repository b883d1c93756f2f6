"""Each fault of the proxy, in front of a server that answers each line with the same line in capitals."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Self

import pytest

from tests.support.tcp_proxy import TcpProxy

SOON_S = 0.05
LONG_S = 10.0


@dataclass
class Shouter:
    """Notes the lines that it was told."""

    heard: list[bytes] = field(default_factory=list)
    port: int = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self.heard.append(line)
                writer.write(line.upper())
        except ConnectionError:
            pass
        finally:
            writer.close()


class Caller:
    """One connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, line: bytes) -> bytes:
        self._writer.write(line)
        answer = await self._reader.readline()
        if not answer:
            raise ConnectionResetError
        return answer

    async def ask_soon(self, line: bytes) -> bytes:
        async with asyncio.timeout(SOON_S):
            return await self.ask(line)

    def hang_up(self) -> None:
        self._writer.transport.abort()


async def call(proxy: TcpProxy) -> Caller:
    return Caller(*await asyncio.open_connection("127.0.0.1", proxy.port))


@pytest.fixture
async def shouter() -> AsyncIterator[Shouter]:
    async with Shouter() as made:
        yield made


@pytest.fixture
async def proxy(shouter: Shouter) -> AsyncIterator[TcpProxy]:
    async with TcpProxy(shouter.port) as made, asyncio.timeout(LONG_S):
        yield made


@pytest.fixture
async def caller(proxy: TcpProxy) -> AsyncIterator[Caller]:
    made = await call(proxy)
    yield made
    made.hang_up()


async def test_without_a_fault_everything_passes(proxy: TcpProxy, caller: Caller) -> None:
    assert await caller.ask(b"one\n") == b"ONE\n"
    assert await caller.ask(b"two\n") == b"TWO\n"
    assert bytes(proxy.sent) == b"one\ntwo\n"


async def test_a_cut_ends_what_is_open_and_not_what_comes(proxy: TcpProxy, caller: Caller) -> None:
    await caller.ask(b"one\n")
    proxy.cut()
    with pytest.raises(ConnectionError):
        await caller.ask(b"two\n")
    after = await call(proxy)
    assert await after.ask(b"three\n") == b"THREE\n"
    after.hang_up()


async def test_a_refusing_proxy_lets_nobody_through(proxy: TcpProxy, shouter: Shouter) -> None:
    proxy.is_refusing = True
    caller = await call(proxy)
    with pytest.raises(ConnectionError):
        await caller.ask(b"one\n")
    assert shouter.heard == []
    assert proxy.connections == 1


async def test_a_delayed_answer_comes_late(proxy: TcpProxy, caller: Caller) -> None:
    proxy.delay_s = 4 * SOON_S
    began_s = asyncio.get_running_loop().time()
    with pytest.raises(TimeoutError):
        await caller.ask_soon(b"one\n")
    assert await caller.ask(b"two\n") == b"ONE\n"
    assert asyncio.get_running_loop().time() - began_s >= 4 * SOON_S


async def test_a_black_hole_takes_connections_and_swallows_all(
    proxy: TcpProxy, caller: Caller, shouter: Shouter
) -> None:
    proxy.is_black_hole = True
    with pytest.raises(TimeoutError):
        await caller.ask_soon(b"one\n")
    newer = await call(proxy)
    with pytest.raises(TimeoutError):
        await newer.ask_soon(b"two\n")
    newer.hang_up()
    assert shouter.heard == []
    proxy.heal()
    assert await caller.ask(b"three\n") == b"THREE\n"


async def test_a_dropped_reply_had_its_effect(proxy: TcpProxy, caller: Caller, shouter: Shouter) -> None:
    proxy.replies_to_drop = 1
    with pytest.raises(ConnectionError):
        await caller.ask(b"one\n")
    assert shouter.heard == [b"one\n"]
    after = await call(proxy)
    assert await after.ask(b"three\n") == b"THREE\n"
    after.hang_up()


async def test_a_throttled_answer_comes_byte_by_byte(proxy: TcpProxy, caller: Caller) -> None:
    proxy.bytes_per_s = 100
    began_s = asyncio.get_running_loop().time()
    assert await caller.ask(b"seven..\n") == b"SEVEN..\n"
    assert asyncio.get_running_loop().time() - began_s >= 7 / 100


async def test_a_flipped_bit_changes_one_byte_of_an_answer(proxy: TcpProxy, caller: Caller) -> None:
    proxy.flip_bit_of_reply(1, bit=5)
    assert await caller.ask(b"one\n") == b"OnE\n"
    assert await caller.ask(b"\n") == b"\n"
    proxy.heal()
    assert await caller.ask(b"one\n") == b"ONE\n"


async def test_after_a_failover_new_connections_go_elsewhere(proxy: TcpProxy, caller: Caller, shouter: Shouter) -> None:
    async with Shouter() as other:
        proxy.to_port = other.port
        assert await caller.ask(b"one\n") == b"ONE\n"
        newer = await call(proxy)
        assert await newer.ask(b"two\n") == b"TWO\n"
        newer.hang_up()
        assert (shouter.heard, other.heard) == ([b"one\n"], [b"two\n"])
