"""When messages are coloured, and how (`packages/util/log.go` v0.42.1, charmbracelet/lipgloss, muesli/termenv)."""

from collections.abc import Mapping
from typing import NamedTuple

_RED, _WHITE, _YELLOW, _GREY = "91", "97", "93", "90"


class Colours(NamedTuple):
    """Colours are for terminals; a pipe gets them only when `CLICOLOR_FORCE` asks and `NO_COLOR` does not forbid."""

    are_shown: bool

    @classmethod
    def in_a_pipe(cls, environ: Mapping[str, str]) -> "Colours":
        return cls(not environ.get("NO_COLOR") and environ.get("CLICOLOR_FORCE", "0") not in {"", "0"})

    def label(self, text: str) -> str:
        return self._in(f"1;{_RED}", text)

    def value(self, text: str) -> str:
        return self._in(_WHITE, text)

    def status(self, status: int) -> str:
        colour = _RED if status >= 500 else _YELLOW if status >= 400 else _WHITE
        return self._in(f"1;{colour}", str(status))

    def detail(self, text: str) -> str:
        return self._in(_YELLOW, text)

    def faint(self, text: str) -> str:
        return self._in(_GREY, text)

    def link(self, text: str) -> str:
        """Underlined text is coloured letter by letter."""
        return "".join(self._in(f"4;{_YELLOW};4", letter) for letter in text)

    def _in(self, codes: str, text: str) -> str:
        return f"\x1b[{codes}m{text}\x1b[0m" if self.are_shown else text
