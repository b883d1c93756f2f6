"""The background tasks outlive whatever one of their steps runs into."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dependency_injector import providers

from journal_keys.adapters.memory.meter import MemoryMeter
from journal_keys.container import Container
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.outcomes import AlreadyRotated, Reconciled, ReconcileOutcome, Rotated, RotationOutcome, Waiting
from journal_keys.domain.status import StatusReport
from journal_keys.entrypoints.background import Background, load_views
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.rotations import rotate_each
from journal_keys.ports.lease import Lease
from journal_keys.ports.ledger import LedgerUnavailableError
from journal_keys.ports.secret_store import FolderContent, PendingApprovalError, SecretStoreUnavailableError
from journal_keys.ports.view_board import CipherView, ViewBoard
from journal_keys.use_cases.describe_status import DescribeStatus
from journal_keys.use_cases.refresh_views import Look
from tests.support.embedded import make_rings, settings_in
from tests.support.slow_store import SlowStore

START = datetime(2026, 1, 1, tzinfo=UTC)


class BrokenReconcile:
    """A use case with a fault that nobody foresaw."""

    def __init__(self) -> None:
        self.calls = 0
        self.was_tried_again = asyncio.Event()

    async def __call__(self, family: Family) -> ReconcileOutcome:
        self.calls += 1
        if self.calls > 1:
            self.was_tried_again.set()
        raise ZeroDivisionError(family)


class Deaf:
    """A use case that does not end when it is cancelled, as one whose database says nothing."""

    def __init__(self) -> None:
        self.is_asked, self.may_end = asyncio.Event(), asyncio.Event()

    async def __call__(self, family: Family) -> ReconcileOutcome:
        self.is_asked.set()
        while not self.may_end.is_set():
            try:
                await self.may_end.wait()
            except asyncio.CancelledError:
                if self.may_end.is_set():
                    raise
        return Reconciled(family=family, repairs=())


class Scripted:
    """A scheduler's question whose answers for jwt are known before; nothing is due for aes."""

    def __init__(self, *outcomes: RotationOutcome | None) -> None:
        self.outcomes = list(outcomes)

    async def __call__(self, family: Family) -> RotationOutcome | None:
        return self.outcomes.pop(0) if family is Family.JWT else None


async def test_a_rotation_that_waits_is_logged_once_and_the_next_one_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    old, new, later = Kid("jwt_a"), Kid("jwt_b"), Kid("jwt_c")
    waiting = Waiting(
        family=Family.JWT, active_kid=old, staged_kid=new, generation=1, until=START, because="published just now"
    )
    made = Rotated(family=Family.JWT, old_kid=old, new_kid=new, generation=2)
    another = AlreadyRotated(family=Family.JWT, old_kid=new, new_kid=later, generation=3)
    script = Scripted(waiting, waiting, waiting, made, None, another, another)
    async with open_container(settings) as container:
        container.rotate_when_due.override(providers.Object(script))
        background = Background(container=container, poll=settings.poll, reconcile_interval=settings.poll)
        with caplog.at_level(logging.INFO, logger="journal_keys"):
            while script.outcomes:
                await background.rotate_due()
    told = [record.getMessage() for record in caplog.records if "rotation_checked" in record.getMessage()]
    assert told == ["rotation_checked ring=jwt outcome=Waiting", "rotation_checked ring=jwt outcome=AlreadyRotated"]


