"""Any number of needles in a text: one by one in a short text, in one pass over a long one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from struct import Struct
from typing import Final

from tests.support.canary.forms import SHORTEST, Needle, needles

_SHORT: Final = 16 * 1024
_WORD: Final = Struct("=Q")
_STARTS: Final = (0, 1, 2, 3)
assert len(_STARTS) + _WORD.size - 1 <= SHORTEST, "a word that begins at a multiple of 4 lies in every needle"


@dataclass(slots=True)
class Haystack:
    """The secrets that are looked for."""

    _needles: list[Needle] = field(default_factory=list)
    _words: dict[int, list[Needle]] = field(default_factory=dict)
    _indexed: int = 0

    def add(self, secret: bytes) -> None:
        """Look for this secret too."""
        self._needles += needles(secret)

    def search(self, data: bytes) -> set[str]:
        """Name the forms in which the data holds one of the secrets."""
        suspects: Iterable[Needle] = self._needles if len(data) < _SHORT else self._suspects(data)
        return {needle.form for needle in suspects if needle.text in data}

    def _suspects(self, data: bytes) -> set[Needle]:
        """Give the needles that begin within 4 bytes before a word which the data has at a multiple of 4."""
        self._index()
        found: set[Needle] = set()
        for first in (0, len(_STARTS)):
            words = memoryview(data)[first : first + (len(data) - first) // _WORD.size * _WORD.size].cast("Q")
            found |= {suspect for word in self._words.keys() & words for suspect in self._words[word]}
        return found

    def _index(self) -> None:
        for needle in self._needles[self._indexed :]:
            for start in _STARTS:
                (word,) = _WORD.unpack_from(needle.text, start)
                self._words.setdefault(word, []).append(needle)
        self._indexed = len(self._needles)
