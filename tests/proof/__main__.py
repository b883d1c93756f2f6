"""Run proofs and print their figures: `python -m tests.proof [--nightly] [name …]`; exit 0 only when all hold."""

import argparse
import importlib
import sys
import time

NAMES = ("clocks", "explore", "crashes", "ring_machine", "races", "kills", "canaries", "bad_input")


def main() -> int:
    """Run those that were named, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.proof", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *NAMES], help="which proofs; all where none is named")
    parser.add_argument("--nightly", action="store_true", help="the long form")
    chosen = parser.parse_args()
    failed = []
    for name in chosen.names or NAMES:
        began_s = time.monotonic()
        verdict = importlib.import_module(f"tests.proof.{name}").run(nightly=chosen.nightly)
        word = "holds" if verdict.holds else "DOES NOT HOLD"
        print(f"\n{name} {word}, {time.monotonic() - began_s:.0f} s", *verdict.lines, sep="\n", flush=True)  # noqa: T201
        failed += [] if verdict.holds else [name]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
