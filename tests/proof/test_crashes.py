"""A fault at any port call of any verb is repaired by one pass, and the enumeration finds designs that lose keys."""

from pathlib import Path

import pytest

from tests.proof.crashes import (
    Tally,
    Trial,
    first_breach,
    in_memory,
    in_pairs,
    on_disk,
    scenes_of_pairs,
    verdict,
)
from tests.support.crash_plans import one_each, some_pairs
from tests.support.crash_scenes import Scene, scene_named, scenes
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.grounds import MemoryGround
from tests.support.process import Process
from tests.support.world import Design
from tests.support.wrong_crash_designs import (
    deletes_before_it_records,
    forgets_rotation_ids,
    never_sweeps,
    projects_before_it_commits,
    publishes_before_it_reads_back,
    publishes_before_it_stores,
)

pytestmark = pytest.mark.no_cover

KINDS = len(FaultKind)
CALLED = {"commit", "delete", "keep_clock", "overwrite", "publish", "put_new", "read", "read_folder", "rotations"}


def named(scene: Scene) -> str:
    return scene.name


async def undisturbed(scene: Scene) -> FaultPlan:
    """The verb's port calls, when nothing goes wrong."""
    trial = await Trial(ground=MemoryGround(), scene=scene).prepare()
    plan = FaultPlan(at=-1, kind=FaultKind.HANG)
    async with trial.ground.copy() as world:
        await scene.verb(Process(world).world(100, plan), trial.kept)
    return plan


async def test_there_are_ten_kinds_of_fault_and_the_verbs_call_every_port_that_may_fail() -> None:
    assert KINDS == 10
    assert {call for scene in scenes() for call in (await undisturbed(scene)).calls} == CALLED


@pytest.mark.parametrize("scene", list(scenes()), ids=named)
async def test_a_fault_of_every_kind_at_every_port_call_is_repaired_by_one_pass(scene: Scene) -> None:
    tally, plan = await in_memory(scene), await undisturbed(scene)
    assert tally.breaches == []
    without_difference = sum(KINDS - len(kinds) for kinds in plan.open_to)
    assert tally.faults == len(plan.calls) * KINDS - without_difference
    assert without_difference <= 2 * len(plan.calls), "a stale answer needs an earlier one, half an effect many secrets"


@pytest.mark.parametrize("scene", list(scenes()), ids=named)
async def test_faults_at_every_port_call_and_of_every_kind_are_repaired_on_real_files(
    scene: Scene, tmp_path: Path
) -> None:
    tally, plan = await on_disk(scene, tmp_path, all_kinds=False), await undisturbed(scene)
    assert tally.breaches == []
    assert tally.faults == len(list(one_each(plan.open_to))) >= max(len(plan.calls), KINDS - 2)


@pytest.mark.parametrize("scene", scenes_of_pairs(), ids=named)
async def test_a_second_fault_is_repaired_too_where_it_hits_the_repair(scene: Scene) -> None:
    tally, plan = await in_pairs(scene, all_pairs=False), await undisturbed(scene)
    assert tally.breaches == []
    assert tally.faults >= max(len(plan.calls), KINDS - 2), "as many as there are first faults"


@pytest.mark.parametrize("scene", list(scenes()), ids=named)
async def test_chosen_faults_strike_every_call_and_come_in_every_kind(scene: Scene) -> None:
    calls = (await undisturbed(scene)).open_to
    for plans in (list(one_each(calls)), list(some_pairs(calls, len(calls) + 20))):
        assert {plan.at for plan in plans} == set(range(len(calls)))
        assert {plan.kind for plan in plans} == frozenset[FaultKind]().union(*calls)
        assert all(plan.kind in calls[plan.at] for plan in plans)
    assert {kind for plan in plans for kind in plan.then.values()} == set(FaultKind)


@pytest.mark.parametrize(
    ("design", "scene", "breach"),
    [
        (publishes_before_it_stores, "rotate jwt", "has no material"),
        (publishes_before_it_reads_back, "rotate aes", "has no material"),
        (never_sweeps, "rotate jwt", "for nobody"),
        (projects_before_it_commits, "rotate aes", "was never ACTIVE"),
        (forgets_rotation_ids, "rotate jwt", "gave two results"),
        (deletes_before_it_records, "retire jwt", "has no material"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
async def test_the_enumeration_finds_a_wrong_design(design: Design, scene: str, breach: str) -> None:
    (found,) = await first_breach(scene_named(scene), design)
    assert breach in found


def test_the_verdict_sums_up_and_holds_only_without_a_breach() -> None:
    good, bad = Tally(faults=5), Tally(faults=3, breaches=["rotate jwt; call 1: lost"])
    assert verdict({"a": good, "b": good}).lines[-1] == "faults 10, recovered 10"
    assert verdict({"a": good, "b": good}).holds
    assert verdict({"a": good, "b": bad}).lines == (
        "rotate jwt; call 1: lost",
        "a: faults 5, recovered 5",
        "b: faults 3, recovered 2",
        "faults 8, recovered 7",
    )
    assert not verdict({"a": good, "b": bad}).holds
    assert not verdict({"a": Tally()}).holds
