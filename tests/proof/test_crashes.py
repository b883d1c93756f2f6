"""A fault at any port call of any verb is repaired by one pass, and the enumeration finds designs that lose keys."""

from pathlib import Path

import pytest

from tests.proof.crashes import (
    Tally,
    first_breach,
    in_memory,
    in_pairs,
    on_disk,
    scenes_of_pairs,
    scenes_on_disk,
    verdict,
)
from tests.support.crash_plans import KINDS
from tests.support.crash_scenes import Scene, scene_named, scenes
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

FEWEST_CALLS = 3
ALWAYS_STRIKE = len(KINDS) - 2  # a stale answer needs an earlier one, half an effect several secrets


def named(scene: Scene) -> str:
    return scene.name


@pytest.mark.parametrize("scene", list(scenes()), ids=named)
async def test_a_fault_at_any_port_call_is_repaired_by_one_pass(scene: Scene) -> None:
    tally = await in_memory(scene)
    assert tally.breaches == []
    assert tally.faults >= FEWEST_CALLS * ALWAYS_STRIKE


@pytest.mark.parametrize("scene", scenes_on_disk(nightly=False), ids=named)
async def test_a_fault_at_any_port_call_is_repaired_on_real_files(scene: Scene, tmp_path: Path) -> None:
    tally = await on_disk(scene, tmp_path, all_kinds=False)
    assert tally.breaches == []
    assert tally.faults >= 2 * FEWEST_CALLS


@pytest.mark.parametrize("scene", scenes_of_pairs(), ids=named)
async def test_a_second_fault_is_repaired_too_where_it_hits_the_repair(scene: Scene) -> None:
    tally = await in_pairs(scene, all_pairs=False)
    assert tally.breaches == []
    assert tally.faults >= 20


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
