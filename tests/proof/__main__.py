"""Run proofs and print their figures: `python -m tests.proof [--nightly] [name …]`; exit 0 only when all hold."""

import argparse
import importlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Final

NAMES = (
    "zero_downtime",
    "fleet",
    "service_kills",
    "kills",
    "races",
    "contests",
    "bad_input",
    "http_schema",
    "explore",
    "crashes",
    "moves",
    "backups",
    "ring_machine",
    "child_crashes",
    "canaries",
    "clocks",
)
"""The longest first: some run at once, one more than there are processors, since the races and the kills often wait."""

ALONE: Final[dict[str | None, tuple[str, ...]]] = {None: ("service_kills",), "--nightly": ("service_kills", "kills")}
"""How soon a service is ready again is judged in seconds: nothing else runs meanwhile; of a few kills none is slow."""


QUICK: Final[dict[str, dict[str, int]]] = {
    "races": {"generations": 30},
    "contests": {"generations": 60},
    "kills": {"homes": 1},
    "service_kills": {"kills": 4},
    "crashes": {"step": 7},
    "child_crashes": {"most": 1},
    "http_schema": {"cases": 20},
    "zero_downtime": {"each": 100_000, "rotations": 10},
}
"""What the quick form does otherwise than the ordinary test run: mostly less, so that all of it takes two minutes."""


def main() -> int:
    """Run those that were named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *NAMES], help="which proofs; all where none is named")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--nightly", dest="form", action="store_const", const="--nightly", help="the long form")
    form.add_argument(
        "--quick", dest="form", action="store_const", const="--quick", help="fewer races and kills, more load"
    )
    chosen = parser.parse_args()
    names = chosen.names or NAMES
    return _one(*names, form=chosen.form) if len(names) == 1 else _many(names, form=chosen.form)


def _one(name: str, *, form: str | None) -> int:
    began_s = time.monotonic()
    verdict = importlib.import_module(f"tests.proof.{name}").run(
        nightly=form == "--nightly", **(QUICK.get(name, {}) if form == "--quick" else {})
    )
    word = "holds" if verdict.holds else "DOES NOT HOLD"
    print(f"\n{name} {word}, {time.monotonic() - began_s:.0f} s", *verdict.lines, sep="\n", flush=True)  # noqa: T201
    return 0 if verdict.holds else 1


def _many(names: list[str] | tuple[str, ...], *, form: str | None) -> int:
    """Each in a process of its own, so that one that breaks hides no other."""

    def run(name: str) -> int:
        command = [sys.executable, "-m", "tests.proof", name, *([form] if form else [])]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        sys.stdout.buffer.write(done.stdout)
        sys.stdout.buffer.flush()
        return done.returncode

    alone = ALONE.get(form, ALONE[None])
    codes = [run(name) for name in names if name in alone]
    with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as pool:
        codes += [
            done.result() for done in as_completed([pool.submit(run, name) for name in names if name not in alone])
        ]
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(main())
