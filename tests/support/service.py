"""The service in a process of its own, and what curl is answered by it."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from tests.support.operator import COMMAND, Operator
from tests.support.read_log import read_log

_VIEWS_S: Final = 20.0
"""How long views last where a test does not choose: they outlast a busy machine's pauses."""


@dataclass(slots=True)
class Served:
    """What the service announced, and what it has logged so far."""

    announced: dict[str, Any]
    logged: list[str]

    @property
    def address(self) -> str:
        """Where it serves."""
        return str(self.announced["serves_on"])


@contextmanager
def serving(operator: Operator, *words: str, views_s: float = _VIEWS_S) -> Iterator[Served]:
    """Have it serve on a port that the system chooses, with views that last so long, until the context ends."""
    with subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--json", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=operator.environment | {"JOURNAL_INFISICAL_CACHE_TTL": str(views_s)},
    ) as service:
        assert service.stdout is not None
        assert service.stderr is not None
        with read_log(service.stderr) as logged:
            try:
                yield Served(json.loads(service.stdout.readline()), logged)
            finally:
                service.send_signal(signal.SIGTERM)
    assert service.returncode in {0, -signal.SIGTERM}


def status(url: str, *words: str, token: str | None = None) -> str:
    """The status of a GET; the token goes through standard input, not the command line."""
    given = f'header = "Authorization: Bearer {token}"' if token else ""
    command = ["curl", "--silent", "--config", "-", *words, "--output", "/dev/null", "--write-out", "%{http_code}", url]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout
