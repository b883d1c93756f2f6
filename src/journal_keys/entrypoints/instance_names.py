"""Names under which containers of this process report: one each, or one would hide what the other holds."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from threading import Lock
from typing import Final

_ONE_AT_A_TIME: Final = Lock()
_TAKEN: Final = set[str]()
_ROOM: Final = 120
"""Characters of a name that is numbered; with its number it is one that an instance may have."""


@contextmanager
def own_name(name: str) -> Iterator[str]:
    """Give the name while nobody else here has it, else the same with a number: `web`, `web.2`, `web.3`."""
    with _ONE_AT_A_TIME:
        numbered = (f"{name[:_ROOM]}.{number}" for number in count(2))
        own = name if name not in _TAKEN else next(one for one in numbered if one not in _TAKEN)
        _TAKEN.add(own)
    try:
        yield own
    finally:
        _TAKEN.discard(own)
