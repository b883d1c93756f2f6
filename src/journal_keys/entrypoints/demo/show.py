"""Run the demonstration and watch it."""

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Mapping
from multiprocessing.context import SpawnContext
from multiprocessing.queues import Queue
from pathlib import Path
from types import MappingProxyType

from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.errors import PortError
from journal_keys.entrypoints.demo.dice import Dice
from journal_keys.entrypoints.demo.keeper import LOOK_S, PATIENCE_S, RotatorKeeper
from journal_keys.entrypoints.demo.tally import FIELDS, Result, Tally, rotations_asked, waits_of
from journal_keys.entrypoints.demo.worker import Batch, Post, work
from journal_keys.entrypoints.resources import open_container, provision
from journal_keys.entrypoints.settings import ClosedSettings, Settings

_PERIODS_S = ((0.2, 0.25), (0.4, 1.0), (0.6, 1.9))
"""Each worker's refresh periods: signing views up to 0.6 s old (Cs is 1 s), reading views up to 1.9 s (Cv is 2 s)."""
_PAGE = 1000
Watch = Callable[[Tally, float], None]


def run_demo(seconds: float, watch: Watch, *, for_rotators: Mapping[str, object] = MappingProxyType({})) -> Result:
    """Run for `seconds` in a folder of its own, longer where a slow machine has rotated too little by then.

    `watch` is given the counts so far and the seconds left.

    `for_rotators` are settings in which the rotators differ from everybody else: whoever makes their windows too
    short sees whether the demonstration notices. No process and no file is left, however this ends.

    Raises:
        PortError: a worker did not give its counts.
    """
    with tempfile.TemporaryDirectory(prefix="journal-keys-demo-") as folder:
        settings = ClosedSettings(journal_keys_home=Path(folder) / "home")
        asyncio.run(_init(settings))
        tally = _run(settings, settings.model_copy(update=for_rotators), seconds, watch)
        waits = waits_of(asyncio.run(_facts(settings)))
        tally.rotations = sum(len(each) for each in waits.values())
        return Result(tally=tally, seconds=seconds, waits=waits, w1=settings.windows().publish_to_promote)


def _run(settings: Settings, for_rotators: Settings, seconds: float, watch: Watch) -> Tally:
    context = multiprocessing.get_context("spawn")
    posts = _posts(context, settings)
    workers = [context.Process(target=work, args=(post,), daemon=True) for post in posts]
    keeper = RotatorKeeper(context=context, settings=for_rotators, dice=Dice(SystemEntropy()))
    try:
        for worker in workers:
            worker.start()
        keeper.start()
        _follow(keeper, posts, seconds, watch)
        for worker in workers:
            worker.join(PATIENCE_S)
            if worker.exitcode != 0:
                raise PortError(f"a worker of the demonstration ended with exit code {worker.exitcode}")
    finally:
        keeper.end()
        for worker in workers:
            if worker.pid is not None:
                worker.kill()
                worker.join()
    return _sum(keeper, posts)


def _posts(context: SpawnContext, settings: Settings) -> list[Post]:
    stop, ready = context.Event(), context.Semaphore(0)
    inboxes: list[Queue[Batch]] = [context.Queue() for _ in _PERIODS_S]
    return [
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


def _follow(keeper: RotatorKeeper, posts: list[Post], seconds: float, watch: Watch) -> None:
    for post in posts:
        if not post.ready.acquire(timeout=PATIENCE_S):
            raise PortError(f"a worker of the demonstration was not ready within {PATIENCE_S:g} s")
    end_s = time.monotonic() + seconds
    while (left_s := end_s - time.monotonic()) > 0:
        keeper.watch(min(end_s, time.monotonic() + LOOK_S))
        watch(_sum(keeper, posts), left_s)
    _await_rotations(keeper, posts[0].settings, rotations_asked(seconds))
    keeper.finish()
    posts[0].stop.set()


def _await_rotations(keeper: RotatorKeeper, settings: Settings, asked: int) -> None:
    """Go on while a slow machine has not rotated each ring as often as is asked; not for ever."""
    last_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < last_s:
        waits = waits_of(asyncio.run(_facts(settings)))
        if all(len(each) >= asked for each in waits.values()):
            return
        keeper.watch(time.monotonic() + 1)


def _sum(keeper: RotatorKeeper, posts: list[Post]) -> Tally:
    total = keeper.tally
    for post in posts:
        total = total.plus(Tally.read(post.board))
    return total


async def _init(settings: Settings) -> None:
    async with provision(settings) as container:
        for policy in settings.policies().values():
            await container.init_rings()(policy, actor="demo", reason="demonstration")


async def _facts(settings: Settings) -> list[AuditFact]:
    """Verify the audit chain and give all of it."""
    facts: list[AuditFact] = []
    async with open_container(settings) as container:
        await container.verify_audit()()
        while entries := await container.trail().entries(after=len(facts), limit=_PAGE):
            facts.extend(entry.fact for entry in entries)
    return facts
