"""Run the demonstration and watch it."""

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.queues import Queue
from pathlib import Path

from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.errors import PortError
from journal_keys.entrypoints.demo.dice import Dice
from journal_keys.entrypoints.demo.rotator import Word, rotate
from journal_keys.entrypoints.demo.tally import FIELDS, Tally
from journal_keys.entrypoints.demo.worker import Batch, Post, work
from journal_keys.entrypoints.resources import open_container, provision
from journal_keys.entrypoints.settings import Profile, Settings

_PERIODS_S = ((0.2, 0.25), (0.4, 1.0), (0.6, 1.7))
"""Each worker's refresh periods: signing views up to 0.6 s old (Cs is 1 s), reading views up to 1.7 s (Cv is 2 s)."""
_KILL_ONE_IN = 2
_LONGEST_KILL_DELAY_S = 0.03
_LOOK_S = 0.25
_END_S = 30.0


@dataclass(slots=True, kw_only=True)
class RotatorKeeper:
    """Keeps one rotator alive, kills it half-way through some rotations, and counts who recovered."""

    context: SpawnContext
    settings: Settings
    dice: Dice
    tally: Tally = field(default_factory=Tally)
    process: SpawnProcess | None = None
    told: "Connection[Word, Word] | None" = None
    owes_recovery: bool = False

    def start(self) -> None:
        """Start a rotator; it reconciles before anything else."""
        self.told, telling = self.context.Pipe(duplex=False)
        self.process = self.context.Process(target=rotate, args=(self.settings, telling), daemon=True)
        self.process.start()
        telling.close()

    def watch(self, until_s: float) -> None:
        """Follow the rotator until this monotonic time; kill and replace it by chance."""
        while (left_s := until_s - time.monotonic()) > 0:
            if self.told is None or not self.told.poll(left_s):
                return
            try:
                word = self.told.recv()
            except EOFError:
                self._replace()
                continue
            self.tally.rotations += word == "rotated"
            if word == "recovered" and self.owes_recovery:
                self.owes_recovery = False
                self.tally.recoveries += 1
            if word == "rotating" and not self.owes_recovery and self.dice.index(_KILL_ONE_IN) == 0:
                time.sleep(self.dice.fraction() * _LONGEST_KILL_DELAY_S)
                self.kill()
                self._replace()

    def kill(self) -> None:
        """Kill the rotator with SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.tally.kills += 1
            self.owes_recovery = True

    def _replace(self) -> None:
        if self.told is not None:
            self.told.close()
        self.start()

    def finish(self) -> None:
        """Wait for an owed recovery, then end the rotator; that end is no kill of the demonstration."""
        deadline_s = time.monotonic() + _END_S
        while self.owes_recovery and time.monotonic() < deadline_s:
            if self.told is not None and self.told.poll(_LOOK_S) and self.told.recv() == "recovered":
                self.owes_recovery = False
                self.tally.recoveries += 1
        if self.process is not None:
            self.process.kill()
            self.process.join()


def run_demo(seconds: float, watch: Callable[[Tally, float], None]) -> Tally:
    """Run for `seconds` in a folder of its own; `watch` is given the counts so far and the seconds left.

    Raises:
        PortError: a worker did not give its counts.
    """
    with tempfile.TemporaryDirectory(prefix="journal-keys-demo-") as folder:
        settings = Settings(journal_keys_home=Path(folder) / "home", journal_keys_profile=Profile.EMBEDDED)
        asyncio.run(_init(settings))
        tally = _run(settings, seconds, watch)
        tally.rotations = asyncio.run(_promotions(settings)) - len(settings.policies())
        return tally


def _run(settings: Settings, seconds: float, watch: Callable[[Tally, float], None]) -> Tally:
    context = multiprocessing.get_context("spawn")
    stop, ready = context.Event(), context.Semaphore(0)
    inboxes: list[Queue[Batch]] = [context.Queue() for _ in _PERIODS_S]
    posts = [
        Post(
            settings=settings,
            signer_period_s=periods[0],
            reader_period_s=periods[1],
            inbox=inbox,
            peers=inboxes,
            board=context.RawArray("q", FIELDS),
            ready=ready,
            stop=stop,
        )
        for periods, inbox in zip(_PERIODS_S, inboxes, strict=True)
    ]
    workers = [context.Process(target=work, args=(post,), daemon=True) for post in posts]
    for worker in workers:
        worker.start()
    keeper = RotatorKeeper(context=context, settings=settings, dice=Dice(SystemEntropy()))
    keeper.start()
    for _ in workers:
        if not ready.acquire(timeout=_END_S):
            raise PortError(f"a worker of the demonstration was not ready within {_END_S:g} s")
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        keeper.watch(min(end_s, time.monotonic() + _LOOK_S))
        watch(_sum(keeper, posts), left_s)
    keeper.finish()
    stop.set()
    for worker in workers:
        worker.join(_END_S)
        if worker.exitcode != 0:
            raise PortError(f"a worker of the demonstration ended with exit code {worker.exitcode}")
    return _sum(keeper, posts)


def _sum(keeper: RotatorKeeper, posts: list[Post]) -> Tally:
    total = keeper.tally
    for post in posts:
        total = total.plus(Tally.read(post.board))
    return total


async def _init(settings: Settings) -> None:
    async with provision(settings) as container:
        for policy in settings.policies().values():
            await container.init_rings()(policy, actor="demo", reason="demonstration")


async def _promotions(settings: Settings) -> int:
    """Verify the audit chain and count the promotions in it."""
    async with open_container(settings) as container:
        head = await container.verify_audit()()
        entries = await container.trail().entries(limit=10_000)
        if entries and entries[-1].sequence != head.sequence:
            raise PortError("the audit trail is longer than a demonstration makes it")
        return sum(entry.fact.action == "key_promoted" for entry in entries)
