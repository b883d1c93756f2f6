"""Clients of a running service, each with a connection of its own that it keeps, and what they were answered."""

import http.client
import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import urlsplit

_PATIENCE_S: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came for one request; one that broke off is none."""

    target: str
    status: int
    kind: str
    body: Any


class Crowd:
    """A context in which clients ask; at its end each has its answer, or none."""

    def __init__(self, address: str) -> None:
        self._host = urlsplit(address).netloc
        self._clients: list[threading.Thread] = []
        self._halves: list[socket.socket] = []
        self.answers: list[Answer] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.join()
        for half in self._halves:
            half.close()

    def keep_asking(self, target: str, clients: int) -> None:
        """Ask for this again and again, for as long as the connections stand."""
        for _ in range(clients):
            self._start(lambda line: self._get_for_ever(line, target))

    def post(self, target: str, body: object) -> None:
        """Ask this once."""
        self._start(lambda line: self._exchange(line, "POST", target, json.dumps(body)))

    def say_half(self, target: str) -> None:
        """Begin a request, and stop in the middle of its body."""
        host, _, port = self._host.rpartition(":")
        half = socket.create_connection((host, int(port)))
        head = (
            f"POST {target} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\nContent-Length: 60\r\n"
        )
        half.sendall(f"{head}\r\n{{".encode())
        self._halves.append(half)

    def _start(self, work: Callable[[http.client.HTTPConnection], None]) -> None:
        def ask() -> None:
            line = http.client.HTTPConnection(self._host, timeout=_PATIENCE_S)
            with suppress(OSError, http.client.HTTPException):
                work(line)
            line.close()

        client = threading.Thread(target=ask, daemon=True)
        client.start()
        self._clients.append(client)

    def _get_for_ever(self, line: http.client.HTTPConnection, target: str) -> None:
        self._exchange(line, "GET", target)
        while line.sock is not None:
            self._exchange(line, "GET", target)

    def _exchange(self, line: http.client.HTTPConnection, method: str, target: str, body: str = "") -> None:
        line.request(method, target, body=body or None, headers={"Content-Type": "application/json"} if body else {})
        came = line.getresponse()
        kind, text = came.getheader("Content-Type", ""), came.read()
        told = json.loads(text) if kind.endswith("json") else text
        self.answers.append(Answer(target=target, status=came.status, kind=kind, body=told))
