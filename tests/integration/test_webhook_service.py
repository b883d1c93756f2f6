"""Webhooks on a real socket: raw bytes as curl and openssl make them, in pieces, in a row, and never ending."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from journal_keys.entrypoints.cli.exit_codes import ExitCode
from journal_keys.entrypoints.http.doors import WEBHOOK
from tests.support.canary.watch import WATCH
from tests.support.hooks import SECRET, SIGNATURE, modified, ms_of, signed
from tests.support.operator import Operator
from tests.support.service import serving

pytestmark = pytest.mark.processes
ANSWER_S = 20
HOST = "hooks.example.org"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    operator = Operator(
        tmp_path_factory.mktemp("webhooks"),
        JOURNAL_INFISICAL_WEBHOOK_SECRET=SECRET,
        JOURNAL_HTTP_HOSTS=f"{HOST},127.0.0.1",
    )
    assert operator.run("init").returncode == 0
    with serving(operator) as served:
        yield served.address


@contextmanager
def connected(address: str) -> Iterator[socket.socket]:
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port or 0), timeout=ANSWER_S) as made:
        yield made


def head(body: bytes, at: datetime, *more: str, host: str = HOST) -> bytes:
    mac = signed(body, at)[SIGNATURE]
    lines = [f"POST {WEBHOOK} HTTP/1.1", f"Host: {host}", f"X-Infisical-Signature: {mac}", *more]
    return "\r\n".join([*lines, "", ""]).encode()


def answers(connection: socket.socket, count: int) -> list[tuple[int, dict[str, object]]]:
    """Read so many answers, each with a declared length."""
    found: list[tuple[int, dict[str, object]]] = []
    held = b""
    while len(found) < count:
        top, separator, rest = held.partition(b"\r\n\r\n")
        sizes = [int(line.split(b":")[1]) for line in top.lower().split(b"\r\n") if line.startswith(b"content-length")]
        if separator and sizes and len(rest) >= sizes[0]:
            found.append((int(top.split(b" ")[1]), json.loads(rest[: sizes[0]])))
            held = rest[sizes[0] :]
            continue
        news = connection.recv(65_536)
        assert news, f"the connection ended behind {held!r}"
        WATCH.show("HTTP answers as they came", news)
        held += news
    return found


def test_a_body_that_openssl_signed_and_curl_sent_is_taken(address: str, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    body = tmp_path / "body.json"
    body.write_bytes(modified(now, project={"projectName": "Größe \U0001f511 \u0000"}))
    made = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", SECRET, "-r", str(body)], check=True, capture_output=True, text=True
    )
    for header, code in ((made.stdout.split()[0], "200"), ("0" * 64, "401")):
        told = ["--output", str(tmp_path / "answer"), "--write-out", "%{http_code}", "--data-binary", f"@{body}"]
        signature = f"{SIGNATURE}: t={ms_of(now)};{header}"
        sent = subprocess.run(
            ["curl", "--silent", *told, "--header", signature, address + WEBHOOK],
            check=True,
            capture_output=True,
            text=True,
        )
        assert sent.stdout == code, (tmp_path / "answer").read_text("utf-8")


def test_a_body_in_chunks_is_put_together_as_it_was_signed(address: str) -> None:
    now = datetime.now(UTC)
    body = modified(now, "/database", project={"projectName": "\U0001f511"})
    with connected(address) as connection:
        connection.sendall(head(body, now, "Transfer-Encoding: chunked"))
        for place in range(0, len(body), 7):
            piece = body[place : place + 7]
            connection.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert answers(connection, 1) == [(200, {"status": "taken"})]


def test_a_chunked_body_without_end_is_a_413(address: str) -> None:
    with connected(address) as connection:
        connection.sendall(head(b"", datetime.now(UTC), "Transfer-Encoding: chunked"))
        connection.sendall((b"1000\r\n" + b"a" * 0x1000 + b"\r\n") * 5)
        ((code, problem),) = answers(connection, 1)
    assert (code, problem["status"]) == (413, 413)


def test_deliveries_in_a_row_on_one_connection_are_answered_in_their_order(address: str) -> None:
    now = datetime.now(UTC)
    first, second = (modified(now, folder) for folder in ("/infrastructure", "/application"))
    forged = modified(now, "/auth")
    requests = [head(body, now, f"Content-Length: {len(body)}") + body for body in (first, first, second)]
    lie = head(first, now, f"Content-Length: {len(forged)}") + forged
    with connected(address) as connection:
        connection.sendall(b"".join([*requests, lie]))
        got = answers(connection, 4)
    assert [code for code, _ in got] == [200, 200, 200, 401]
    assert [body.get("status") for _, body in got[:3]] == ["taken", "already seen", "taken"]


def test_two_signature_headers_are_a_401_even_if_one_is_good(address: str) -> None:
    now = datetime.now(UTC)
    body = modified(now, "/auth/aes")
    with connected(address) as connection:
        connection.sendall(head(body, now, f"Content-Length: {len(body)}", f"{SIGNATURE}: t=1;{'0' * 64}") + body)
        ((code, _),) = answers(connection, 1)
    assert code == 401


def test_a_sender_who_stops_in_the_middle_holds_nobody_up(address: str) -> None:
    now = datetime.now(UTC)
    body = modified(now, "/auth/jwt", more="behind a slow one")
    with connected(address) as slow, connected(address) as quick:
        slow.sendall(head(body, now, f"Content-Length: {len(body)}") + body[:50])
        other = modified(now, "/auth/jwt", more="quick")
        quick.sendall(head(other, now, f"Content-Length: {len(other)}") + other)
        assert answers(quick, 1) == [(200, {"status": "taken"})]
        slow.sendall(body[50:])
        assert answers(slow, 1) == [(200, {"status": "taken"})]


def post(address: str, secret: str, more: str) -> int:
    now = datetime.now(UTC)
    body = modified(now, "/database", more=more)
    place = urlsplit(address)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=ANSWER_S)
    with closing(connection):
        connection.request("POST", WEBHOOK, body=body, headers=signed(body, now, secret))
        return connection.getresponse().status


def test_the_secret_rotates_beside_a_running_service_without_a_gap(tmp_path: Path) -> None:
    operator = Operator(tmp_path, JOURNAL_INFISICAL_WEBHOOK_SECRET=SECRET)
    assert operator.run("init").returncode == 0
    with serving(operator) as served:
        address = served.address
        assert post(address, SECRET, "before") == 200
        made = operator.json("webhook-secret", "rotate", "--reason", "the quarter is over")
        assert isinstance(made, dict)
        assert [post(address, SECRET, "meanwhile"), post(address, SECRET, "still")] == [200, 200]
        deadline = time.monotonic() + ANSWER_S
        while post(address, made["secret"], "after") != 200:  # looked up anew once the time to live is over
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert post(address, SECRET, "too late") == 401
    listed = operator.json("webhook-secret", "status")
    assert isinstance(listed, list)
    assert [(one["name"], one["superseded_at"]) for one in listed] == [(made["name"], None)]
    assert listed[0]["used_at"] > listed[0]["made_at"]
    audited = operator.run("audit", "list", "--json").stdout.decode()
    assert "webhook_secret_made" in audited
    assert "webhook_secret_used" in audited
    assert made["secret"] not in audited
    assert operator.run("secrets", "delete", f"/auth/webhooks/{made['name']}").returncode == ExitCode.REFUSED
    told = operator.run("webhook-secret", "rotate")
    assert told.returncode == 0
    assert b"not shown again" in told.stderr
    assert b"former until" in told.stdout
