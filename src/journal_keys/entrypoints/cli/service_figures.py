"""What a service on this machine counted, asked of its `/metrics` as a Prometheus server asks."""

from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Final
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from journal_keys.adapters.prometheus.counts import counted_in
from journal_keys.domain.errors import InvalidNameError
from journal_keys.entrypoints.http.doors import METRICS
from journal_keys.entrypoints.http.loopback import is_own_host
from journal_keys.entrypoints.status.figures import Figures, sums_of
from journal_keys.entrypoints.status.words import number

_WITHIN_S: Final = 1.0
_MOST: Final = 4 * 1024 * 1024
_OK: Final = 200
_EXPECTED: Final = "--figures is a URL on this machine's loopback, like http://localhost:8000/metrics"


@dataclass(frozen=True, slots=True)
class ServiceFigures:
    """Asks one place, without a token: direct callers of this machine are given figures."""

    host: str
    port: int
    path: str
    url: str

    @classmethod
    def at(cls, url: str) -> "ServiceFigures":
        """Read `http://localhost:8000`, to which `/metrics` belongs where no path is named.

        Raises:
            InvalidNameError: it is no such URL, or of another machine.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise InvalidNameError(_EXPECTED) from None
        if host is None or parts.scheme != "http" or "@" in parts.netloc or not is_own_host(host):
            raise InvalidNameError(_EXPECTED)
        path = METRICS if parts.path in {"", "/"} else parts.path
        return cls(host, port or 80, path, f"http://{parts.netloc}{path}")

    def read(self) -> Figures:
        """Ask, and wait no longer than a second for each part of the answer."""
        connection = HTTPConnection(self.host, self.port, timeout=_WITHIN_S)
        try:
            connection.request("GET", self.path, headers={"Accept": "text/plain;version=0.0.4"})
            answer = connection.getresponse()
            body = answer.read(_MOST + 1)
        except (OSError, HTTPException) as failure:
            return Figures(of=self.url, failure=f"no answer ({type(failure).__name__})")
        finally:
            connection.close()
        if answer.status != _OK:
            return Figures(of=self.url, failure=f"the answer was {answer.status}")
        if len(body) > _MOST:
            return Figures(of=self.url, failure="the answer is longer than figures are")
        try:
            return Figures(of=self.url, counts=counted_in(text_string_to_metric_families(body.decode("utf-8"))))
        except (ValueError, KeyError, OverflowError):
            return Figures(of=self.url, failure="the answer holds no figures")


def figure_lines(figures: Figures) -> Iterator[str]:
    """Give a line for each sum, or one that says why there is none."""
    if figures.counts is None:
        yield f"! not known: {figures.failure}"
        return
    for sums in sums_of(figures.counts):
        yield f"  {sums.caption}: {', '.join(f'{name} {number(count)}' for name, count in sums.rows) or sums.empty}"
