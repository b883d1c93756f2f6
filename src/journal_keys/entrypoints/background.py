"""The tasks that keep a process's views fresh and the rings in motion."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from journal_keys import events
from journal_keys.container import Container
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import AlreadyRotated, Reconciled, RotationOutcome, Waiting
from journal_keys.entrypoints.rotations import raise_first, try_each
from journal_keys.events import trace_of
from journal_keys.use_cases.refresh_views import Sought

_END_S = 0.5
_LEAVE_S = 1.0
_LEAST_PAUSE_S = 0.1
_SOON_S = 1.0
_TURN_PERIODS = 3
_MOST_SKIPPED = 4
_WORK = frozenset({"rotate_due", "reconcile"})
"""Where the other steps fail, what was before serves on."""


async def load_views(container: Container) -> None:
    """Have views: the ledger's, or in an outage the snapshot's, of which the log tells.

    Raises:
        JournalKeysError: there are neither.
    """
    restored = await container.load_views()()
    if restored is not None:
        events.VIEWS_RESTORED.tell(
            snapshot=container.snapshots().name,
            confirmed_at=restored.confirmed_at.isoformat(timespec="seconds"),
            age_s=round(restored.age.total_seconds()),
        )


async def renew_views(container: Container) -> bool:
    """Have newer views, and say whether there are; where that fails, those of before serve until they are too old.

    Raises:
        JournalKeysError: it failed, and there are none.
    """
    try:
        await load_views(container)
    except JournalKeysError:
        if container.board().signing is None:
            raise
        return False
    return True


@dataclass(slots=True, kw_only=True)
class Background:
    """An async context: refresher, snapshot keeper, scheduler, reconciler and watcher run inside it.

    A failing pass is logged and tried again at its next turn; the views of before stay.
    """

    container: Container
    poll: timedelta
    reconcile_interval: timedelta
    reports: bool = False
    """Whether other processes are told which generations this one holds."""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list, init=False)
    _told: dict[Family, RotationOutcome | None] = field(default_factory=dict, init=False)
    _broken: str = field(default="", init=False)
    _readings: dict[Family, asyncio.Task[None]] = field(default_factory=dict, init=False)

    async def __aenter__(self) -> Self:
        await load_views(self.container)
        self.start_refreshing()
        self._tasks += [
            asyncio.create_task(self._take_turns(self.rotate_due, self.poll), name="journal_keys scheduler"),
            asyncio.create_task(
                self._take_turns(self.reconcile, self.reconcile_interval), name="journal_keys reconciler"
            ),
            asyncio.create_task(self._repeat(self.watch_ledger, self.reconcile_interval), name="journal_keys watcher"),
        ]
        return self

    def start_refreshing(self) -> None:
        """Run the refresher, and what keeps the snapshot: views stay fresh, and nothing is rotated or repaired."""
        self.container.hints().listen(self.container.cache().forget)
        self._tasks = [asyncio.create_task(self._refresh_for_ever(), name="journal_keys refresher")]
        if self.container.snapshots().name:
            keeper = self._repeat(self.keep_snapshot, self.poll)
            self._tasks.append(asyncio.create_task(keeper, name="journal_keys snapshot keeper"))

    async def __aexit__(self, *_: object) -> None:
        tasks = [*self._tasks, *self._readings.values()]
        for task in tasks:
            task.cancel()
        await _end(tasks, within_s=_END_S)
        if self.reports:
            await _end([asyncio.create_task(self._attempt(self.leave))], within_s=_LEAVE_S)

    def ended(self) -> tuple[str, ...]:
        """Say which of the tasks are no more; each of them runs for as long as this context is open."""
        return tuple(f"the {task.get_name()} has ended" for task in self._tasks if task.done())

    async def refresh(self) -> None:
        """Confirm the views, and tell the others.

        What is not open yet is read in a task of its own; this waits for it a little, so that one report tells both.

        Raises:
            JournalKeysError: a ring was not confirmed; the other had its turn all the same.
        """
        look = await self.container.refresh_views().confirm()
        for sought in look.sought:
            if sought.family not in self._readings:
                self._readings[sought.family] = asyncio.create_task(self._read(sought), name="journal_keys reader")
        if self._readings:
            await asyncio.wait(self._readings.values(), timeout=self._soon_s)
        if self.reports:
            await self.container.report_instance()()
        for failure in look.failures:
            raise failure

    async def _read(self, sought: Sought) -> None:
        async def read_material() -> None:
            await self.container.refresh_views().read(sought)

        try:
            await self._attempt(read_material)
        finally:
            del self._readings[sought.family]

    async def report_usage(self) -> None:
        """Add this process's encryptions to the common counts: where the ledger takes no changes, views live on."""
        await self.container.report_usage()()

    async def show_figures(self) -> None:
        """Bring the figures of this process up to the views."""
        self.container.show_figures()()

    async def leave(self) -> None:
        """Hold back no promotion from now on."""
        await self.container.report_instance().leave()

    async def keep_snapshot(self) -> None:
        """Write the snapshot where that is due."""
        await self.container.keep_snapshot()()

    async def rotate_due(self) -> None:
        """Rotate each ring that is due or waited for, and log what is not as it was at the last look.

        A rotation that was made is told by whoever follows it.

        Raises:
            JournalKeysError: a ring failed; the other had its turn all the same.
        """
        raise_first(await try_each(self._rotate_when_due))

    async def _rotate_when_due(self, family: Family) -> None:
        outcome = await self.container.rotate_when_due()(family)
        is_news = outcome != self._told.get(family)
        self._told[family] = outcome
        if is_news and isinstance(outcome, Waiting | AlreadyRotated):
            events.ROTATION_CHECKED.tell(ring=family, outcome=type(outcome).__name__)

    async def reconcile(self) -> None:
        """Finish what anybody left unfinished.

        Raises:
            JournalKeysError: a ring failed; the other had its turn all the same.
        """
        raise_first(await try_each(self._reconcile))

    async def _reconcile(self, family: Family) -> None:
        outcome = await self.container.reconcile()(family)
        if isinstance(outcome, Reconciled) and outcome.repairs:
            events.RING_RECONCILED.tell(ring=family, repairs="; ".join(outcome.repairs))

    async def watch_ledger(self) -> None:
        """Show what the ledger says of rings and audit trail, and log once that its chain is broken."""
        try:
            await self.container.watch_ledger()()
        finally:
            broken = self.container.watch_audit().status().broken
            if broken and broken != self._broken:
                events.AUDIT_CHAIN_BROKEN.tell(error=broken)
            self._broken = broken

    async def _refresh_for_ever(self) -> None:
        poll_s = self.poll.total_seconds()
        pause_s, loop = min(_LEAST_PAUSE_S, poll_s / 2), asyncio.get_running_loop()
        rests = self._rests(self.poll)
        while True:
            began_s = loop.time()
            await self._attempt(self.refresh)
            waited_s = pause_s + min(loop.time() - began_s, self._soon_s)
            await self._attempt(self.report_usage)
            await self._attempt(self.show_figures)
            await asyncio.sleep(pause_s)  # hints that come meanwhile count as one
            if await self.container.hints().wait(max(next(rests) - waited_s, 0)):
                await asyncio.sleep(self._drawn(0, self._soon_s))  # the others heard it at the same moment
                await self.container.hints().wait(0)  # what came meanwhile is answered by this look
                rests = self._rests(self.poll)

    @property
    def _soon_s(self) -> float:
        """How long a look may wait after a hint, and how long for what it has read from the store."""
        return min(_SOON_S, self.poll.total_seconds() / 4)

    async def _repeat(self, step: Callable[[], Awaitable[None]], period: timedelta) -> None:
        for rest_s in self._rests(period):
            await self._attempt(step)
            await asyncio.sleep(rest_s)

    async def _take_turns(self, step: Callable[[], Awaitable[None]], period: timedelta) -> None:
        """Repeat what one of all instances is enough for; who skipped it several times in a row does it all the same.

        So no holder whose work fails, and nobody who writes what he likes to Redis, stops it.
        """
        name, skipped, lease = step.__name__, 0, self.container.lease()
        try:
            for rest_s in self._rests(period):
                if skipped < _MOST_SKIPPED and not await lease.take(name, _TURN_PERIODS * period):
                    skipped += 1
                else:
                    skipped = 0
                    await self._attempt(step)
                await asyncio.sleep(rest_s)
        finally:
            await lease.give_back(name)

    async def _attempt(self, step: Callable[[], Awaitable[None]]) -> None:
        try:
            await step()
        except JournalKeysError as failure:
            name = getattr(step, "__name__", "?")
            event = events.BACKGROUND_WORK_FAILED if name in _WORK else events.BACKGROUND_STEP_FAILED
            event.tell(step=name, error=failure)
        except Exception as error:  # noqa: BLE001 (a task that ends would end rotation and refreshing for good, unseen)
            told = f"{type(error).__name__}: {error}"
            events.BACKGROUND_STEP_BROKEN.tell(step=getattr(step, "__name__", "?"), error=told, trace=trace_of(error))

    def _rests(self, period: timedelta) -> Iterator[float]:
        """Seconds to rest: first up to one period, so that whom one moment brought together parts, then 0.75 to 1.

        So instances do not march in step, and no view waits longer than a period.
        """
        yield self._drawn(0, period.total_seconds())
        while True:
            yield self._drawn(0.75 * period.total_seconds(), period.total_seconds())

    def _drawn(self, least_s: float, most_s: float) -> float:
        return least_s + (most_s - least_s) * self.container.entropy().token(1)[0] / 256


async def _end(tasks: Sequence[asyncio.Task[None]], *, within_s: float) -> None:
    """Wait no longer than this, though what was cancelled may not have ended: the database may say nothing."""
    _, late = await asyncio.wait(tasks, timeout=within_s)
    for task in late:
        task.cancel()
