"""Figures of a service on this machine: what it counted, and whatever else may be answered there."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from journal_keys.adapters.prometheus.meter import PrometheusMeter
from journal_keys.domain.errors import InvalidNameError
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.webhooks import WebhookRefusedError
from journal_keys.entrypoints.cli.service_figures import ServiceFigures, figure_lines
from journal_keys.ports.meter import Source


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server on loopback that has one answer; gives its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/metrics" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the library)
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}/metrics"
        finally:
            server.shutdown()
            thread.join()


def exposed() -> bytes:
    registry = CollectorRegistry()
    meter = PrometheusMeter(registry)
    path = SecretPath.parse("/database/db_url_async")
    meter.fetched(path, Source.STORE, 0.1)
    meter.hits(path).count += 4
    meter.heard(WebhookRefusedError("no"))
    meter.publish()
    return generate_latest(registry)


def test_what_a_service_counted_is_read() -> None:
    with answering(200, exposed()) as url:
        found = ServiceFigures.at(url).read()
    assert found.counts is not None
    assert (found.counts.fetches, found.counts.webhooks, found.counts.redis) == (
        {"store": 1, "memory": 4},
        {"refused": 1},
        {},
    )
    assert list(figure_lines(found))[:3] == [
        "  Fetches of secrets and folders, by what answered: memory 4, store 1",
        "  Failures of the store at these: None.",
        "  Questions to Redis, by what became of them: None was asked.",
    ]


def test_a_service_is_enough_where_no_path_is_named() -> None:
    with answering(200, exposed()) as url:
        base = url.removesuffix("/metrics")
        assert [ServiceFigures.at(one).read().of for one in (base, f"{base}/")] == [url, url]


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, b"{}", "the answer was 403"),
        (302, b"", "the answer was 302"),
        (200, b"# a comment\n" * 400_000, "the answer is longer than figures are"),
        (200, b"<html>\xff", "the answer holds no figures"),
        (200, b"infisical_fetch_total{no=", "the answer holds no figures"),
        (200, b'infisical_fetch_total{path="x"} 1', "the answer holds no figures"),
    ],
    ids=["refused", "elsewhere", "endless", "no text", "cut off", "another label"],
)
def test_any_other_answer_is_told(status: int, body: bytes, said: str) -> None:
    with answering(status, body) as url:
        found = ServiceFigures.at(url).read()
    assert (found.counts, found.failure) == (None, said)
    assert list(figure_lines(found)) == [f"! not known: {said}"]


def test_where_nobody_listens_there_are_none() -> None:
    with answering(200, b"") as url:
        pass
    assert ServiceFigures.at(url).read().failure == "no answer (ConnectionRefusedError)"


def test_who_never_answers_is_waited_for_no_longer_than_a_second() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        found = ServiceFigures.at(f"http://127.0.0.1:{silent.getsockname()[1]}").read()
    assert found.failure == "no answer (TimeoutError)"


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost/metrics",
        "http://example.org/metrics",
        "http://10.0.0.1/",
        "localhost:8000",
        "",
        "http://[::1",
        "http://localhost:99999/",
        "file:///etc/passwd",
        "http://user:word@localhost:8000/",
        "http://localhost:8000@example.org/",
    ],
)
def test_only_this_machine_is_asked(url: str) -> None:
    with pytest.raises(InvalidNameError, match="this machine's loopback"):
        ServiceFigures.at(url)
