"""`journal-keys demo`: the live table and the result."""

import json as json_text
import sys

from journal_keys.entrypoints.demo.show import run_demo
from journal_keys.entrypoints.demo.tally import Tally

_LABELS = {
    "tokens_signed": "tokens signed",
    "tokens_refused": "tokens refused",
    "ciphertexts_made": "ciphertexts made",
    "ciphertexts_unreadable": "ciphertexts unreadable",
    "rotations": "rotations",
    "kills": "rotators killed",
    "recoveries": "recoveries",
}


def demo(seconds: float, json: bool) -> int:  # noqa: FBT001 (the command's own flag)
    """Run the demonstration and give the exit code: 0 only when nothing was refused and nothing unreadable."""
    if json or not sys.stdout.isatty():
        tally = run_demo(seconds, lambda _tally, _left_s: None)
        sys.stdout.write((json_text.dumps(tally.as_dict()) if json else _lines(tally)) + "\n")
    else:
        tally = _watched(seconds)
    return 0 if tally.is_clean else 1


def _lines(tally: Tally) -> str:
    return "\n".join(f"{_LABELS[name]:<24}{count:>10}" for name, count in tally.as_dict().items())


def _watched(seconds: float) -> Tally:
    from rich.live import Live

    with Live(_lines(Tally()), refresh_per_second=4) as live:
        tally = run_demo(seconds, lambda so_far, left_s: live.update(f"{_lines(so_far)}\n{left_s:.0f} s left"))
        live.update(_lines(tally))
    return tally
