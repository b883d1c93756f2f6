"""Ratios of two callables, measured in alternation so that both see the same machine.

The ratio is the median of those of neighbouring rounds: a machine that changes its speed changes it for both.
"""

import gc
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias, cast

ROUNDS = 101
ROUND_S = 0.01
Clock: TypeAlias = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison: the ratio of ours to the peer's time, and the ratio that it may not exceed (None: shown only).

    `spread` is where the ratios of single rounds lie, from the first to the ninth tenth.
    """

    name: str
    ratio: float
    spread: tuple[float, float]
    target: float | None
    ours_us: float
    peer_us: float

    @property
    def is_met(self) -> bool:
        """Whether the target holds."""
        return self.target is None or self.ratio <= self.target


def compare(
    name: str,
    ours: Callable[[], object],
    peer: Callable[[], object],
    *,
    target: float | None,
    clock: Clock = time.process_time,
) -> Row:
    """Time both in alternating rounds of 10 ms each, by the processor time of this process."""
    ours_count, peer_count = _calls_per_round(ours, clock), _calls_per_round(peer, clock)
    ours_times: list[float] = []
    peer_times: list[float] = []
    gc.disable()
    for turn in range(ROUNDS):
        both = [(ours, ours_count, ours_times), (peer, peer_count, peer_times)]
        for call, count, times in both if turn % 2 else reversed(both):
            times.append(_time(call, count, clock))
    gc.enable()
    return row(name, ours_times, peer_times, target=target)


async def compare_awaited(
    name: str, ours: Callable[[], Awaitable[object]], peer: Callable[[], object], *, target: float | None
) -> Row:
    """As `compare`, with ours awaited in the running loop; the peer, too, where it gives something to await."""
    ours_times: list[float] = []
    peer_times: list[float] = []
    is_awaited = isinstance(first := peer(), Awaitable)
    if isinstance(first, Awaitable):
        await first
    time_s = await _time_awaited(ours, 100)
    count = max(1, int(ROUND_S / max(time_s, 1e-9)))
    gc.disable()
    for _ in range(ROUNDS):
        ours_times.append(await _time_awaited(ours, count))
        peer_times.append(
            await _time_awaited(cast("Callable[[], Awaitable[object]]", peer), count)
            if is_awaited
            else _time(peer, count, time.process_time)
        )
    gc.enable()
    return row(name, ours_times, peer_times, target=target)


async def _time_awaited(call: Callable[[], Awaitable[object]], count: int) -> float:
    start_s = time.process_time()
    for _ in range(count):
        await call()
    return (time.process_time() - start_s) / count


def row(name: str, ours_times: list[float], peer_times: list[float], *, target: float | None) -> Row:
    """Judge the rounds of a comparison, each given in seconds per call."""
    ratios = sorted(mine / theirs for mine, theirs in zip(ours_times, peer_times, strict=True))
    return Row(
        name=name,
        ratio=median(ratios),
        spread=(ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]),
        target=target,
        ours_us=median(ours_times) * 1e6,
        peer_us=median(peer_times) * 1e6,
    )


def _calls_per_round(call: Callable[[], object], clock: Clock) -> int:
    call()
    return max(1, int(ROUND_S / max(_time(call, 10, clock), 1e-9)))


def _time(call: Callable[[], object], count: int, clock: Clock) -> float:
    start_s = clock()
    for _ in range(count):
        call()
    return (clock() - start_s) / count


def show(rows: list[Row]) -> None:
    """Print the table."""
    print(f"{'':<52}{'ratio':>7}{'10-90 %':>16}{'target':>8}{'ours µs':>10}{'peer µs':>10}")
    for row in rows:
        spread = f"{row.spread[0]:.2f}-{row.spread[1]:.2f}"
        target = "" if row.target is None else f"{row.target:.2f}"
        verdict = "" if row.is_met else "  missed"
        print(
            f"{row.name:<52}{row.ratio:>7.3f}{spread:>16}{target:>8}{row.ours_us:>10.2f}{row.peer_us:>10.2f}{verdict}"
        )
