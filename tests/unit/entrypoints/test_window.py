"""A picture that is taller than the terminal: which of its lines are seen, and what keys do about that."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.live import Live
from rich.text import Text

from journal_keys.entrypoints.cli.window import Keys, Window

HEIGHT, LINES = 11, 35
"""Of the terminal, whose last line says which ones are seen; and of the picture."""
DOWN, UP, PAGE_DOWN, PAGE_UP = b"\x1b[B", b"\x1b[A", b"\x1b[6~", b"\x1b[5~"


class Shown:
    """A window on numbered lines, and how often somebody quit."""

    def __init__(self, lines: int = LINES, *, has_keys: bool = True) -> None:
        self.quits = 0
        self.console = Console(file=io.StringIO(), width=80, height=HEIGHT, force_terminal=True, color_system=None)
        self.window = Window(live=Live(console=self.console), has_keys=has_keys, end=self.quit)
        self.window.show(Text("\n".join(f"line {number}" for number in range(1, lines + 1))))

    def quit(self) -> None:
        self.quits += 1

    def seen(self) -> tuple[list[str], str]:
        """The lines of the picture that are seen, and the one below them."""
        lines = ["".join(one.text for one in line).rstrip() for line in self.console.render_lines(self.window)]
        return lines[:-1], lines[-1]


def lines(first: int, last: int) -> list[str]:
    return [f"line {number}" for number in range(first, last + 1)]


def test_as_much_is_seen_as_there_is_room_for() -> None:
    assert Shown().seen() == (lines(1, 10), "q or Ctrl-C ends; lines 1-10 of 35, arrows and page keys move it")
    assert Shown(10).seen() == (lines(1, 10), "q or Ctrl-C ends")


@pytest.mark.parametrize(
    ("keys", "first"),
    [
        ([DOWN], 2),
        ([b"j", b"j", b"k"], 2),
        ([DOWN, UP, UP], 1),
        ([PAGE_DOWN], 10),
        ([b" ", PAGE_DOWN, b"b"], 10),
        ([b"G"], 26),
        ([b"G", PAGE_DOWN, DOWN], 26),
        ([b"G", PAGE_UP], 17),
        ([b"G", b"g"], 1),
        ([b"x", b"\x1b", b"\xff\xff", b""], 1),
    ],
)
def test_keys_move_it_and_never_beyond_its_ends(keys: list[bytes], first: int) -> None:
    shown = Shown()
    shown.seen()
    for key in keys:
        shown.window.press(key)
        shown.seen()
    assert shown.seen()[0] == lines(first, first + 9)
    assert shown.quits == 0


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ([b"jj"], [b"j", b"j"]),
        ([b"\x1b[B\x1b[B"], [DOWN, DOWN]),
        ([b"\x1b[5~q"], [PAGE_UP, b"q"]),
        ([b"\x1b", b"[", b"6", b"~j"], [PAGE_DOWN, b"j"]),
        ([b"\x1bO", b"B"], [b"\x1bOB"]),
        ([b"\x1b\x1b[A"], [b"\x1b", UP]),
        ([b"\x1b", b"q"], [b"q"]),
        ([b"", b"\xff\n"], [b"\xff", b"\n"]),
        ([b"\x1b[1;5Bj"], [b"\x1b[1;5B", b"j"]),
    ],
)
def test_what_is_typed_is_cut_into_keys_wherever_reads_begin_and_end(typed: list[bytes], keys: list[bytes]) -> None:
    cut = Keys()
    assert [key for text in typed for key in cut.of(text)] == keys


@given(st.lists(st.sampled_from([DOWN, UP, PAGE_DOWN, b"\x1bOF", b"\x1b[1~", b"j", b"q", b" "])), st.data())
def test_keys_are_the_same_in_any_pieces(keys: list[bytes], data: st.DataObject) -> None:
    text, cut, found = b"".join(keys), Keys(), list[bytes]()
    while text:
        length = data.draw(st.integers(1, len(text)))
        found += cut.of(text[:length])
        text = text[length:]
    assert found == keys


def test_it_ends_where_somebody_quits() -> None:
    shown = Shown()
    shown.window.press(b"q")
    assert shown.quits == 1


def test_a_picture_that_gets_shorter_is_seen_to_its_end() -> None:
    shown = Shown()
    shown.seen()
    shown.window.press(b"G")
    shown.window.show(Text("\n".join(lines(1, 12))))
    assert shown.seen()[0] == lines(3, 12)


def test_where_nobody_can_type_it_says_how_to_see_the_rest() -> None:
    assert Shown(has_keys=False).seen()[1] == "Ctrl-C ends; lines 1-10 of 35, a taller terminal shows all"
