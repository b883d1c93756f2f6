"""Values are put and read back, and what the store did not answer is told where they are not there."""

import pytest

from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.secret_store import SecretNotFoundError, SecretStoreUnavailableError
from journal_keys.use_cases.put_values import PutValues
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.moving import DB_URL
from tests.support.world import World

VALUES = {DB_URL: KeyMaterial(b"the new value")}


def put_behind(kind: FaultKind) -> tuple[PutValues, World]:
    """Puts into a store whose first answer is lost."""
    world = World()
    return PutValues(store=FaultPlan(at=0, kind=kind).wrap(world.store)), world


@pytest.mark.parametrize("verb", ["new", "set"])
async def test_a_value_that_was_not_put_because_the_store_did_not_answer_is_told_as_that(verb: str) -> None:
    put, _ = put_behind(FaultKind.ERROR_BEFORE)
    with pytest.raises(SecretStoreUnavailableError, match="no answer"):
        await getattr(put, verb)(VALUES)


@pytest.mark.parametrize("verb", ["new", "set"])
async def test_a_value_that_is_there_though_the_answer_was_lost_is_put(verb: str) -> None:
    put, world = put_behind(FaultKind.ERROR_AFTER)
    await getattr(put, verb)(VALUES)
    await PutValues(store=world.store).check(VALUES)


async def test_a_value_that_does_not_read_back_is_named() -> None:
    put = PutValues(store=World().store)
    with pytest.raises(SecretNotFoundError, match=f"^{DB_URL} was written and does not read back as written$"):
        await put.check(VALUES)
