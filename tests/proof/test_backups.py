"""Changed backups are refused, and what was backed up comes back; what looks at less or drops something is found."""

from dataclasses import replace
from pathlib import Path

import pytest

from journal_keys.adapters.embedded.age_form import AgeFormError, parse_header
from journal_keys.domain.backup import read_backup
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


def looks_at_the_header_only(file: Path) -> bool:
    try:
        parse_header(file.read_bytes())
    except AgeFormError:
        return True
    return False


def test_a_shelf_that_opens_what_has_a_header_is_found() -> None:
    assert survivors(Flips(backups=1, whole=0, some=50), seed=1, is_refused=looks_at_the_header_only)
    assert cut_and_opened(1, seed=1, is_refused=looks_at_the_header_only)


def test_a_reader_that_drops_something_is_found() -> None:
    assert lost_on_the_way(20, seed=1, read=lambda text: replace(read_backup(text), secrets={}))
