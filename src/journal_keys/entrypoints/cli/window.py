"""A part of a picture that is taller than the terminal, and the keys that move it."""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.text import Text

_LINE: Final = 1
_END: Final = 1_000_000
_MOVES: Final[Mapping[bytes, int]] = {
    b"j": _LINE,
    b"k": -_LINE,
    b"\x1b[B": _LINE,
    b"\x1b[A": -_LINE,
    b"\x1bOB": _LINE,
    b"\x1bOA": -_LINE,
    b"g": -_END,
    b"G": _END,
    b"\x1b[H": -_END,
    b"\x1b[F": _END,
}
_PAGES: Final[Mapping[bytes, int]] = {b" ": 1, b"b": -1, b"\x1b[6~": 1, b"\x1b[5~": -1}
_QUIT: Final = frozenset({b"q", b"Q"})
_LONGEST_KEY: Final = 16
_CHARACTERS: Final = 6
"""Where in what `termios` gives the special characters are."""


@dataclass(slots=True)
class Window:
    """What is seen of a picture: as many lines as there is room for, from `first` on."""

    live: Live
    has_keys: bool
    end: Callable[[], object]
    first: int = 0
    height: int = field(default=1, init=False)
    picture: RenderableType = ""

    def show(self, picture: RenderableType) -> None:
        """Take the place of the picture before."""
        self.picture = picture
        self.live.update(self, refresh=True)

    def press(self, key: bytes) -> None:
        """Do what the key means: nothing, where it means nothing."""
        if key in _QUIT:
            self.end()
            return
        move = _MOVES.get(key, 0) + _PAGES.get(key, 0) * max(self.height - 1, 1)
        if move:
            self.first = max(self.first + move, 0)
            self.live.update(self, refresh=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Give the lines that are seen, and below them what is known of the others."""
        lines = console.render_lines(self.picture, options.update(height=None), pad=False)
        self.height = max(console.height - 1, 1)
        self.first = min(self.first, max(len(lines) - self.height, 0))
        last = min(self.first + self.height, len(lines))
        for line in lines[self.first : last]:
            yield from line
            yield Segment.line()
        yield Text(self._foot(last, len(lines)), style="reverse", no_wrap=True, overflow="crop")

    def _foot(self, last: int, number: int) -> str:
        ends = "q or Ctrl-C ends" if self.has_keys else "Ctrl-C ends"
        if number <= self.height:
            return ends
        how = "arrows and page keys move it" if self.has_keys else "a taller terminal shows all"
        return f"{ends}; lines {self.first + 1}-{last} of {number}, {how}"


@contextmanager
def open_window(console: Console, end: Callable[[], object]) -> Iterator[Window]:
    """Give a window that fills the terminal; leave the terminal as it was. `end` is called where somebody quits."""
    with Live(console=console, screen=True, auto_refresh=False) as live:
        window = Window(live=live, has_keys=_has_keys(), end=end)
        if not window.has_keys:
            yield window
            return
        with _each_key(window.press):
            yield window


def _has_keys() -> bool:
    """Whether somebody types here, and this is no job in the background: that one would be stopped."""
    try:
        return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:
        return False


def _never_wait(terminal: int) -> None:
    """Have a read give nothing where nothing is there: Ctrl-C takes away what was typed before and not read yet."""
    mode = termios.tcgetattr(terminal)
    mode[_CHARACTERS][termios.VMIN] = mode[_CHARACTERS][termios.VTIME] = 0
    termios.tcsetattr(terminal, termios.TCSANOW, mode)


@contextmanager
def _each_key(press: Callable[[bytes], None]) -> Iterator[None]:
    terminal, loop = sys.stdin.fileno(), asyncio.get_running_loop()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    _never_wait(terminal)

    def read() -> None:
        try:
            press(os.read(terminal, _LONGEST_KEY))
        except OSError:  # the terminal is gone
            loop.remove_reader(terminal)

    loop.add_reader(terminal, read)
    try:
        yield
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
