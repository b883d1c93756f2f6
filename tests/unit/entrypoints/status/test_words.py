"""Moments, lengths and foreign texts in words."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from journal_keys.entrypoints.status.words import Code, Moment, Sentence, length, listed, number, plain, visible

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.9, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (599, "9 min 59 s"),
        (601, "10 min"),
        (3_600, "1 h"),
        (3_605, "1 h"),
        (3_660, "1 h 1 min"),
        (36_059, "10 h"),
        (86_400, "1 d"),
        (86_460, "1 d"),
        (187_260, "2 d 4 h"),
        (5_184_000, "60 d"),
    ],
)
def test_a_length_is_told_in_its_two_largest_units(seconds: float, words: str) -> None:
    assert length(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (0.99, "now"),
        (-0.99, "now"),
        (1, "in 1 s"),
        (-1, "1 s ago"),
        (10_800, "in 3 h"),
        (-7_200, "2 h ago"),
    ],
)
def test_a_moment_says_how_far_away_it_is(seconds: float, words: str) -> None:
    assert Moment(NOW + timedelta(seconds=seconds), NOW).distance == words


def test_a_moment_that_is_seen_from_nowhere_says_when_only() -> None:
    assert (Moment(NOW).distance, Moment(NOW).iso) == ("", "2026-11-27T12:00:00Z")


def test_moments_are_in_utc_to_the_second() -> None:
    there = datetime(2026, 11, 27, 14, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert Moment(there, NOW).iso == "2026-11-27T12:00:00Z"


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ((), ""),
        (("one", Code("jwt_x"), "three"), "one jwt_x three"),
        (
            ("at", Moment(NOW), ", as", Code("jwt_x"), "; then", Code("y"), ": z"),
            f"at {Moment(NOW).iso}, as jwt_x; then y: z",
        ),
        (("signs since", Moment(NOW - timedelta(hours=3), NOW)), "signs since 2026-11-27T09:00:00Z (3 h ago)"),
        ((", first",), ", first"),
    ],
)
def test_a_sentence_is_its_parts_with_spaces_where_they_belong(sentence: Sentence, told: str) -> None:
    assert plain(sentence) == told


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain <b>text</b>", "plain <b>text</b>"),
        ("\u05d0\u05d1 is a word", "\u05d0\u05d1 is a word"),
        ("a\u202eb", "a\\u202eb"),
        ("a\x00b\nc\x1b[31m", "a\\u0000b\\u000ac\\u001b[31m"),
        ("\ud800", "\\ud800"),
        ("\u200b\ufeff\u2066", "\\u200b\\ufeff\\u2066"),
    ],
)
def test_what_prints_nothing_is_shown_by_its_number(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(text).encode("utf-8")


@pytest.mark.parametrize(
    ("words", "told"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_several_are_enumerated(words: list[str], told: str) -> None:
    assert listed(words) == told


def test_numbers_are_grouped() -> None:
    assert (number(7), number(4_294_967_296)) == ("7", "4,294,967,296")
