"""The record of a rotation: the same question is the same question, whoever asks."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from journal_keys.domain.changes import RotationRecord, RotationRequest, RotationStatus
from journal_keys.domain.errors import RotationConflictError
from journal_keys.domain.keys import Family

REQUEST = RotationRequest(rotation_id="r1", scope="jwt", force=False, reason="due", actor="alice")
RECORD = RotationRecord(
    request=REQUEST, family=Family.JWT, status=RotationStatus.WAITING, opened_at=datetime(2026, 1, 1, tzinfo=UTC)
)


def test_another_actor_may_ask_the_same_again() -> None:
    RECORD.check_same(replace(REQUEST, actor="bob"))


@pytest.mark.parametrize("other", [{"scope": "both"}, {"force": True}, {"reason": "forced"}], ids=str)
def test_the_same_id_for_something_else_is_a_conflict_that_tells_the_first_use(other: dict[str, object]) -> None:
    with pytest.raises(RotationConflictError) as caught:
        RECORD.check_same(replace(REQUEST, **other))  # type: ignore[arg-type]
    assert str(caught.value) == (
        "rotation id 'r1' was used for scope jwt, force False with its own reason: a new rotation needs a new id"
    )
