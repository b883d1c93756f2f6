"""HTTP/1.1 as Go's client speaks it: one connection is kept, redirects are followed (`net/http` `client.go`)."""

import contextlib
import socket
from collections.abc import Mapping
from typing import NamedTuple

from tests.support.infisical.binary import answers, lines, proxies, urls
from tests.support.infisical.binary.answers import BrokenBodyError, Response
from tests.support.infisical.binary.lines import LineError
from tests.support.infisical.binary.urls import Address, AddressError

_MOST_REQUESTS = 10
_BECOMES_GET = frozenset({301, 302, 303})
_REPEATS = frozenset({307, 308})


class RequestError(Exception):
    """A request got no answer; the message is Go's. `is_of_url` says that it is an `*url.Error`."""

    def __init__(self, message: str, *, is_of_url: bool = True) -> None:
        super().__init__(message)
        self.is_of_url = is_of_url


class Request(NamedTuple):
    """What is sent."""

    method: str
    address: Address
    headers: Mapping[str, str]
    body: bytes = b""

    def head(self, *, is_for_a_proxy: bool) -> bytes:
        """The request line and the headers; a proxy gets the whole address."""
        length = {"Content-Length": str(len(self.body))} if self.body else {}
        told = {"Host": self.address.host, **self.headers, **length, "Accept-Encoding": "gzip"}
        rows = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        target = self.address.text if is_for_a_proxy else self.address.target
        return f"{self.method} {target} HTTP/1.1\r\n{rows}\r\n".encode("utf-8", "surrogateescape")

    def following(self, status: int, location: str) -> "Request":
        """What is sent next where an answer redirects."""
        there = self.address.following(location)
        told = {**self.headers, "Referer": self.address.text}
        if there.host != self.address.host:
            told.pop("Authorization", None)
        if status in _REPEATS:
            return Request(self.method, there, told, self.body)
        told.pop("Content-Type", None)
        return Request("GET", there, told)


class Wire:
    """Sends requests, and keeps the connection for the next one."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._held: tuple[str, socket.socket] | None = None

    def send(self, request: Request) -> Response:
        """Send a request and follow where it leads.

        Raises:
            RequestError: no answer.
        """
        first, shown = request.method.capitalize(), request.address.shown
        for _ in range(_MOST_REQUESTS):
            try:
                urls.check(request.address)
                response = self._exchange(request)
                location = response.headers.get("location")
                if response.status not in _BECOMES_GET | _REPEATS or not location:
                    return response
                request, shown = request.following(response.status, location), location
            except BrokenBodyError as error:
                raise RequestError(str(error), is_of_url=False) from None
            except (AddressError, LineError) as error:
                raise RequestError(f"{first} {urls.quoted(shown)}: {error}") from None
        raise RequestError(f"{first} {urls.quoted(shown)}: stopped after {_MOST_REQUESTS} redirects")

    def _exchange(self, request: Request) -> Response:
        place = f"{request.address.scheme}://{request.address.host}"
        held, self._held = self._held, None
        if held is not None and held[0] == place:
            try:
                return self._ask(held[1], place, request)
            except LineError as error:
                if request.method != "GET" or not error.is_early:
                    raise
        return self._ask(lines.dial(request.address, self._environ), place, request)

    def _ask(self, line: socket.socket, place: str, request: Request) -> Response:
        between = lines.ends(line)
        proxy = proxies.proxy_for(request.address, self._environ)
        through = proxy is not None and request.address.scheme == "http"
        with contextlib.suppress(ConnectionError):  # an early answer may be there all the same
            line.sendall(request.head(is_for_a_proxy=through) + request.body)
        response, stays = answers.read(line, between)
        if stays:
            self._held = place, line
        return response
