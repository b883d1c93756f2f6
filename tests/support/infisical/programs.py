"""Which binaries the tests run: the stand-in always, the real one where it is there."""

import functools
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.support.infisical.standin import install


@functools.cache
def real_binary() -> Path | None:
    """Give the real CLI v0.42.x that `JOURNAL_TEST_INFISICAL` names or that is on PATH, or None."""
    found = shutil.which(os.environ.get("JOURNAL_TEST_INFISICAL") or "infisical")
    if found is None:
        return None
    done = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=20, check=False)
    return Path(os.path.realpath(found)) if done.stdout.startswith("infisical version 0.42.") else None


def _real(_folder: Path) -> Path:
    found = real_binary()
    assert found is not None
    return found


def stand_in(folder: Path) -> Path:
    """Install the stand-in, which waits less between attempts than the real CLI."""
    return install(folder, pace=0.01)


BINARIES: dict[str, Callable[[Path], Path]] = {"stand-in": stand_in, **({"real": _real} if real_binary() else {})}
"""How to get each binary, given a folder of its own."""


def a_binary(folder: Path) -> Path:
    """The first of them."""
    return next(iter(BINARIES.values()))(folder)
