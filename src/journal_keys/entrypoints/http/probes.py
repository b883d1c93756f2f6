"""What orchestrators and load balancers ask: whether this process lives, and whether it may be sent traffic."""

import json
from collections.abc import Callable
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from journal_keys import events
from journal_keys.entrypoints.http.bodies import problems
from journal_keys.entrypoints.http.plain import send_whole
from journal_keys.entrypoints.http.problems import MEDIA_TYPE

_OK: Final = 200
_UNAVAILABLE: Final = 503
_JSON: Final = "application/json"
READY: Final = "ready"
NOT_READY: Final = "not ready"


def _said(status: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    body = json.dumps({"status": status}).encode("ascii")
    return [(b"content-type", _JSON.encode()), (b"content-length", b"%d" % len(body))], body


ALIVE: Final = {"status": "alive"}
_ALIVE: Final = _said(ALIVE["status"])
_ANSWERS: Final = {True: (_OK, *_said(READY)), False: (_UNAVAILABLE, *_said(NOT_READY))}


def _schema(*words: str) -> dict[str, Any]:
    status = {"type": "string", "enum": list(words)}
    return {"schema": {"type": "object", "required": ["status"], "properties": {"status": status}}}


_BUSY: Final[Any] = problems({503: "more requests and connections than are served at once"})[503]
LIVE_DOCUMENTED: Final[dict[str, Any]] = {
    "name": "livez",
    "description": "Whether this process is alive.",
    "response_class": Response,
    "responses": {200: {"description": "this process answers", "content": {_JSON: _schema("alive")}}, **problems({})},
}
READY_DOCUMENTED: Final[dict[str, Any]] = {
    "name": "readyz",
    "description": "Whether this process may be sent requests.",
    "response_class": Response,
    "responses": {
        200: {"description": "this process signs, verifies, encrypts and decrypts", "content": {_JSON: _schema(READY)}},
        **problems({}),
        503: {
            "description": "it does not, or is busy; the log and the detailed health answer say why",
            "content": {_JSON: _schema(NOT_READY), MEDIA_TYPE: _BUSY["content"][MEDIA_TYPE]},
        },
    },
}


class Alive:
    """Plain ASGI that asks nothing: whatever ledger, store and background tasks do, it answers."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer."""
        await send_whole(send, _OK, *_ALIVE)


class Ready:
    """Plain ASGI that answers by what `obstacles` gives, without I/O; the log says why, once for each change."""

    def __init__(self, obstacles: Callable[[], tuple[str, ...]]) -> None:
        self._obstacles = obstacles
        self._told = tuple[str, ...]()

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer."""
        found = self._obstacles()
        if found != self._told:
            self._tell(found)
        await send_whole(send, *_ANSWERS[not found])

    def _tell(self, found: tuple[str, ...]) -> None:
        self._told = found
        if found:
            events.NOT_READY.tell(because="; ".join(found))
        else:
            events.READY_AGAIN.tell()
