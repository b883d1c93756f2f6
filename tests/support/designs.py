"""Putting another use case in the place of ours, wherever a world uses it."""

from dataclasses import fields, replace
from typing import Any, TypeVar

from journal_keys.use_cases.retire_keys import RetireKeys
from journal_keys.use_cases.rotate_keys import RotateKeys
from journal_keys.use_cases.rotate_when_due import RotateWhenDue
from journal_keys.use_cases.stage_successor import StageSuccessor
from tests.support.world import World

T = TypeVar("T")


def as_kind(kind: type[T], ours: Any) -> T:  # noqa: ANN401 (a use case of whatever ports)
    """A use case of another kind on the same ports."""
    return kind(**{field.name: getattr(ours, field.name) for field in fields(ours)})


def use_rotate(world: World, rotate: RotateKeys) -> None:
    """Rotate so, in passes and by schedule too."""
    world.rotate = rotate
    world.rotate_when_due = RotateWhenDue(rotate=rotate)
    world.reconcile = replace(world.reconcile, rotate=rotate)


def use_stage(world: World, stage: StageSuccessor) -> None:
    """Stage so."""
    world.stage = stage
    world.compromise = replace(world.compromise, stage=stage)
    use_rotate(world, replace(world.rotate, stage=stage))


def use_retire(world: World, retire: RetireKeys) -> None:
    """Retire so."""
    world.retire = retire
    world.reconcile = replace(world.reconcile, retire=retire)
