"""`journal-keys demo`: the live table and the result."""

import json as json_text
import signal
import sys

from journal_keys.entrypoints.cli.exit_codes import ExitCode
from journal_keys.entrypoints.cli.output import print_error
from journal_keys.entrypoints.demo.show import run_demo
from journal_keys.entrypoints.demo.tally import Result, Tally

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
    """Run the demonstration and give the exit code: 0 only when nothing is against it.

    SIGTERM ends it as Ctrl-C does.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if json or not sys.stdout.isatty():
        result = run_demo(seconds, lambda _tally, _left_s: None)
        sys.stdout.write((json_text.dumps(result.tally.as_dict()) if json else _lines(result.tally)) + "\n")
    else:
        result = _watched(seconds)
    faults = result.faults()
    if faults:
        print_error("DemonstrationFailed", "; ".join(faults), json_wanted=json)
    return ExitCode.FAILED if faults else ExitCode.DONE


def _lines(tally: Tally) -> str:
    return "\n".join(f"{_LABELS[name]:<24}{count:>10}" for name, count in tally.as_dict().items())


def _watched(seconds: float) -> Result:
    from rich.live import Live

    with Live(_lines(Tally()), refresh_per_second=4) as live:
        result = run_demo(seconds, lambda so_far, left_s: live.update(f"{_lines(so_far)}\n{left_s:.0f} s left"))
        live.update(_lines(result.tally))
    return result
