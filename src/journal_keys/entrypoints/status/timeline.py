"""The time line of a ring: where on a straight axis each key was in which state, in per cent of its width."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from journal_keys.domain.forms import iso
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import KeyState, KeyVersion, Kid
from journal_keys.domain.status import NextEvent

MOST_LANES: Final = 12
_NARROWEST: Final = 0.8
"""Of the axis, in per cent: less of a bar would not be seen."""
_IN_USE: Final = frozenset({KeyState.PRE_ACTIVATION, KeyState.ACTIVE})
_SHORTEST: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """From when to when the line goes. `now` is on it."""

    begins: datetime
    ends: datetime
    now: datetime

    def x(self, at: datetime) -> float:
        """Where a moment is, from 0 to 100; what is outside is at the nearer end."""
        share = (at - self.begins) / (self.ends - self.begins)
        return round(100 * min(max(share, 0), 1), 2)

    @property
    def now_x(self) -> float:
        """Where now is."""
        return self.x(self.now)

    @property
    def anchor(self) -> str:
        """On which side of now its name has room."""
        third = 100 / 3
        return "start" if self.now_x < third else "end" if self.now_x > 2 * third else "middle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One state of a key: `x` and `width` in per cent of the axis."""

    state: KeyState
    begins: datetime
    ends: datetime
    x: float
    width: float
    is_to_come: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One key: its bars from its publication to now, and to what happens next where a time decides that."""

    version: KeyVersion
    bars: tuple[Bar, ...]
    label: str

    @property
    def painted(self) -> tuple[Bar, ...]:
        """The bars in the order in which they hide nothing: the widest first."""
        return tuple(sorted(self.bars, key=lambda bar: bar.width, reverse=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The newest keys of a ring, the newest first; `left_out` counts the others by state."""

    axis: Axis
    lanes: tuple[Lane, ...]
    left_out: Mapping[KeyState, int]


def timeline(ring: KeyRing, upcoming: Sequence[NextEvent], now: datetime, due_at: datetime | None = None) -> Timeline:
    """Draw the ring. The ACTIVE key goes on until `due_at`, or until the staged one is promoted."""
    shown = _shown(ring)
    ends = _ends(ring, upcoming, due_at)
    states = {version.kid: _states(version, now) for version in shown}
    axis = _axis(states.values(), [at for kid, at in ends.items() if kid in states], now)
    return Timeline(
        axis=axis,
        lanes=tuple(_lane(version, states[version.kid], ends.get(version.kid), axis) for version in shown),
        left_out=Counter(version.state for version in ring.versions if version not in shown),
    )


_Span = tuple[KeyState, datetime, datetime]


def _shown(ring: KeyRing) -> tuple[KeyVersion, ...]:
    newest = sorted(ring.versions, key=lambda one: (one.state in _IN_USE, one.published_at))[-MOST_LANES:]
    return tuple(version for version in reversed(ring.versions) if version in newest)


def _ends(ring: KeyRing, upcoming: Sequence[NextEvent], due_at: datetime | None) -> dict[Kid, datetime]:
    ends = {event.kid: event.at for event in upcoming if event.at is not None}
    promoted = ends.get(ring.staged.kid) if ring.staged else due_at
    return ends if promoted is None else {**ends, ring.active.kid: promoted}


def _states(version: KeyVersion, now: datetime) -> list[_Span]:
    """Give the states that it was in until now, each with its begin and end; past its destruction there is nothing."""
    moments = [
        (KeyState.PRE_ACTIVATION, version.published_at),
        (KeyState.ACTIVE, version.activated_at),
        (KeyState.DEACTIVATED, version.deactivated_at),
        (KeyState.COMPROMISED, version.compromised_at),
        (KeyState.DESTROYED, version.destroyed_at),
    ]
    entered = [(state, at) for state, at in moments if at is not None]
    ends = [at for _, at in entered[1:]] + [max(now, entered[-1][1])]
    spans = [(state, at, end) for (state, at), end in zip(entered, ends, strict=True)]
    return [span for span in spans if span[0] is not KeyState.DESTROYED and (span[1] < span[2] or span is spans[-1])]


def _axis(states: Iterable[Sequence[_Span]], ends: Sequence[datetime], now: datetime) -> Axis:
    begins = min((span[1] for spans in states for span in spans), default=now)
    last = max([now, *ends])
    return Axis(begins=min(begins, now), ends=max(last, begins + _SHORTEST), now=now)


def _lane(version: KeyVersion, states: Sequence[_Span], end: datetime | None, axis: Axis) -> Lane:
    bars = [_bar(axis, state, begins, ends) for state, begins, ends in states]
    if end is not None and end > axis.now:
        bars.append(_bar(axis, version.state, axis.now, end, is_to_come=True))
    return Lane(version=version, bars=tuple(bars), label=" ".join(_said(version, bars)))


def _bar(axis: Axis, state: KeyState, begins: datetime, ends: datetime, *, is_to_come: bool = False) -> Bar:
    width = max(axis.x(ends) - axis.x(begins), _NARROWEST)
    x = max(min(axis.x(begins), (100 if is_to_come else axis.now_x) - width), 0)
    return Bar(state=state, begins=begins, ends=ends, x=round(x, 2), width=round(width, 2), is_to_come=is_to_come)


def _said(version: KeyVersion, bars: Sequence[Bar]) -> Iterator[str]:
    """Give what the bars show, in words."""
    yield f"Time line of {version.kid}:"
    past = [bar for bar in bars if not bar.is_to_come]
    yield "; ".join(f"{bar.state} from {iso(bar.begins)} to {iso(bar.ends)}" for bar in past)
    if version.destroyed_at is not None:
        yield f"and DESTROYED at {iso(version.destroyed_at)}"
    yield from (f"and to come until {iso(bar.ends)}" for bar in bars if bar.is_to_come)
