"""What a rotation request may say."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from journal_keys.domain.changes import RotationRecord, RotationRequest, RotationStatus
from journal_keys.domain.errors import InvalidNameError, RotationConflictError
from journal_keys.domain.keys import Family

GOOD = RotationRequest(rotation_id="a.B_1:-", scope="jwt", force=False, reason="x", actor="test")

REASONS = {"empty": "", "501 characters": "x" * 501, "a line": "a\nb", "a surrogate": "\udcff", "an escape": "\x1b[0m"}
IDS = {"empty": "", "129 characters": "x" * 129, "a blank": "a b", "a new line": "a\n", "no ASCII": "\u00e4"}


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS.keys())
def test_a_reason_is_1_to_500_printable_characters(reason: str) -> None:
    with pytest.raises(InvalidNameError, match=r"^the reason is malformed: expected 1 to 500 printable characters$"):
        replace(GOOD, reason=reason)


@pytest.mark.parametrize("rotation_id", IDS.values(), ids=IDS.keys())
def test_a_rotation_id_is_1_to_128_plain_characters(rotation_id: str) -> None:
    with pytest.raises(InvalidNameError, match=r"^the rotation_id is malformed: expected 1 to 128 of"):
        replace(GOOD, rotation_id=rotation_id)


def test_the_longest_of_both_is_taken() -> None:
    assert replace(GOOD, reason="\u00e4" * 500, rotation_id="x" * 128).reason == "\u00e4" * 500


OPENED = RotationRecord(
    request=GOOD, family=Family.JWT, status=RotationStatus.WAITING, opened_at=datetime(2026, 1, 1, tzinfo=UTC)
)


@pytest.mark.parametrize(
    "other", [{"scope": "both"}, {"force": True}, {"reason": "y"}], ids=["scope", "force", "reason"]
)
def test_an_id_stands_for_one_rotation(other: dict[str, Any]) -> None:
    OPENED.check_same(replace(GOOD, actor="another"))
    with pytest.raises(RotationConflictError) as caught:
        OPENED.check_same(replace(GOOD, **other))
    assert str(caught.value) == (
        "rotation id 'a.B_1:-' was used for scope jwt, force False with its own reason: a new rotation needs a new id"
    )
