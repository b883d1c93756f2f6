"""What the log says of rotations, whoever asked for them."""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from journal_keys import events
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import Rotated, Waiting
from journal_keys.domain.paths import versions_folder
from journal_keys.entrypoints.told_work import ToldWork
from journal_keys.ports.secret_store import SecretNotFoundError
from journal_keys.ports.tracer import Trace, Work
from journal_keys.use_cases.rotate_when_due import RotateWhenDue
from tests.support.embedded import make_rings, settings_in
from tests.support.serving import serving
from tests.support.world import POLICIES, W1, World

J = Family.JWT


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, logger=events.LOGGER)
    return caplog


async def world() -> World:
    made = await World().initialised(J)
    made.rotate = replace(made.rotate, tracer=ToldWork())
    made.rotate_when_due = RotateWhenDue(rotate=made.rotate)
    return made


async def test_a_rotation_of_the_scheduler_is_told_with_its_id(log: pytest.LogCaptureFixture) -> None:
    told_of = await world()
    told_of.clock.pass_time(POLICIES[J].interval)
    outcome = await told_of.rotate_when_due(J)
    assert isinstance(outcome, Rotated)
    (record,) = log.records
    fields = vars(record)["event_fields"]
    assert (vars(record)["event_name"], record.levelname) == ("rotation_done", "INFO")
    assert fields == {
        "ring": "jwt",
        "rotation_id": f"scheduled-{outcome.old_kid}",
        "method": "scheduler",
        "generation": 2,
        "kid": outcome.new_kid,
        "old_kid": outcome.old_kid,
    }


async def test_a_rotation_that_waits_is_not_told_each_time_it_is_looked_at(log: pytest.LogCaptureFixture) -> None:
    told_of = await world()
    await told_of.rotated(J, "first")
    log.clear()
    assert isinstance(await told_of.rotated(J, "second"), Waiting)
    assert log.messages == []


async def test_a_rotation_that_fails_is_an_error_with_its_id(log: pytest.LogCaptureFixture) -> None:
    told_of = await world()
    ring = await told_of.ring(J)
    assert ring.staged is not None
    told_of.clock.pass_time(W1)
    await told_of.store.delete(versions_folder("jwt").child(ring.staged.kid))
    with pytest.raises(SecretNotFoundError):
        await told_of.rotated(J, "first")
    (record,) = log.records
    fields = vars(record)["event_fields"]
    assert (vars(record)["event_name"], record.levelname) == ("rotation_failed", "ERROR")
    assert (fields["rotation_id"], fields["ring"]) == ("first", "jwt")
    assert "is gone from the store" in fields["error"]


def test_what_happens_inside_a_rotation_has_its_id_and_what_happens_behind_it_has_none(
    log: pytest.LogCaptureFixture,
) -> None:
    with ToldWork().follow(Work.ROTATE, ring="jwt", rotation_id="r1", method="api") as trace:
        assert isinstance(trace, Trace)
        events.REDIS_AWAY.tell(why="silent")
    events.REDIS_AWAY.tell(why="silent")
    assert log.messages == ["redis_away why=silent rotation_id=r1", "redis_away why=silent"]


async def test_what_is_logged_for_a_request_has_the_id_of_its_answer_and_no_other(
    tmp_path: Path, log: pytest.LogCaptureFixture
) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    async with serving(settings) as caller:
        log.clear()
        paths = [f"/api/v1/infisical/cache/invalidate?pattern=/number{number}/*" for number in range(8)]
        answers = await asyncio.gather(*(caller.post(path) for path in paths))
    told = [vars(one)["event_fields"] for one in log.records if vars(one)["event_name"] == "cache_forgotten"]
    asked = {one["prefix"]: one["request_id"] for one in told}
    assert asked == {f"/number{number}": answer.headers["x-request-id"] for number, answer in enumerate(answers)}
    assert len(set(asked.values())) == len(answers)
