"""How an HTTP/1.1 answer is read from a connection, and what Go says of one that breaks off."""

import re
import socket
import zlib
from collections.abc import Mapping
from io import BufferedReader
from typing import NamedTuple

from tests.support.infisical.binary import lines
from tests.support.infisical.binary.lines import LineError
from tests.support.infisical.binary.urls import quoted

_NO_BODY = frozenset({204, 304})


class BrokenBodyError(Exception):
    """The body breaks off; Go's client has then given out the answer already, so that this is no `*url.Error`."""


class Response(NamedTuple):
    """An answer, with its body decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_error(self) -> bool:
        return self.status > 399

    @property
    def is_json(self) -> bool:
        kind = self.headers.get("content-type", "")
        return re.search(r"(application|text)/(.*json.*)(;|$)", kind, re.IGNORECASE) is not None


def read(line: socket.socket, between: str) -> tuple[Response, bool]:
    """Give the answer, and whether the connection between these two ends can be used again.

    Raises:
        LineError: no answer came.
        BrokenBodyError: it came in part.
    """
    with line.makefile("rb") as stream:
        try:
            first = stream.readline()
        except OSError:
            raise lines.lost(between) from None
        if not first:
            raise LineError("EOF", is_early=True)
        found = re.fullmatch(rb"HTTP/1\.([01]) (\d{3})(?: [^\r\n]*)?\r?\n", first)
        if found is None:
            shown = quoted(first.decode("latin-1").rstrip("\r\n"))
            raise LineError(f"net/http: HTTP/1.x transport connection broken: malformed HTTP response {shown}")
        status, headers = int(found[2]), _headers(stream)
        body = b"" if status in _NO_BODY else _body(stream, headers)
        stays = found[1] == b"1" and headers.get("connection", "").lower() != "close" and _has_an_end(headers)
        return Response(status, headers, body), stays


def _has_an_end(headers: Mapping[str, str]) -> bool:
    return "content-length" in headers or "transfer-encoding" in headers


def _headers(stream: BufferedReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    while (row := stream.readline()) not in {b"\r\n", b"\n"}:
        if not row.endswith(b"\n"):
            raise LineError("unexpected EOF")
        name, _, value = row.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers


def _body(stream: BufferedReader, headers: Mapping[str, str]) -> bytes:
    try:
        raw = _chunks(stream) if headers.get("transfer-encoding") == "chunked" else _measured(stream, headers)
    except OSError:
        raise BrokenBodyError("unexpected EOF") from None
    return zlib.decompress(raw, 31) if headers.get("content-encoding") == "gzip" else raw


def _measured(stream: BufferedReader, headers: Mapping[str, str]) -> bytes:
    if "content-length" not in headers:
        return stream.read()
    return _exactly(stream, int(headers["content-length"]))


def _chunks(stream: BufferedReader) -> bytes:
    whole = b""
    while size := int(stream.readline().split(b";")[0] or b"0", 16):
        whole += _exactly(stream, size)
        stream.readline()
    stream.readline()
    return whole


def _exactly(stream: BufferedReader, size: int) -> bytes:
    body = stream.read(size)
    if len(body) < size:
        raise BrokenBodyError("unexpected EOF")
    return body
