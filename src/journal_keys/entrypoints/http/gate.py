"""Who is let in: tokens by their scopes, and in the embedded profile direct callers of this machine."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.container import Container
from journal_keys.domain.access import (
    LOOPBACK,
    WATCHER,
    Caller,
    ForbiddenError,
    UnauthenticatedError,
    caller_of,
)
from journal_keys.domain.errors import JournalKeysError
from journal_keys.entrypoints.admin_settings import AdminPlace
from journal_keys.entrypoints.http.doors import DOORS, PATHS, Door, Kind
from journal_keys.entrypoints.http.loopback import refusal
from journal_keys.entrypoints.http.problems import problem, status_of
from journal_keys.ports.grants import GrantsError

_LOG: Final = logging.getLogger("journal_keys")
_CALLER: Final = "journal_keys.caller"
_REQUEST_ID: Final = "X-Request-Id"
_BEARER: Final = "bearer "
_PAUSE_S: Final = 1.0
"""Refusals of callers that nobody knows are audited no more often; the next entry says how many it stands for."""


def caller_in(request: Request) -> Caller:
    """Give whom the gate let in."""
    caller: Caller = request.scope[_CALLER]
    return caller


class Gate:
    """ASGI middleware that lets in whom `DOORS` says, and has each call of the admin plane audited."""

    def __init__(
        self,
        app: ASGIApp,
        container_now: Callable[[], Container],
        *,
        is_embedded: bool,
        admin_place: AdminPlace | None = None,
    ) -> None:
        self._app = app
        self._admin_place = admin_place
        self._container_now = container_now
        self._is_embedded = is_embedded
        self._strangers = _Strangers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await problem(403, "refused: only HTTP is served")(scope, receive, send)
            return
        door = DOORS.get((scope["method"], scope["path"]))
        if door is not None and door.kind is Kind.ADMIN and not self._is_at_admin_place(scope):
            await problem(404, "the admin plane listens elsewhere: see JOURNAL_ADMIN_LISTEN")(scope, receive, send)
        elif door is not None and door.kind is not Kind.PUBLIC:
            await _Passage(self._app, self._container_now, door, scope, self._strangers).go(
                receive, send, is_embedded=self._is_embedded
            )
        elif door is not None:
            await self._app(scope, receive, send)
        elif scope["path"] in PATHS:
            methods = ", ".join(sorted(method for method, path in DOORS if path == scope["path"]))
            await problem(405, "this is not served by that method", headers={"Allow": methods})(scope, receive, send)
        else:
            await problem(404, "no such thing is served here")(scope, receive, send)

    def _is_at_admin_place(self, scope: Scope) -> bool:
        return self._admin_place is None or self._admin_place.is_at(scope.get("server"))


@dataclass(slots=True)
class _Strangers:
    """How many refusals of unknown callers have not been audited yet, and when the last entry was written."""

    waiting: int = 0
    told_s: float = float("-inf")

    def number(self, now_s: float) -> int:
        """Count one more; give how many an entry stands for now, 0 where none is due."""
        self.waiting += 1
        if now_s - self.told_s < _PAUSE_S:
            return 0
        told, self.waiting, self.told_s = self.waiting, 0, now_s
        return told


@dataclass(slots=True)
class _Passage:
    """One request at a door that is not public."""

    app: ASGIApp
    container_now: Callable[[], Container]
    door: Door
    scope: Scope
    strangers: _Strangers
    status: int = 500
    request_id: str = field(default_factory=lambda: SystemEntropy().token(16).hex(), init=False)

    async def go(self, receive: Receive, send: Send, *, is_embedded: bool) -> None:
        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                MutableHeaders(scope=message)[_REQUEST_ID] = self.request_id
            await send(message)

        caller: Caller | None = None
        try:
            caller = self._caller(is_embedded=is_embedded)
            caller.require(self.door.scope)
        except JournalKeysError as failure:
            await _refused(failure)(self.scope, receive, noted)
            await self._audit(caller)
            return
        self.scope[_CALLER] = caller
        try:
            await self.app(self.scope, receive, noted)
        except asyncio.CancelledError:  # the service stops, and has no time to write
            _LOG.warning("call_cut_short request_id=%s actor=%s", self.request_id, caller.actor)
            raise
        except Exception:  # answered further out, as a 500
            await self._audit(caller)
            raise
        await self._audit(caller)

    def _caller(self, *, is_embedded: bool) -> Caller:
        shown = Headers(scope=self.scope).getlist("authorization")
        if shown:
            return caller_of(_token(shown), self.container_now().grants().current())
        is_watched = self.door.kind is Kind.WATCH
        if not is_embedded and not is_watched:
            if not self.container_now().grants().current():
                raise ForbiddenError("the admin plane is off: JOURNAL_ADMIN_TOKENS_FILE names no file with tokens")
            raise UnauthenticatedError("this needs a bearer token")
        why = refusal(self.scope)
        if why is not None:
            raise ForbiddenError(f"refused: {why}")
        return LOOPBACK if is_embedded else WATCHER

    async def _audit(self, caller: Caller | None) -> None:
        """Have the call written down, at an admin door; the answer is under way, so that no failure changes it."""
        if self.door.kind is not Kind.ADMIN:
            return
        try:
            await self._write_down(self.container_now(), caller)
        except JournalKeysError as failure:
            _LOG.warning("admin_call_not_audited request_id=%s error=%s", self.request_id, failure)

    async def _write_down(self, container: Container, caller: Caller | None) -> None:
        route = f"{self.scope['method']} {self.scope['path']}"
        more = {}
        if caller is None:
            number = self.strangers.number(container.clock().uptime_s())
            if not number:
                return
            more = {"requests": str(number)}
        detail = {
            "route": route,
            "scope": self.door.scope.value,
            "status": str(self.status),
            "request_id": self.request_id,
            **more,
        }
        await container.audit_call()(caller, detail)


def _token(shown: list[str]) -> str:
    if len(shown) != 1 or not shown[0].lower().startswith(_BEARER):
        raise UnauthenticatedError("expected one Authorization header with a bearer token")
    return shown[0][len(_BEARER) :].strip(" ")


def _refused(failure: JournalKeysError) -> Response:
    said = str(failure)
    if isinstance(failure, GrantsError):  # it names a file, to whoever asks
        _LOG.warning("no_token_is_known error=%s", failure)
        said = "the tokens cannot be used: the log says why"
    answer = problem(status_of(type(failure)), said)
    if isinstance(failure, UnauthenticatedError):
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer
