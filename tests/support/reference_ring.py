"""A ring as design and calendar want it: what must be accepted, and which step may follow which, and when.

It knows kids, the names of states, and the seconds that really passed; it shares no rule with the code under test.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from tests.support.crash_rules import require

CS, CV, POLL, SKEW = 300, 600, 15, 60
LIFE, LEEWAY = 14 * 86_400, 60
W1 = CV + POLL + SKEW
W2 = CS + POLL + LIFE + LEEWAY + SKEW


class Answer(Enum):
    """What a reader has to say to a text that is inside its life."""

    MUST = "accept"
    MAY = "accept or refuse"
    NEVER = "refuse"


@dataclass(slots=True)
class Key:
    """What is remembered of one kid."""

    state: str
    published_s: float
    since: int
    """The generation that published it."""
    hurried: bool = False
    """ACTIVE before every reader could know it: one of the first keys, or in the place of a compromised one."""
    left_s: float | None = None
    """When it stopped being ACTIVE."""
    out: int | None = None
    """The generation from which on nobody accepts it."""


@dataclass(slots=True)
class ReferenceRing:
    """Watches one family. `condemned` are the kids that may be compromised, `unused` those proved to be so."""

    signs: bool
    keys: dict[str, Key] = field(default_factory=dict)
    generation: int = 0
    condemned: set[str] = field(default_factory=set)
    unused: set[str] = field(default_factory=set)

    def saw(self, generation: int, states: Mapping[str, str], now_s: float) -> set[str]:
        """Judge one change of the ring; give the kids that it moved."""
        named = list(states.values())
        require(generation == self.generation + 1, f"generation {generation} follows {self.generation}")
        require(self.keys.keys() <= states.keys(), "a key vanished")
        require(named.count("ACTIVE") == 1 >= named.count("PRE_ACTIVATION"), f"the states are {named}")
        moved = {kid for kid, state in states.items() if kid not in self.keys or self.keys[kid].state != state}
        hurries = not self.keys or any(states[kid] == "COMPROMISED" for kid in moved if self._is_active(kid))
        for kid in moved:
            self._step(kid, states[kid], now_s, hurries=hurries)
        self.generation = generation
        return moved

    def _is_active(self, kid: str) -> bool:
        return kid in self.keys and self.keys[kid].state == "ACTIVE"

    def _step(self, kid: str, state: str, now_s: float, *, hurries: bool) -> None:
        key = self.keys.setdefault(kid, Key("", now_s, self.generation + 1))
        left_for_s = 0.0 if key.left_s is None else now_s - key.left_s
        is_over = left_for_s >= W2 if self.signs else kid in self.unused
        may = {
            ("", "PRE_ACTIVATION"): True,
            ("", "ACTIVE"): hurries,
            ("", "DESTROYED"): True,
            ("PRE_ACTIVATION", "ACTIVE"): hurries or now_s - key.published_s >= W1,
            ("ACTIVE", "DEACTIVATED"): True,
            ("DEACTIVATED", "DESTROYED"): is_over,
        }.get((key.state, state), state == "COMPROMISED" and kid in self.condemned)
        require(may, f"{kid} went from {key.state or 'nothing'} to {state} at {now_s:g} s: {key}")
        if key.state == "ACTIVE":
            key.left_s = now_s
        if state == "COMPROMISED":
            key.out = self.generation + 1
        key.hurried = key.hurried or (state == "ACTIVE" and hurries)
        key.state = state

    def may_sign(self, kid: str, now_s: float) -> bool:
        """Whether a process with a view of at most `CS` may use this key, as every view of at most `CV` knows it."""
        key = self.keys[kid]
        is_known = key.hurried or now_s - key.published_s >= CV
        return is_known and (key.state == "ACTIVE" or (key.left_s is not None and now_s - key.left_s <= CS))

    def answer(self, kid: str, seen: int) -> Answer:
        """What a reader whose view shows generation `seen`, and is at most `CV` old, says to a text under this key."""
        key = self.keys[kid]
        if key.out is not None:
            return Answer.NEVER if seen >= key.out else Answer.MAY
        return Answer.MAY if key.hurried and seen < key.since else Answer.MUST
