"""Ratios of two callables, measured in alternation so that both see the same machine."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 31
ROUND_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison: the median ratio of ours to the peer's time, and the ratio that it should not exceed."""

    name: str
    ratio: float
    spread: tuple[float, float]
    target: float
    ours_us: float
    peer_us: float

    @property
    def is_met(self) -> bool:
        """Whether the target holds."""
        return self.ratio <= self.target


def compare(name: str, ours: Callable[[], object], peer: Callable[[], object], *, target: float) -> Row:
    """Time both in alternating rounds of 20 ms each; each round gives one ratio."""
    ours_count, peer_count = _calls_per_round(ours), _calls_per_round(peer)
    ours_times: list[float] = []
    peer_times: list[float] = []
    gc.disable()
    for turn in range(ROUNDS):
        both = [(ours, ours_count, ours_times), (peer, peer_count, peer_times)]
        for call, count, times in both if turn % 2 else reversed(both):
            times.append(_time(call, count))
    gc.enable()
    ratios = sorted(mine / theirs for mine, theirs in zip(ours_times, peer_times, strict=True))
    return Row(
        name=name,
        ratio=statistics.median(ratios),
        spread=(ratios[ROUNDS // 10], ratios[-1 - ROUNDS // 10]),
        target=target,
        ours_us=statistics.median(ours_times) * 1e6,
        peer_us=statistics.median(peer_times) * 1e6,
    )


def _calls_per_round(call: Callable[[], object]) -> int:
    call()
    return max(1, int(ROUND_S / _time(call, 10)))


def _time(call: Callable[[], object], count: int) -> float:
    start_s = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start_s) / count


def show(rows: list[Row]) -> None:
    """Print the table."""
    print(f"{'':<52}{'ratio':>7}{'10-90 %':>16}{'target':>8}{'ours µs':>10}{'peer µs':>10}")
    for row in rows:
        spread = f"{row.spread[0]:.2f}-{row.spread[1]:.2f}"
        verdict = "" if row.is_met else "  missed"
        print(
            f"{row.name:<52}{row.ratio:>7.2f}{spread:>16}{row.target:>8.2f}{row.ours_us:>10.2f}"
            f"{row.peer_us:>10.2f}{verdict}"
        )
