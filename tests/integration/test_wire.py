"""What comes over a real socket and is no well-behaved request: too large, too slow, too many, or no HTTP at all."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

import pytest

from journal_keys.entrypoints.http.answering import HEADERS
from journal_keys.entrypoints.http.doors import HEALTH, JWKS, LIVE, READY, ROTATE, WEBHOOK
from journal_keys.entrypoints.http.protocol import MOST_HEAD_BYTES, MOST_HEADERS, MOST_WAITING, WITHIN_S
from journal_keys.entrypoints.http.serve import MOST_CONNECTIONS
from tests.support.canary.watch import WATCH
from tests.support.operator import Operator
from tests.support.service import serving

pytestmark = pytest.mark.processes
ANSWER_S: Final = 25
HOST: Final = "Host: localhost"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    operator = Operator(tmp_path_factory.mktemp("wire"))
    assert operator.run("init").returncode == 0
    with serving(operator) as served:
        place = urlsplit(served.address)
        yield str(place.hostname), place.port or 0


@contextmanager
def connected(address: tuple[str, int]) -> Iterator[socket.socket]:
    with closing(socket.create_connection(address, timeout=ANSWER_S)) as made:
        yield made


def request(path: str = JWKS, *lines: str, method: str = "GET", host: str = HOST) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", host, *lines, "", ""]).encode("latin-1")


def rest(connection: socket.socket) -> bytes:
    """All until the other side hangs up."""
    read = b""
    with suppress(ConnectionResetError):  # it did not read what we sent
        while piece := connection.recv(65_536):
            read += piece
    WATCH.show("HTTP answers as they came", read)
    return read


def told(read: bytes) -> tuple[int, dict[str, object]]:
    """Status and Problem of an answer; every one has the headers that all have."""
    top, _, body = read.partition(b"\r\n\r\n")
    status, *lines = top.split(b"\r\n")
    headers = dict(line.lower().split(b": ", 1) for line in lines)
    assert headers[b"content-type"] == b"application/problem+json"
    assert {name: headers.get(name) for name, _ in HEADERS} == {name: value.lower() for name, value in HEADERS}
    problem: dict[str, object] = json.loads(body[: int(headers[b"content-length"])])
    return int(status.split(b" ")[1]), problem


def ask(address: tuple[str, int], sent: bytes) -> bytes:
    """Send this, then no more, and give the answer."""
    with connected(address) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):  # it hung up before the end
            connection.sendall(sent)
        return rest(connection)


CLOSE: Final = "Connection: close"
MANY: Final = [f"X-{number}: a" for number in range(MOST_HEADERS)]


@pytest.mark.parametrize(
    "lines", [[f"X: {'a' * MOST_HEAD_BYTES}"], [f"{'X' * MOST_HEAD_BYTES}: a"], MANY], ids=["value", "name", "number"]
)
def test_a_head_that_is_too_large_is_a_431(address: tuple[str, int], lines: Sequence[str]) -> None:
    status, problem = told(ask(address, request(JWKS, *lines, CLOSE)))
    assert status == 431
    assert str(MOST_HEAD_BYTES) in str(problem["detail"])


def test_a_path_that_is_too_large_is_a_431(address: tuple[str, int]) -> None:
    assert told(ask(address, request(f"/{'a' * MOST_HEAD_BYTES}", CLOSE)))[0] == 431


def test_as_many_headers_as_are_allowed_are(address: tuple[str, int]) -> None:
    assert ask(address, request(JWKS, *MANY[2:], CLOSE)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "begun", [b"GET /", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\n"], ids=["path", "value", "names"]
)
def test_a_head_without_an_end_is_broken_off_before_it_fills_the_memory(address: tuple[str, int], begun: bytes) -> None:
    piece = b"X: a\r\n" * 600 if begun.endswith(b"\r\n") else b"a" * 3600
    with connected(address) as connection:
        connection.sendall(begun)
        sent = 0
        with pytest.raises((BrokenPipeError, ConnectionResetError)):  # noqa: PT012 (how far it comes is the question)
            while sent < 100 * MOST_HEAD_BYTES:
                connection.sendall(piece)
                sent += len(piece)
                time.sleep(0.01)
    assert sent < 10 * MOST_HEAD_BYTES


GARBAGE: Final = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX\x00: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
]


@pytest.mark.parametrize("sent", GARBAGE)
def test_what_is_no_http_is_a_400_and_nothing_is_served_of_it(address: tuple[str, int], sent: bytes) -> None:
    status, problem = told(ask(address, sent))
    assert (status, problem["title"]) == (400, "Bad Request")
    assert ask(address, request(JWKS, CLOSE)).startswith(b"HTTP/1.1 200")


def test_a_body_whose_pieces_are_none_is_broken_off(address: tuple[str, int]) -> None:
    typed = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    assert ask(address, request(ROTATE, *typed, method="POST") + b"zz\r\n") == b""


HOSTS: Final = [
    "X: y",
    "Host: evil.example.org",
    "Host: localhost\r\nHost: localhost",
    "Host: localhost@evil.example.org",
    "Host:",
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", [JWKS, f"http://localhost{JWKS}"], ids=["origin form", "absolute form"])
def test_a_host_that_is_not_ours_is_refused_however_it_is_said(address: tuple[str, int], host: str, path: str) -> None:
    assert told(ask(address, request(path, CLOSE, host=host)))[0] == 421
    assert told(ask(address, request(HEALTH, CLOSE, host=host)))[0] == 403


@pytest.mark.parametrize(
    "target",
    [f"{JWKS}/", f"/{JWKS}", "/.well-known/../metrics", "//localhost/metrics", "*", "/%2e%2e/metrics", "/metrics%00"],
)
def test_a_path_that_is_nearly_one_of_ours_is_none(address: tuple[str, int], target: str) -> None:
    assert told(ask(address, request(target, CLOSE)))[0] in {400, 404}


def test_requests_in_a_row_are_answered_in_their_order(address: tuple[str, int]) -> None:
    read = ask(address, request() + request("/nothing") + request(JWKS, CLOSE))
    statuses = [int(part.split(b" ")[0]) for part in read.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200, 404, 200]


def test_slow_senders_are_told_so_in_time_and_hold_nobody_up(address: tuple[str, int]) -> None:
    beginnings = {
        "nothing": b"",
        "half a head": b"GET / HTTP/1.1\r\nHost: lo",
        "half a body": request(ROTATE, CLOSE, "Content-Type: application/json", "Content-Length: 30", method="POST")
        + b"{",
    }
    began_s = time.monotonic()
    with ExitStack() as stack:
        waiting = {name: stack.enter_context(connected(address)) for name in beginnings}
        for name, connection in waiting.items():
            connection.sendall(beginnings[name])
        assert ask(address, request(JWKS, CLOSE)).startswith(b"HTTP/1.1 200")
        for connection in waiting.values():
            assert told(rest(connection))[0] == 408
    assert time.monotonic() - began_s >= WITHIN_S


def test_a_second_head_on_a_connection_has_a_time_of_its_own(address: tuple[str, int]) -> None:
    with connected(address) as connection:
        connection.sendall(request())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET / HTTP/1.1\r\n")
        assert told(rest(connection))[0] == 408


def test_more_connections_than_are_served_at_once_are_told_so_and_others_come_in_when_they_are_gone(
    address: tuple[str, int],
) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_CONNECTIONS):
            stack.enter_context(connected(address))
        status, problem = told(ask(address, request(JWKS, CLOSE)))
        assert status == 503
        assert "at once" in str(problem["detail"])
        assert told(ask(address, request(READY, CLOSE)))[0] == 503
        assert told(ask(address, request(LIVE, CLOSE, method="POST")))[0] == 503
        alive = ask(address, request(f"{LIVE}?now"))
        assert alive.startswith(b"HTTP/1.1 200")
        assert alive.endswith(b'{"status":"alive"}')
    until = time.monotonic() + ANSWER_S
    while not ask(address, request(JWKS, CLOSE)).startswith(b"HTTP/1.1 200"):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_crowd_of_slow_senders_keeps_no_key_set_from_others(address: tuple[str, int]) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_CONNECTIONS // 2):
            stack.enter_context(connected(address)).sendall(b"GET /")
        answered: list[bool] = []

        def fetch() -> None:
            answered.append(ask(address, request(JWKS, CLOSE)).startswith(b"HTTP/1.1 200"))

        threads = [threading.Thread(target=fetch) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answered == [True] * 20


def test_a_connection_that_asks_and_never_reads_is_ended_and_holds_little(address: tuple[str, int]) -> None:
    with connected(address) as connection:
        connection.settimeout(1)
        sent = 0
        with pytest.raises((BrokenPipeError, ConnectionResetError)):  # noqa: PT012 (how far it comes is the question)
            for _ in range(60):
                with suppress(TimeoutError):
                    while True:
                        sent += connection.send(request("/nothing") * 200)
                time.sleep(0.2)
    assert ask(address, request(JWKS, CLOSE)).startswith(b"HTTP/1.1 200")


def test_more_requests_in_a_row_than_may_wait_end_the_connection(address: tuple[str, int]) -> None:
    few = ask(address, request() * MOST_WAITING + request(JWKS, CLOSE))
    assert few.count(b"HTTP/1.1 200") == MOST_WAITING + 1
    many = ask(address, request() * 10 * MOST_WAITING)
    assert many.count(b"HTTP/1.1 ") <= 2 * MOST_WAITING


CHUNKED: Final = ("Content-Type: application/json", "Transfer-Encoding: chunked")


def test_trailers_are_no_headers_and_are_not_kept(address: tuple[str, int]) -> None:
    head = request(WEBHOOK, *CHUNKED, CLOSE, method="POST")
    status, problem = told(ask(address, head + b"0\r\nX-Infisical-Signature: t=1;" + b"a" * 64 + b"\r\n\r\n"))
    assert (status, problem["detail"]) == (401, "the delivery is not signed: give the hook a secret")


@pytest.mark.parametrize("more", [b"X: a\r\n", b"a"], ids=["many trailers", "one without an end"])
def test_trailers_without_an_end_end_the_connection(address: tuple[str, int], more: bytes) -> None:
    with connected(address) as connection:
        connection.sendall(request(WEBHOOK, *CHUNKED, method="POST") + b"0\r\nX: ")
        began_s = time.monotonic()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):  # noqa: PT012 (when it comes is the question)
            while time.monotonic() - began_s < 2 * WITHIN_S:
                connection.sendall(more * (3600 // len(more)))
                time.sleep(0.05)


AFTERWARDS: Final = {
    "an empty line behind an answer": (request(), b"\r\n"),
    "the rest of a body that nobody wants": (request(HEALTH, "Content-Length: 100", method="POST"), b"a"),
}


@pytest.mark.parametrize(("asked", "more"), AFTERWARDS.values(), ids=AFTERWARDS)
def test_nobody_holds_a_connection_by_sending_a_little(address: tuple[str, int], asked: bytes, more: bytes) -> None:
    with connected(address) as connection:
        connection.sendall(asked)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 ")
        connection.sendall(more)
        began_s = time.monotonic()
        rest(connection)
        assert time.monotonic() - began_s < 2 * WITHIN_S


def test_a_declared_body_that_is_too_large_is_a_413_that_arrives(address: tuple[str, int]) -> None:
    typed = ("Content-Type: application/json", "Content-Length: 500000")
    with connected(address) as connection:
        connection.sendall(request(ROTATE, *typed, method="POST") + b"a" * 200_000)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413")
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(b"a" * 300_000)
        rest(connection)
