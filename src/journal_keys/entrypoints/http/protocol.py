"""HTTP/1.1 on one connection, bounded: what is held of a request and for how long, how many are served."""

from asyncio import TimerHandle, Transport
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import JSONResponse
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from journal_keys.entrypoints.http.answering import HEADERS, NOT_KEPT
from journal_keys.entrypoints.http.doors import LIVE
from journal_keys.entrypoints.http.probes import ALIVE
from journal_keys.entrypoints.http.problems import MEDIA_TYPE, problem

MOST_HEAD_BYTES: Final = 16 * 1024
MOST_HEADERS: Final = 64
MOST_WAITING: Final = 16
"""Requests of one connection that arrived before the answer to an earlier one."""
WITHIN_S: Final = 10.0
"""A head arrives, the rest of a body that nobody waits for comes to its end, and what was answered is read."""
_MOST_BODY_BYTES: Final = 64 * 1024
"""Read of one body, wanted or not: then the connection ends with the answer."""
_LIVE: Final = LIVE.encode("ascii")
_LOOKS: Final = frozenset({b"GET", b"HEAD"})
_TOO_LARGE: Final = f"the head of a request has at most {MOST_HEAD_BYTES} bytes and {MOST_HEADERS} headers"
_TOO_SLOW: Final = f"the head of a request arrives within {WITHIN_S:g} s"
_MALFORMED: Final = "this is no HTTP/1.1 request that is served here"
_BUSY: Final = "as many requests and connections as are served at once are here already: try again"


class _Nowhere(list[tuple[bytes, bytes]]):
    """Keeps nothing."""

    def append(self, _header: tuple[bytes, bytes]) -> None:
        """Leave it."""


_NOWHERE: Final = _Nowhere()


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol; what goes beyond a bound, or is no HTTP, is answered as Problem Details."""

    def __init__(self, *words: Any, **named: Any) -> None:  # noqa: ANN401 (uvicorn's own matter)
        super().__init__(*words, **named)
        self._served: ASGIApp = self.app
        self._most_at_once, self.limit_concurrency = self.limit_concurrency, None
        self._head_bytes = self._body_bytes = 0
        """That arrived of what is not complete; where one piece holds the end of something, less than that."""
        self._is_in_head = self._is_in_body = False
        self._arrival: TimerHandle | None = None
        self._reading: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Wait for a first head, but not for long."""
        super().connection_made(transport)
        self._wait(self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._wait_no_more()
        self.resume_writing()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Wait for the other side to read, but not for long."""
        super().pause_writing()
        self._reading = self._reading or self.loop.call_later(WITHIN_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads on."""
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def data_received(self, data: bytes) -> None:
        """Read on, within bounds."""
        if self._is_in_body:
            self._body_bytes += len(data)
        else:
            self._head_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._is_in_head and self._head_bytes > MOST_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LARGE)
        elif self._is_in_body and self._body_bytes > _MOST_BODY_BYTES:
            self._end()
        elif self._arrival is None and self._is_idle:
            self._wait(self._too_slow)

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._is_in_head = True

    def on_headers_complete(self) -> None:
        """A head is complete: choose who answers.

        Raises:
            BufferError: there are more requests than may wait; the parser ends with that.
        """
        arrived, self._head_bytes, self._body_bytes = self._head_bytes, 0, 0
        self._is_in_head, self._is_in_body = False, True
        self._wait_no_more()
        if len(self.pipeline) >= MOST_WAITING:
            raise BufferError
        self.app = self._chosen(arrived)
        super().on_headers_complete()
        self.headers = _NOWHERE  # where trailers go, which are no headers

    def on_message_complete(self) -> None:
        """A body is complete."""
        self._is_in_body, self._head_bytes = False, 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer was given: what has arrived since, or is still to come of the body, has its time from now on."""
        super().on_response_complete()
        if (self._is_in_head or self._is_in_body) and self._is_idle and not self.transport.is_closing():
            self._wait(self._too_slow)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (uvicorn's own words are no Problem Details)
        """Say that this is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, _MALFORMED)

    @property
    def _is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or bool(self.cycle.response_complete)

    def _chosen(self, arrived: int) -> ASGIApp:
        if len(self.headers) > MOST_HEADERS or (arrived > MOST_HEAD_BYTES and self._size() > MOST_HEAD_BYTES):
            return problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LARGE, headers=_OWN)
        most = self._most_at_once
        if most is not None and (len(self.connections) > most or len(self.tasks) >= most):
            if self._asks_whether_it_lives():
                return JSONResponse(ALIVE, headers=_OWN)
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, _BUSY, headers=_OWN)
        return self._served

    def _asks_whether_it_lives(self) -> bool:
        return self.url.partition(b"?")[0] == _LIVE and self.parser.get_method() in _LOOKS

    def _size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _wait(self, then: Callable[[], None]) -> None:
        self._wait_no_more()
        self._arrival = self.loop.call_later(WITHIN_S, then)

    def _wait_no_more(self) -> None:
        if self._arrival is not None:
            self._arrival.cancel()
            self._arrival = None

    def _too_slow(self) -> None:
        self._arrival = None
        if self._is_in_body:  # it was answered long ago
            self._end()
        else:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, _TOO_SLOW)

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Say why, where no answer is under way, and hang up."""
        if self._is_idle:
            self.transport.write(_written(status, detail))
        elif self._is_in_body and not self.pipeline:  # what is broken is the request under way
            self.transport.close()
            return
        self._end()

    def _end(self) -> None:
        """Hang up, behind the answers that are under way."""
        self._wait_no_more()
        self._is_in_head = self._is_in_body = False
        if self._is_idle:
            self.transport.close()
        else:
            self.cycle.keep_alive = False
            self.flow.pause_reading()


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
