"""One process of the demonstration: it signs and encrypts for its peers, and reads what they made."""

import asyncio
import heapq
import queue
from collections.abc import MutableSequence
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event, Semaphore
from typing import TypeAlias

from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.container import Container
from journal_keys.domain.envelope import EnvelopeError
from journal_keys.domain.errors import KeyUnavailableError, PortError, ViewStaleError
from journal_keys.domain.token import TokenRefusedError
from journal_keys.entrypoints.demo.dice import Dice
from journal_keys.entrypoints.demo.tally import Tally
from journal_keys.entrypoints.lifeline import hold_on_to_parent
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings

Batch: TypeAlias = tuple[float, list[str], list[str]]
"""When it was made (the host's uptime, in seconds), tokens, ciphertexts."""
_TICK_S = 0.02
_PER_TICK = 4
_MOST_KEPT = 2000


@dataclass(slots=True, kw_only=True)
class Worker:
    """Two views of the rings: a young one to sign and encrypt with, an old one to verify and decrypt with.

    `signer_period_s` and `reader_period_s` are how often each view is refreshed.
    """

    signer: Container
    reader: Container
    signer_period_s: float
    reader_period_s: float
    inbox: "Queue[Batch]"
    peers: "list[Queue[Batch]]"
    dice: Dice
    tally: Tally = field(default_factory=Tally)
    later: list[tuple[float, float, str]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    def produce(self) -> None:
        """Sign and encrypt a handful, and give them to one peer."""
        made_s = self.signer.clock().uptime_s()
        try:
            tokens = [self.signer.signer().sign({"sub": str(n)}) for n in range(_PER_TICK)]
            ciphertexts = [self.signer.cipher().encrypt(f"row {n}") for n in range(_PER_TICK)]
        except KeyUnavailableError:
            return  # the view is too old to sign with: the next refresh repairs that
        self.tally.tokens_signed += len(tokens)
        self.tally.ciphertexts_made += len(ciphertexts)
        self.peers[self.dice.index(len(self.peers))].put((made_s, tokens, ciphertexts))

    def consume(self) -> None:
        """Read all that has arrived, and what was put off until now."""
        while True:
            try:
                made_s, tokens, ciphertexts = self.inbox.get_nowait()
            except queue.Empty:
                break
            for token in tokens:
                self.verify(made_s, token)
                heapq.heappush(self.later, (made_s + self.dice.fraction() * self.token_life_s, made_s, token))
            for ciphertext in ciphertexts:
                self.decrypt(ciphertext)
            self.kept.extend(ciphertexts)
        del self.kept[:-_MOST_KEPT]
        while self.later and self.later[0][0] <= self.reader.clock().uptime_s():
            self.verify(*heapq.heappop(self.later)[1:])
        if self.kept:
            self.decrypt(self.kept[self.dice.index(len(self.kept))])

    @property
    def token_life_s(self) -> float:
        """For how long a token is verified: a little less than its life."""
        return self.reader.windows().longest_token.total_seconds() * 0.9

    def verify(self, made_s: float, token: str) -> None:
        """Verify, and count a refusal.

        A reader whose view is older than Cv says that it cannot tell, and one that comes too late (a process may stand
        still for seconds) is not asked.
        """
        if self.reader.clock().uptime_s() > made_s + self.token_life_s:
            self.tally.not_told += 1
            return
        try:
            self.reader.verifier().verify(token)
            self.tally.tokens_read += 1
        except ViewStaleError:
            self.tally.not_told += 1
        except TokenRefusedError:
            self.tally.tokens_refused += 1

    def decrypt(self, ciphertext: str) -> None:
        """Decrypt, and count a ciphertext that does not open."""
        try:
            self.reader.cipher().decrypt(ciphertext)
            self.tally.ciphertexts_read += 1
        except ViewStaleError:
            self.tally.not_told += 1
        except (EnvelopeError, KeyUnavailableError):
            self.tally.ciphertexts_unreadable += 1

    async def run(self, stop: Event, board: MutableSequence[int]) -> None:
        """Work until told to stop, then read once more all that was kept; the counts are on `board` all along."""
        refreshers = [
            asyncio.create_task(_refresh(self.signer, self.signer_period_s)),
            asyncio.create_task(_refresh(self.reader, self.reader_period_s)),
        ]
        while not stop.is_set():
            self.produce()
            self.consume()
            self.tally.write(board)
            await asyncio.sleep(_TICK_S)
        for task in refreshers:
            task.cancel()
        await asyncio.gather(*refreshers, return_exceptions=True)
        await self.reader.refresh_views()()
        for ciphertext in self.kept:
            self.decrypt(ciphertext)
        self.tally.write(board)


async def _refresh(container: Container, period_s: float) -> None:
    while True:
        await asyncio.sleep(period_s)
        try:
            await container.refresh_views()()
            await container.report_usage()()
        except PortError:
            continue  # the view of before serves until it is too old


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What a worker process is given: its pace, its queue, its peers', its place for counts, and when to stop.

    It releases `ready` once, when its views are there.
    """

    settings: Settings
    signer_period_s: float
    reader_period_s: float
    inbox: "Queue[Batch]"
    peers: "list[Queue[Batch]]"
    board: MutableSequence[int]
    ready: Semaphore
    stop: Event


def work(post: Post) -> None:
    """Be one worker process."""
    hold_on_to_parent()
    for peer in post.peers:
        peer.cancel_join_thread()
    asyncio.run(_work(post))


async def _work(post: Post) -> None:
    async with open_container(post.settings) as signer, open_container(post.settings) as reader:
        await signer.refresh_views()()
        await reader.refresh_views()()
        worker = Worker(
            signer=signer,
            reader=reader,
            signer_period_s=post.signer_period_s,
            reader_period_s=post.reader_period_s,
            inbox=post.inbox,
            peers=post.peers,
            dice=Dice(SystemEntropy()),
        )
        post.ready.release()
        await worker.run(post.stop, post.board)
