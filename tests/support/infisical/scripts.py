"""Small programs that stand where the CLI should be, and misbehave."""

from pathlib import Path

_START = """#!/bin/sh
if [ "$1" = --version ]; then echo 'infisical version 0.42.1'; exit 0; fi
echo "$@" >> "{log}"
"""


def script(folder: Path, body: str) -> Path:
    """Make a program that names its version, and otherwise notes its arguments in `calls` and does what `body` says."""
    folder.mkdir(mode=0o755, exist_ok=True)
    path = folder / "infisical"
    path.write_text(_START.format(log=folder / "calls") + body + "\n")
    path.chmod(0o755)
    return path


def calls(folder: Path) -> list[str]:
    """What the program was asked, but for its version."""
    log = folder / "calls"
    return log.read_text().splitlines() if log.exists() else []
