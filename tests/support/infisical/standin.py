"""Make an executable `infisical` that is the stand-in for the CLI."""

import shlex
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[3]
_PROGRAM = """import sys
sys.path.insert(0, {root!r})
from tests.support.infisical.binary.main import main
main(version={version!r}, pace={pace!r})
"""


def install(folder: Path, *, version: str = "0.42.1", pace: float = 1.0) -> Path:
    """Write the program into a folder, and give its path.

    `pace` scales the waits between the attempts of a login: 1 is as long as the real one waits.
    """
    folder.mkdir(parents=True, exist_ok=True)
    program = _PROGRAM.format(root=str(_ROOT), version=version, pace=pace)
    path = folder / "infisical"
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -I -S -c {shlex.quote(program)} "$@"\n')
    path.chmod(0o755)
    return path
