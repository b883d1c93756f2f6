"""A TCP proxy on loopback that spoils connections on demand, for whatever server stands behind it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Self

_CHUNK: Final = 64 * 1024


@dataclass(slots=True, eq=False)
class _Link:
    """One connection of a client, with its connection to the server where there is one."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    is_deaf: bool = False
    """The next answer ends it."""

    def cut(self) -> None:
        """Reset both, as a crash or a firewall does."""
        for writer in (self.client, self.server):
            if writer is not None:
                writer.transport.abort()


@dataclass(slots=True, kw_only=True)
class Trap:
    """Cuts the connection on which a client sends this word, after so many that pass: before its effect, or behind."""

    word: bytes
    passes: int
    has_effect: bool

    def springs(self, data: bytes) -> bool:
        """Whether what a client sends now is what it waits for."""
        if self.word not in data:
            return False
        self.passes -= 1
        return self.passes < 0


@dataclass(slots=True)
class TcpProxy:
    """Faults are fields: set before or while connections are open, they hold from the next bytes on.

    `to_port` may be changed: connections made from then on go there, as after a failover.
    """

    to_port: int
    delay_s: float = 0.0
    """How much later each piece of an answer comes."""
    is_refusing: bool = False
    """Connections are reset as they come."""
    is_black_hole: bool = False
    """Connections are taken, and what is sent either way is lost in silence."""
    bytes_per_s: float | None = None
    """How fast answers come, byte by byte."""
    replies_to_drop: int = 0
    """Of how many pieces of an answer the connection is cut in their place: the request had its effect."""
    trap: Trap | None = None
    """Springs once, and is gone then."""
    change_reply: Callable[[bytes], bytes] | None = None
    """What becomes of each piece of an answer."""
    sent: bytearray = field(default_factory=bytearray)
    """All that clients sent on."""
    port: int = field(default=0, init=False)
    connections: int = field(default=0, init=False)
    """How many were ever asked for."""
    _links: set[_Link] = field(default_factory=set, init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _server: asyncio.Server | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.cut()

    @property
    def redis_url(self) -> str:
        """Where a client of Redis connects."""
        return f"redis://127.0.0.1:{self.port}/0"

    def cut(self) -> None:
        """Reset every connection that is open now."""
        for link in self._links:
            link.cut()

    def flip_bit_of_reply(self, position: int, bit: int = 0) -> None:
        """Change one bit of the byte at this place of each piece of an answer that is long enough."""

        def flipped(data: bytes) -> bytes:
            changed = bytearray(data)
            if position < len(changed):
                changed[position] ^= 1 << bit
            return bytes(changed)

        self.change_reply = flipped

    def heal(self) -> None:
        """Take every fault away."""
        self.delay_s, self.is_refusing, self.is_black_hole = 0.0, False, False
        self.bytes_per_s, self.replies_to_drop, self.change_reply, self.trap = None, 0, None, None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        link = _Link(writer)
        self._links.add(link)
        try:
            if not self.is_refusing:
                await self._serve(link, reader)
        except (OSError, asyncio.CancelledError):
            pass  # an end by the other side, or by the end of the test
        finally:
            link.cut()
            self._links.discard(link)
            self._tasks.discard(task)

    async def _serve(self, link: _Link, from_client: asyncio.StreamReader) -> None:
        from_server, link.server = await asyncio.open_connection("127.0.0.1", self.to_port)
        pumps = [
            asyncio.create_task(self._forward(from_client, link, link.server)),
            asyncio.create_task(self._answer(from_server, link)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*pumps, return_exceptions=True)

    async def _forward(self, source: asyncio.StreamReader, link: _Link, server: asyncio.StreamWriter) -> None:
        while data := await source.read(_CHUNK):
            if self.trap and self.trap.springs(data):
                link.is_deaf, self.trap = self.trap.has_effect, None
                if not link.is_deaf:
                    return
            if not self.is_black_hole:
                self.sent += data
                server.write(data)
                await server.drain()

    async def _answer(self, source: asyncio.StreamReader, link: _Link) -> None:
        while data := await source.read(_CHUNK):
            if self.is_black_hole:
                continue
            if link.is_deaf:
                return
            if self.replies_to_drop:
                self.replies_to_drop -= 1
                return
            await self._deliver(self.change_reply(data) if self.change_reply else data, link.client)

    async def _deliver(self, data: bytes, client: asyncio.StreamWriter) -> None:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.bytes_per_s is None:
            client.write(data)
        else:
            for byte in data:
                client.write(bytes([byte]))
                await asyncio.sleep(1 / self.bytes_per_s)
        await client.drain()
