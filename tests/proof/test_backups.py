"""Backups that were changed are refused, and what was backed up comes back; a machine that opens anything is found."""

import pytest

from journal_keys.domain.backup import read_backup
from journal_keys.domain.material import KeyMaterial
from tests.proof import backups
from tests.proof.backups import cut_and_opened, lost_on_the_way, run, survivors
from tests.support.backups import Flips

pytestmark = pytest.mark.no_cover


def test_small_backups_with_any_bit_flipped_or_cut_off_anywhere_are_refused() -> None:
    verdict = run(nightly=False, backups=2, trips=200)
    assert verdict.holds, verdict.lines
    assert verdict.lines[-1] == (
        "backups: 2 with every bit flipped, 2 cut off at every length, 200 round trips, wrong 0"
    )


def test_bits_of_two_hundred_backups_are_tried() -> None:
    assert survivors(Flips(backups=200, whole=0, some=10), seed=5) == []


def test_a_shelf_that_opens_anything_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal_keys.adapters.embedded.age_form.opened", lambda *_: KeyMaterial(b""))
    assert survivors(Flips(backups=1, whole=0, some=50), seed=1)
    assert cut_and_opened(1, seed=1)


def test_a_reader_that_drops_something_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_backup

    def drops(text: KeyMaterial) -> object:
        found = whole(text)
        object.__setattr__(found, "secrets", {})
        return found

    monkeypatch.setattr(backups, "read_backup", drops)
    assert lost_on_the_way(20, seed=1)
