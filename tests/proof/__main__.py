"""Run proofs and print their figures: `python -m tests.proof [--nightly] [name …]`; exit 0 only when all hold."""

import argparse
import importlib
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed

NAMES = ("kills", "races", "bad_input", "explore", "crashes", "ring_machine", "canaries", "clocks")
"""The longest first, because as many run at once as there are processors."""


def main() -> int:
    """Run those that were named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *NAMES], help="which proofs; all where none is named")
    parser.add_argument("--nightly", action="store_true", help="the long form")
    chosen = parser.parse_args()
    names = chosen.names or NAMES
    return _one(*names, nightly=chosen.nightly) if len(names) == 1 else _many(names, nightly=chosen.nightly)


def _one(name: str, *, nightly: bool) -> int:
    began_s = time.monotonic()
    verdict = importlib.import_module(f"tests.proof.{name}").run(nightly=nightly)
    word = "holds" if verdict.holds else "DOES NOT HOLD"
    print(f"\n{name} {word}, {time.monotonic() - began_s:.0f} s", *verdict.lines, sep="\n", flush=True)  # noqa: T201
    return 0 if verdict.holds else 1


def _many(names: list[str] | tuple[str, ...], *, nightly: bool) -> int:
    """Each in a process of its own, so that one that breaks hides no other."""

    def run(name: str) -> int:
        command = [sys.executable, "-m", "tests.proof", name, *(["--nightly"] if nightly else [])]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        sys.stdout.buffer.write(done.stdout)
        sys.stdout.buffer.flush()
        return done.returncode

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        codes = [done.result() for done in as_completed([pool.submit(run, name) for name in names])]
    return 1 if any(codes) else 0


if __name__ == "__main__":
    sys.exit(main())
