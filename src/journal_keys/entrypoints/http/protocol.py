"""HTTP/1.1 on one connection, bounded: what a request's head may hold, how long it may take, how many are served."""

from asyncio import TimerHandle, Transport
from http import HTTPStatus
from typing import Any, Final

from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from journal_keys.entrypoints.http.answering import HEADERS, NOT_KEPT
from journal_keys.entrypoints.http.problems import MEDIA_TYPE, problem

MOST_HEAD_BYTES: Final = 16 * 1024
MOST_HEADERS: Final = 64
HEAD_WITHIN_S: Final = 10.0
_TOO_LARGE: Final = f"the head of a request has at most {MOST_HEAD_BYTES} bytes and {MOST_HEADERS} headers"
_TOO_SLOW: Final = f"the head of a request arrives within {HEAD_WITHIN_S:g} s"
_MALFORMED: Final = "this is no HTTP/1.1 request"
_BUSY: Final = "as many requests and connections as are served at once are here already: try again"


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol; what goes beyond a bound, or is no HTTP, is answered as Problem Details."""

    def __init__(self, *words: Any, **named: Any) -> None:  # noqa: ANN401 (uvicorn's own matter)
        super().__init__(*words, **named)
        self._served: ASGIApp = self.app
        self._most_at_once, self.limit_concurrency = self.limit_concurrency, None
        self._head_bytes = 0
        """That arrived since anything was complete: so much is held for a head that is not."""
        self._is_in_head = False
        self._timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Wait for a first head, but not for long."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head becomes too large."""
        self._head_bytes += len(data)
        super().data_received(data)
        if not self._is_in_head or self.transport.is_closing():
            return
        if self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LARGE)
        elif self._timer is None:
            self._wait_for_head()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._is_in_head = True

    def on_headers_complete(self) -> None:
        """A head is complete: choose who answers."""
        self._is_in_head, self._head_bytes = False, 0
        self._wait_no_more()
        self.app = self._chosen()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A body is complete."""
        self._head_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (uvicorn's own words are no Problem Details)
        """Say that this is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, _MALFORMED)

    def _chosen(self) -> ASGIApp:
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > MOST_HEAD_BYTES or len(self.headers) > MOST_HEADERS:
            return problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LARGE, headers=_OWN)
        most = self._most_at_once
        if most is not None and (len(self.connections) > most or len(self.tasks) >= most):
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, _BUSY, headers=_OWN)
        return self._served

    def _wait_for_head(self) -> None:
        self._timer = self.loop.call_later(HEAD_WITHIN_S, self._refuse, HTTPStatus.REQUEST_TIMEOUT, _TOO_SLOW)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Say why, unless an answer to an earlier request is under way, and hang up."""
        self._wait_no_more()
        self._is_in_head = False
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_written(status, detail))
        self.transport.close()


_OWN: Final = {name.decode(): value.decode() for name, value in (*HEADERS, NOT_KEPT, (b"connection", b"close"))}


def _written(status: HTTPStatus, detail: str) -> bytes:
    body = bytes(problem(status, detail).body)
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"content-type: {MEDIA_TYPE}",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in _OWN.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body
