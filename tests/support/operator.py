"""The command as an operator runs it: a process of its own, with an environment of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.support.embedded import QUICK
from tests.support.warm import Warm

COMMAND = (sys.executable, "-W", "error", "-m", "journal_keys")


UNPRIVILEGED = (
    ("setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search") if not os.geteuid() else ()
)
"""Before a command: file modes bind it, even where the tests run as root."""


def bare_environment() -> dict[str, str]:
    """What every process under test keeps of ours: where programs are, and where coverage is counted."""
    return {name: value for name, value in os.environ.items() if name == "PATH" or name.startswith("COV")}


@cache
def _warm(environment: frozenset[tuple[str, str]]) -> Warm:
    """Give the process that all operators' runs in this environment come from: measured, or not."""
    return Warm(UNPRIVILEGED, dict(environment))


class Operator:
    """Runs `journal-keys` in a home of its own, with windows of a quarter of a second."""

    def __init__(self, folder: Path, **changes: str) -> None:
        self.home = folder / "home"
        self.environment = {**bare_environment(), **QUICK, "JOURNAL_KEYS_HOME": str(self.home), **changes}

    def run(
        self, *words: str, given: bytes | None = None, changes: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        environment: Mapping[str, str] = {**self.environment, **(changes or {})}
        return _warm(frozenset(bare_environment().items())).run(words, environment, given or b"")

    def json(self, *words: str, code: int = 0, given: bytes | None = None) -> object:
        done = self.run(*words, "--json", given=given)
        assert done.returncode == code, done.stderr
        assert done.stderr == b"" or code != 0 or "JOURNAL_LOG_LEVEL" in self.environment, done.stderr
        return json.loads(done.stdout)