async def test_a_step_that_does_not_end_keeps_nothing_from_ending(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    deaf = Deaf()
    async with open_container(settings) as container:
        container.reconcile.override(providers.Object(deaf))
        others = asyncio.all_tasks()
        async with Background(container=container, poll=settings.poll, reconcile_interval=settings.poll):
            await deaf.is_asked.wait()
        left = asyncio.all_tasks() - others
        assert {task.get_name() for task in left} == {"journal_keys reconciler"}
        deaf.may_end.set()
        for task in left:
            task.cancel()
        await asyncio.wait(left)


async def test_a_step_that_breaks_is_logged_and_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    broken = BrokenReconcile()
    async with open_container(settings) as container:
        container.reconcile.override(providers.Object(broken))
        with caplog.at_level(logging.ERROR, logger="journal_keys"):
            async with Background(
                container=container, poll=timedelta(seconds=0.05), reconcile_interval=timedelta(milliseconds=1)
            ):
                async with asyncio.timeout(10):
                    await broken.was_tried_again.wait()
    assert "background_step_broken step=reconcile" in caplog.text


class FailsForJwt:
    """A verb that jwt's ring always refuses; it keeps the rings that it did not fail for."""

    def __init__(self) -> None:
        self.reached: list[Family] = []

    async def __call__(self, family: Family) -> None:
        if family is Family.JWT:
            raise PendingApprovalError("jwt waits for an approval")
        self.reached.append(family)


async def test_a_ring_that_fails_keeps_no_other_from_being_rotated_and_repaired_and_its_failure_is_told(
    tmp_path: Path,
) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    rotate, repair = FailsForJwt(), FailsForJwt()
    async with open_container(settings) as container:
        container.rotate_when_due.override(providers.Object(rotate))
        container.reconcile.override(providers.Object(repair))
        background = Background(container=container, poll=settings.poll, reconcile_interval=settings.poll)
        for step in (background.rotate_due, background.reconcile):
            with pytest.raises(PendingApprovalError, match="jwt waits"):
                await step()
    assert (rotate.reached, repair.reached) == ([Family.AES], [Family.AES])


class FailingReport:
    """A ledger that takes no changes."""

    async def __call__(self) -> None:
        raise LedgerUnavailableError("takes no changes")


async def test_counts_that_cannot_be_reported_are_logged_and_views_are_refreshed_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    counted = CountedRefresh()
    async with open_container(settings) as container:
        container.refresh_views.override(providers.Object(counted))
        container.report_usage.override(providers.Object(FailingReport()))
        background = Background(container=container, poll=timedelta(seconds=0.05), reconcile_interval=settings.poll)
        background.start_refreshing()
        with caplog.at_level(logging.WARNING, logger="journal_keys"):
            async with AsyncExitStack() as stack, asyncio.timeout(30):
                stack.push_async_exit(background)
                while counted.calls < 3:  # noqa: ASYNC110 (the task brings it about)
                    await asyncio.sleep(0.01)
    assert 'background_step_failed step=report_usage error="takes no changes"' in caplog.text


class FlakyDescription:
    """What the ledger says, which every second look does not get."""

    def __init__(self, describe: DescribeStatus) -> None:
        self.describe, self.calls = describe, 0

    async def __call__(self) -> StatusReport:
        self.calls += 1
        if self.calls % 2 == 0:
            raise LedgerUnavailableError("gives no answer")
        return await self.describe()


async def test_what_the_ledger_says_is_shown_again_and_again_and_a_look_that_fails_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    meter = MemoryMeter()
    async with open_container(settings, meter=meter) as container:
        flaky = FlakyDescription(container.describe_status())
        container.describe_status.override(providers.Object(flaky))
        background = Background(container=container, poll=settings.poll, reconcile_interval=timedelta(milliseconds=100))
        with caplog.at_level(logging.WARNING, logger="journal_keys"):
            async with background, asyncio.timeout(30):
                while flaky.calls < 4:  # noqa: ASYNC110 (the task brings it about)
                    await asyncio.sleep(0.01)
    assert {family: shown.generation for family, shown in meter.ledger.items()} == dict.fromkeys(Family, 1)
    assert meter.audit is not None
    assert meter.audit.whole_at is not None
    assert 'background_step_failed step=watch_ledger error="gives no answer"' in caplog.text


async def test_who_only_refreshes_does_not_look_at_the_ledger_for_figures(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    meter = MemoryMeter()
    async with open_container(settings, meter=meter) as container:
        background = Background(
            container=container, poll=timedelta(seconds=0.05), reconcile_interval=timedelta(milliseconds=1)
        )
        background.start_refreshing()
        async with AsyncExitStack() as stack, asyncio.timeout(30):
            stack.push_async_exit(background)
            while len(meter.rings) < len(Family):  # noqa: ASYNC110 (the task brings it about)
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
    assert (meter.ledger, meter.audit) == ({}, None)


class CountedRefresh:
    """Views that are confirmed, and counted."""

    def __init__(self) -> None:
        self.calls = 0

    async def confirm(self) -> Look:
        self.calls += 1
        return Look(sought=(), failures=())


class KeptReports:
    """What a process says of the generations that it holds, as it says it."""

    def __init__(self, board: ViewBoard) -> None:
        self.board, self.missing = board, list[frozenset[Kid]]()

    async def __call__(self) -> None:
        assert self.board.cipher is not None
        self.missing.append(self.board.cipher.missing)

    async def leave(self) -> None:
        pass


@asynccontextmanager
async def reporting(folder: Path, poll_s: float) -> AsyncIterator[tuple[Container, Background, KeptReports]]:
    """A process with views of both rings, that reports; its polls are the test's."""
    settings = settings_in(folder)
    await make_rings(settings)
    async with open_container(settings) as container:
        await load_views(container)
        reports = KeptReports(container.board())
        container.report_instance.override(providers.Object(reports))
        poll = timedelta(seconds=poll_s)
        yield container, Background(container=container, poll=poll, reconcile_interval=poll, reports=True), reports


async def replaced(container: Container, *families: Family) -> None:
    """Replace ACTIVE keys: the staged ones of before, which are open, take their places."""
    for family in families:
        ring = (await container.ledger().read(family)).ring
        assert ring is not None
        await container.compromise_key()(family, ring.active.kid, actor="test", reason="test")


def missing(container: Container) -> frozenset[Kid]:
    """What the views know of and cannot open."""
    views = (container.board().signing, container.board().cipher)
    return frozenset(kid for view in views if view is not None for kid in view.missing)


async def until_nothing_is_missing(container: Container) -> None:
    async with asyncio.timeout(10):
        while missing(container):  # noqa: ASYNC110 (a reader brings it about)
            await asyncio.sleep(0.01)


async def test_a_store_that_makes_its_readers_wait_holds_back_no_confirmation(tmp_path: Path) -> None:
    async with reporting(tmp_path, 0.04) as (container, background, reports):
        slow, before = SlowStore(container.read_material()), cipher_of(container)
        await replaced(container, Family.AES)
        container.read_material.override(providers.Object(slow))
        for _ in range(3):
            await background.refresh()
            shown = cipher_of(container)
            assert before.confirmed_s < shown.confirmed_s
            assert shown.sealing is before.opening[shown.ring.active.kid]
            before = shown
        assert slow.asked == [Family.AES]
        slow.may_answer.set()
        await until_nothing_is_missing(container)
        assert cipher_of(container).confirmed_s == before.confirmed_s
        await background.refresh()
    assert before.missing
    assert reports.missing == [*[before.missing] * 3, frozenset()]


async def test_in_quiet_times_one_look_reads_for_both_rings_and_one_report_tells_it(tmp_path: Path) -> None:
    async with reporting(tmp_path, 60) as (container, background, reports):
        await replaced(container, *Family)
        await background.refresh()
        assert missing(container) == frozenset()
    assert reports.missing == [frozenset()]


async def test_both_rings_are_read_at_once(tmp_path: Path) -> None:
    async with reporting(tmp_path, 0.04) as (container, background, _):
        slow = SlowStore(container.read_material())
        await replaced(container, *Family)
        container.read_material.override(providers.Object(slow))
        await background.refresh()
        assert slow.asked == list(Family)
        slow.may_answer.set()
        await until_nothing_is_missing(container)


async def test_a_read_that_fails_is_logged_and_tried_again_with_each_look(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with reporting(tmp_path, 60) as (container, background, _):
        for number in range(2):  # the second time something was read before
            await replaced(container, Family.AES)
            container.read_material.override(providers.Object(FailingStore()))
            with caplog.at_level(logging.WARNING, logger="journal_keys"):
                for _ in range(2):
                    await background.refresh()
            assert caplog.text.count("background_step_failed step=read_material") == 2 * (number + 1)
            assert missing(container)
            container.read_material.reset_last_overriding()
            await background.refresh()
            assert missing(container) == frozenset()


async def test_who_ends_ends_its_reading(tmp_path: Path) -> None:
    async with reporting(tmp_path, 0.04) as (container, background, _):
        slow = SlowStore(container.read_material())
        await replaced(container, Family.AES)
        container.read_material.override(providers.Object(slow))
        async with background:
            async with asyncio.timeout(10):
                while not is_reading():  # noqa: ASYNC110 (the refresher brings it about)
                    await asyncio.sleep(0.01)
        assert not is_reading()


def is_reading() -> bool:
    return any(task.get_name() == "journal_keys reader" for task in asyncio.all_tasks())


class FailingStore:
    """A store that gives no answer."""

    async def __call__(self, family: Family) -> FolderContent:
        raise SecretStoreUnavailableError(f"gives no answer for {family}")


def cipher_of(container: Container) -> CipherView:
    shown = container.board().cipher
    assert shown is not None
    return shown


class OneRingFails:
    """A look that could not confirm one ring."""

    async def confirm(self) -> Look:
        return Look(sought=(), failures=(LedgerUnavailableError("of jwt nothing came"),))


async def test_a_ring_that_was_not_confirmed_is_told_behind_the_report(tmp_path: Path) -> None:
    async with reporting(tmp_path, 60) as (container, background, reports):
        container.refresh_views.override(providers.Object(OneRingFails()))
        with pytest.raises(LedgerUnavailableError, match="of jwt nothing came"):
            await background.refresh()
    assert len(reports.missing) == 1


async def test_a_storm_of_hints_makes_ten_looks_a_second_at_the_most(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    loop, counted = asyncio.get_running_loop(), CountedRefresh()
    async with open_container(settings) as container:
        container.refresh_views.override(providers.Object(counted))
        minute = timedelta(minutes=1)
        background = Background(container=container, poll=minute, reconcile_interval=minute)
        background.start_refreshing()
        began_s = loop.time()
        async with AsyncExitStack() as stack, asyncio.timeout(30):
            stack.push_async_exit(background)
            while counted.calls < 5:
                container.hints().wake()
                await asyncio.sleep(0)
        assert loop.time() - began_s >= 0.1 * 3


class Held(Lease):
    """Another instance has every turn, for ever."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.given_back: set[str] = set()

    async def take(self, name: str, lasts: timedelta) -> bool:
        assert lasts > timedelta(0)
        if name == "rotate_due":
            self.told.append("asked")
        return False

    async def give_back(self, name: str) -> None:
        self.given_back.add(name)


class Worker:
    """A scheduler's question that tells when it is asked; nothing is due."""

    def __init__(self, told: list[str]) -> None:
        self.told = told

    async def __call__(self, family: Family) -> None:
        if family is Family.JWT:
            self.told.append("worked")


async def test_who_skipped_four_turns_works_whoever_holds_them(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    held = Held()
    instant = timedelta(milliseconds=1)
    async with open_container(settings) as container:
        container.lease.override(providers.Object(held))
        container.rotate_when_due.override(providers.Object(Worker(held.told)))
        async with (
            Background(container=container, poll=instant, reconcile_interval=timedelta(hours=1)),
            asyncio.timeout(30),
        ):
            while len(held.told) < 12:  # noqa: ASYNC110 (what is waited for tells nobody)
                await asyncio.sleep(0.01)
    assert held.told[:10] == [*["asked"] * 4, "worked"] * 2
    assert held.given_back == {"rotate_due", "reconcile"}


async def test_who_is_asked_to_rotate_asks_for_no_turn(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    request = RotationRequest(rotation_id="one", scope="both", force=True, reason="test", actor="test")
    held = Held()
    async with open_container(settings) as container:
        container.lease.override(providers.Object(held))
        outcomes = await rotate_each(container, Family, request)
        assert {type(outcome) for outcome in outcomes.values()} <= {Waiting, Rotated}
    assert held.told == []
