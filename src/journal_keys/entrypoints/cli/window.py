"""A part of a picture that is taller than the terminal, and the keys that move it."""

import asyncio
import os
import re
import select
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

_KEY: Final = re.compile(rb"\x1b\[[0-9;]*[A-Za-z~]|\x1bO[A-Za-z]|[^\x1b]|\x1b(?=\x1b)")
_UNFINISHED: Final = re.compile(rb"\x1b(\[[0-9;]*|O)?\Z")
_LINE: Final = 1
_END: Final = 1_000_000
_MOVES: Final[Mapping[bytes, int]] = {
    **dict.fromkeys((b"j", b"\x1b[B", b"\x1bOB"), _LINE),
    **dict.fromkeys((b"k", b"\x1b[A", b"\x1bOA"), -_LINE),
    **dict.fromkeys((b"g", b"\x1b[H", b"\x1bOH", b"\x1b[1~", b"\x1b[7~"), -_END),
    **dict.fromkeys((b"G", b"\x1b[F", b"\x1bOF", b"\x1b[4~", b"\x1b[8~"), _END),
}
_PAGES: Final[Mapping[bytes, int]] = {b" ": 1, b"b": -1, b"\x1b[6~": 1, b"\x1b[5~": -1}
_QUIT: Final = frozenset({b"q", b"Q"})
_MOST_BYTES: Final = 1024
_CHARACTERS: Final = 6
"""Where in what `termios` gives the special characters are."""


class Keys:
    """Cuts what was typed into keys: several may come at once, and one in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def of(self, typed: bytes) -> list[bytes]:
        """Give the keys that are whole by now."""
        text = self._rest + typed
        unfinished = _UNFINISHED.search(text)
        self._rest = unfinished[0] if unfinished else b""
        return _KEY.findall(text.removesuffix(self._rest))


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
        window.show(Text("looking"))
        if not window.has_keys:
            yield window
            return
        with _each_key(window):
            yield window


def _has_keys() -> bool:
    """Whether somebody types here, and this is no job in the background: that one would be stopped."""
    try:
        return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:
        return False


@contextmanager
def _each_key(window: Window) -> Iterator[None]:
    terminal, loop, keys = sys.stdin.fileno(), asyncio.get_running_loop(), Keys()
    before = termios.tcgetattr(terminal)

    def read() -> None:
        try:
            typed = os.read(terminal, _MOST_BYTES)
        except OSError:
            typed = b""
        if not typed and _is_gone(terminal):
            loop.remove_reader(terminal)
            window.end()
        for key in keys.of(typed):
            window.press(key)

    try:
        _set_keys(terminal)
        loop.add_reader(terminal, read)
        yield
    finally:
        loop.remove_reader(terminal)
        if _has_keys():  # in the background the shell has the terminal, and would stop who changes it
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _set_keys(terminal: int) -> None:
    """Have each key read at once. Ctrl-Z would leave this screen to the shell, so it is a key without a meaning.

    A read gives nothing where nothing is there: Ctrl-C takes away what was typed before and not read yet.
    """
    tty.setcbreak(terminal)
    mode = termios.tcgetattr(terminal)
    mode[_CHARACTERS][termios.VMIN] = mode[_CHARACTERS][termios.VTIME] = 0
    mode[_CHARACTERS][termios.VSUSP] = b"\0"
    termios.tcsetattr(terminal, termios.TCSANOW, mode)


def _is_gone(terminal: int) -> bool:
    asked = select.poll()
    asked.register(terminal, 0)
    return bool(asked.poll(0))
