"""Hints between processes, over a channel of Redis."""

import asyncio
import math
from collections.abc import Callable
from typing import Any, Final, NoReturn

from redis.asyncio.connection import AbstractConnection

from journal_keys.adapters.redis.caller import Caller, NoAnswerError, classify
from journal_keys.adapters.redis.messages import Changed, Forgotten, Post
from journal_keys.domain.keys import Family
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.hint_bus import HintBus

SIGN_S: Final = 2.0
"""How long the channel may be quiet before it is asked for a sign of life."""
_HEARD_S: Final = 0.1
FIRST_REST_S: Final = 0.5
LONGEST_REST_S: Final = 30.0


class RedisHintBus(HintBus):
    """What is published within this process is told to Redis besides, and what others publish is heard within it.

    Listening takes one connection of its own, which the client's pool does not know and which never reconnects by
    itself: whenever it is made anew, hints may have been lost meanwhile, and that counts as one of everything.
    """

    def __init__(self, within: HintBus, call: Caller, post: Post, entropy: Entropy) -> None:
        self._within = within
        self._call = call
        self._post = post
        self._entropy = entropy
        self._newest: dict[Family, int] = {}
        self._forget: Callable[[SecretPath | None], object] = lambda _: None
        self._listener: asyncio.Task[None] | None = None

    async def publish(self, family: Family, generation: int) -> None:
        """Wake whoever waits here, and tell Redis if it answers."""
        self.wake()
        text = self._post.write(Changed(family, generation))
        if not text:
            return
        try:
            await self._call("PUBLISH", self._post.place.hints, text)
        except NoAnswerError:
            return

    def wake(self) -> None:
        """Wake whoever waits."""
        self._within.wake()

    async def wait(self, timeout_s: float) -> bool:
        """Wait for a hint, at most this long."""
        return await self._within.wait(timeout_s)

    def listen(self, forget: Callable[[SecretPath | None], object]) -> None:
        """Begin to listen, until `aclose`."""
        self._forget = forget
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen_for_ever(), name="journal_keys hints")

    async def aclose(self) -> None:
        """Listen no longer. That is said until it is heard: an application's own client may overhear it (`Caller`)."""
        while self._listener is not None and not self._listener.done():
            self._listener.cancel()
            await asyncio.wait((self._listener,), timeout=_HEARD_S)

    async def _listen_for_ever(self) -> None:
        loop, rest_s = asyncio.get_running_loop(), FIRST_REST_S
        while True:
            began_s = loop.time()
            try:
                await self._listen()
            except Exception as failure:  # noqa: BLE001 (a spoiled message makes the parser raise whatever it happens to)
                self._call.counts[classify(failure)] += 1
            if loop.time() - began_s > LONGEST_REST_S:
                rest_s = FIRST_REST_S
            await asyncio.sleep(rest_s * (0.5 + self._entropy.token(1)[0] / 512))
            rest_s = min(2 * rest_s, LONGEST_REST_S)

    async def _listen(self) -> NoReturn:
        """Subscribe, and hear until the connection is lost, which is told by an exception."""
        connection = self._call.client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout(2 * self._call.deadline_s):
                await connection.connect()
                await connection.send_command("SUBSCRIBE", self._post.place.hints, check_health=False)
                await _read(connection, math.inf)
            self._forget(None)
            self.wake()
            while True:
                self._hear(await self._next(connection))
        finally:
            await connection.disconnect(nowait=True)

    async def _next(self, connection: AbstractConnection) -> Any:  # noqa: ANN401 (a spoiled answer may be of any type)
        """Give what comes next. Who gives no sign of life, though asked for one, is lost.

        Raises:
            Exception: the connection is.
        """
        answer = await _read(connection, SIGN_S)
        if answer is None:
            await connection.send_command("PING", check_health=False)
            answer = await _read(connection, self._call.deadline_s)
        if answer is None:
            raise TimeoutError
        return answer

    def _hear(self, answer: Any) -> None:  # noqa: ANN401 (as above)
        match answer:
            case [b"message", _, bytes(text)]:
                self._take(text)
            case _:
                pass  # a sign of life

    def _take(self, text: bytes) -> None:
        match self._post.read(text):
            case Changed(family, generation) if generation > self._newest.get(family, 0):
                self._newest[family] = generation
                self.wake()
            case Forgotten(prefix):
                self._forget(prefix)
                self.wake()
            case _:
                pass  # no hint, or a generation that was heard already


async def _read(connection: AbstractConnection, timeout_s: float) -> Any:  # noqa: ANN401 (as above)
    return await connection.read_response(disable_decoding=True, timeout=timeout_s, push_request=True)
