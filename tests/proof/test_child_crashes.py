"""Faults at the CLI's children are repaired by one pass, and the enumeration finds a design that loses keys."""

import pytest

from tests.proof.child_crashes import MOST, enumerate_faults, scenes_over_children
from tests.support.crash_scenes import Scene, scene_named
from tests.support.wrong_crash_designs import publishes_before_it_stores

pytestmark = [pytest.mark.processes, pytest.mark.no_cover]


@pytest.mark.parametrize("scene", scenes_over_children(nightly=False), ids=lambda scene: scene.name)
async def test_a_fault_at_a_child_or_a_request_is_repaired_by_one_pass(scene: Scene) -> None:
    tally = await enumerate_faults(scene, most=MOST)
    assert tally.breaches == []
    assert tally.faults >= MOST


async def test_nobody_but_the_verb_is_struck_and_one_that_must_wait_asks_nothing() -> None:
    tally = await enumerate_faults(scene_named("rotate jwt, must wait"))
    assert (tally.faults, tally.breaches) == (0, [])


async def test_a_design_that_publishes_before_it_stores_is_found() -> None:
    rotation = scene_named("rotate jwt")
    tally = await enumerate_faults(rotation, design=publishes_before_it_stores, breaches=1)
    assert tally.breaches
