"""How often a key encrypts: 2³¹ are many, 2³² are all; nobody's count is lost."""

import pytest

from journal_keys.domain.encryption_budget import EncryptionBudget, is_worn
from journal_keys.domain.errors import EncryptionLimitError
from journal_keys.domain.keys import Kid

KID, OTHER = Kid("aes_x"), Kid("aes_y")
MANY, ALL = 2**31, 2**32


def reported(total: int) -> EncryptionBudget:
    budget = EncryptionBudget()
    budget.report(KID, total)
    return budget


def test_a_key_that_never_encrypted_is_unknown_and_fresh() -> None:
    budget = EncryptionBudget()
    assert (budget.total(KID), budget.is_known(KID)) == (0, False)
    assert budget.unreported() == {}


def test_what_this_process_did_and_what_all_reported_is_added_up() -> None:
    budget = EncryptionBudget()
    budget.spend(KID)
    budget.spend(KID)
    assert (budget.total(KID), budget.unreported(), budget.is_known(KID)) == (2, {KID: 2}, False)
    assert budget.take(KID) == 2
    budget.spend(KID)
    budget.report(KID, 40)
    assert (budget.total(KID), budget.unreported(), budget.is_known(KID)) == (41, {KID: 1}, True)
    assert (budget.total(OTHER), budget.is_known(OTHER)) == (0, False)
    budget.unreported().clear()
    assert budget.unreported() == {KID: 1}


@pytest.mark.parametrize(("total", "worn"), [(MANY, False), (MANY + 1, True)], ids=["at 2^31", "after 2^31"])
def test_a_key_is_worn_after_2_31_encryptions(total: int, worn: bool) -> None:  # noqa: FBT001
    assert is_worn(total) is worn


def test_the_last_of_2_32_encryptions_is_made_and_no_other() -> None:
    budget = reported(ALL - 1)
    budget.spend(KID)
    with pytest.raises(EncryptionLimitError) as caught:
        budget.spend(KID)
    assert str(caught.value) == "aes_x has made 2^32 encryptions: rotate the aes ring"
    assert (budget.total(KID), budget.unreported()) == (ALL, {KID: 1})
    budget.spend(OTHER)


def test_a_process_that_never_heard_of_others_stops_at_2_32_of_its_own() -> None:
    budget = EncryptionBudget()
    budget.give_back(KID, ALL - 1)
    budget.report(KID, 0)
    budget.spend(KID)
    with pytest.raises(EncryptionLimitError):
        budget.spend(KID)


def test_what_was_taken_and_given_back_is_counted_beside_what_came_since() -> None:
    budget = EncryptionBudget()
    assert budget.take(KID) == 0
    budget.spend(KID)
    budget.spend(KID)
    assert (budget.take(KID), budget.take(KID)) == (2, 0)
    budget.spend(KID)
    budget.give_back(KID, 2)
    assert budget.unreported() == {KID: 3}
