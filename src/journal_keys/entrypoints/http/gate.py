"""Who is let in: tokens by their scopes, and in the embedded profile direct callers of this machine."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from journal_keys import events
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.container import Container
from journal_keys.domain.access import (
    LOOPBACK,
    WATCHER,
    Caller,
    ForbiddenError,
    MisdirectedError,
    UnauthenticatedError,
    caller_of,
)
from journal_keys.domain.errors import JournalKeysError, ViewStaleError
from journal_keys.domain.rates import Asked, TooManyRequestsError
from journal_keys.entrypoints.admin_settings import AdminPlace
from journal_keys.entrypoints.http.doors import DOORS, Door, Kind
from journal_keys.entrypoints.http.loopback import host_of, is_own_host, refusal
from journal_keys.entrypoints.http.problems import problem, problem_of
from journal_keys.events import trace_of
from journal_keys.ports.grants import GrantsError

_CALLER: Final = "journal_keys.caller"
_REQUEST_ID: Final = "X-Request-Id"
_BEARER: Final = "bearer "
_BROKEN: Final = 500
_REFUSED: Final = 400
_NOT_AUTHENTICATED: Final = 401
_NOBODY: Final = "http:unknown"
_PAUSE_S: Final = 1.0
"""Frequent refusals are told and audited no more often; the next entry says how many it stands for."""
_STRANGERS_PAUSE_S: Final = 3600.0
"""The same for the audit of callers whom nobody knows: what anybody may add to the ledger stays there for good."""


def caller_in(request: Request) -> Caller:
    """Give whom the gate let in."""
    caller: Caller = request.scope[_CALLER]
    return caller


IsServed = Callable[[str], bool]
"""Whether a host, in lower case and without a port, is one that this service is called by."""


class Gate:
    """ASGI application that lets in whom `DOORS` says, and has each call of the admin plane audited.

    Behind the doors that everybody may go through are those of `public`, behind the others is `app`.
    """

    def __init__(
        self,
        app: ASGIApp,
        public: Mapping[tuple[str, str], ASGIApp],
        container_now: Callable[[], Container],
        *,
        is_embedded: bool,
        admin_place: AdminPlace | None = None,
        is_served: IsServed = is_own_host,
    ) -> None:
        if public.keys() != {door for door, rule in DOORS.items() if rule.kind is Kind.PUBLIC}:
            raise ValueError("behind each door that everybody may go through there is something, and behind no other")
        self._app = app
        self._public = public
        self._admin_place = admin_place
        self._container_now = container_now
        self._is_embedded = is_embedded
        self._is_served = is_served
        self._refusals = defaultdict[tuple[str, Kind, str], _Pause](_Pause)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or refuse it."""
        if scope["type"] != "http":
            await problem(403, "refused: only HTTP is served")(scope, receive, send)
            return
        place = _method(scope), scope["path"]
        door = DOORS.get(place)
        if door is None:
            await _no_door(scope)(scope, receive, send)
        elif door.kind is Kind.PUBLIC:
            if not door.is_called_by_address:
                _check_host(scope, self._is_served)
            await self._public[place](scope, receive, send)
        elif door.kind is Kind.ADMIN and not self._is_at_admin_place(scope):
            await problem(404, "the admin plane listens elsewhere: see JOURNAL_ADMIN_LISTEN")(scope, receive, send)
        else:
            await _Passage(self._app, self._container_now, door, scope, self._refusals, self._is_served).go(
                receive, send, is_embedded=self._is_embedded
            )

    def _is_at_admin_place(self, scope: Scope) -> bool:
        return self._admin_place is None or self._admin_place.is_at(scope.get("server"))


def _method(scope: Scope) -> str:
    """Give the method by which the door is found: of an answer to HEAD, the server leaves the body out."""
    method: str = scope["method"]
    if method != "HEAD":
        return method
    door = DOORS.get(("GET", scope["path"]))
    return "GET" if door is not None and door.kind is Kind.PUBLIC else method


def _no_door(scope: Scope) -> Response:
    found = [(method, door) for (method, path), door in DOORS.items() if path == scope["path"]]
    if not found:
        return problem(404, "no such thing is served here")
    methods = [f"{method}, HEAD" if method == "GET" and door.kind is Kind.PUBLIC else method for method, door in found]
    return problem(405, "this is not served by that method", headers={"Allow": ", ".join(methods)})


def _check_host(scope: Scope, is_served: IsServed) -> None:
    host = host_of(scope)
    if host is None or not (is_served(host) or is_own_host(host)):
        raise MisdirectedError("the Host header names none of the hosts that are served here: see JOURNAL_HTTP_HOSTS")


@dataclass(slots=True)
class _Pause:
    """How many refusals have not been audited yet, and when the last entry was written."""

    waiting: int = 0
    told_s: float = float("-inf")

    def number(self, now_s: float, pause_s: float) -> int:
        """Count one more; give how many an entry stands for now, 0 where none is due."""
        self.waiting += 1
        if now_s - self.told_s < pause_s:
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
    refusals: defaultdict[tuple[str, Kind, str], _Pause]
    is_served: IsServed
    status: int | None = None
    caller: Caller | None = None
    request_id: str = field(default_factory=lambda: SystemEntropy().token(16).hex(), init=False)

    async def go(self, receive: Receive, send: Send, *, is_embedded: bool) -> None:
        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                MutableHeaders(scope=message)[_REQUEST_ID] = self.request_id
            await send(message)

        with events.bound(request_id=self.request_id):
            await self._go(receive, noted, is_embedded=is_embedded)

    async def _go(self, receive: Receive, noted: Send, *, is_embedded: bool) -> None:
        try:
            await self._let_in(is_embedded=is_embedded)
            self.scope[_CALLER] = self.caller
            await self.app(self.scope, receive, noted)
        except JournalKeysError as failure:
            if self.status is not None:
                raise
            await _refused(failure)(self.scope, receive, noted)
            is_frequent = isinstance(failure, TooManyRequestsError) or self.caller is None
            await self._note(is_frequent=is_frequent)
        except asyncio.CancelledError:  # the service stops
            events.CALL_CUT_SHORT.tell(actor=self._actor)
            raise
        except Exception as error:  # answered further out, as a 500
            told = f"{type(error).__name__}: {error}"
            events.REQUEST_BROKEN.tell(route=self._route, error=told, trace=trace_of(error))
            await self._note()
            raise
        else:
            await self._note()

    @property
    def _route(self) -> str:
        return f"{self.scope['method']} {self.scope['path']}"

    @property
    def _actor(self) -> str:
        return self.caller.actor if self.caller else _NOBODY

    async def _let_in(self, *, is_embedded: bool) -> None:
        """Find out who calls, and whether that may be.

        Raises:
            JournalKeysError: nobody is let in.
        """
        is_admin = self.door.kind is Kind.ADMIN
        try:
            self.caller = self._known(is_embedded=is_embedded)
        except JournalKeysError:
            if is_admin:
                await self._limit(_NOBODY)
            raise
        if is_admin:
            await self._limit(self.caller.actor)
        if self.caller is not WATCHER:
            self.caller.require(self.door.scope)

    def _known(self, *, is_embedded: bool) -> Caller:
        shown = Headers(scope=self.scope).getlist("authorization")
        if shown:
            _check_host(self.scope, self.is_served)
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

    async def _limit(self, who: str) -> None:
        try:
            container = self.container_now()
        except ViewStaleError:  # before the start, and at the end, nothing is done for anybody
            return
        await container.limit_calls()(Asked.ADMIN, who)

    async def _note(self, *, is_frequent: bool = False) -> None:
        """Have a refusal told, and a call of the admin plane written down: the answer is under way already.

        What fails here changes no answer. Frequent refusals are told and written down together.
        """
        if self._is_refused:
            self._tell(is_frequent=is_frequent)
        if self.door.kind is not Kind.ADMIN:
            return
        pause_s = _PAUSE_S if self.caller else _STRANGERS_PAUSE_S
        more = self._counted("audited", is_frequent=is_frequent, pause_s=pause_s)
        if more is not None:
            try:
                await self._write_down(self.container_now(), more)
            except JournalKeysError as failure:
                events.ADMIN_CALL_NOT_AUDITED.tell(error=failure)

    def _tell(self, *, is_frequent: bool) -> None:
        event = events.CALL_NOT_AUTHENTICATED if self.status == _NOT_AUTHENTICATED else events.CALL_REFUSED
        more = self._counted(event.name, is_frequent=is_frequent)
        if more is not None:
            event.tell(actor=self._actor, route=self._route, status=self.status, **more)

    def _counted(self, purpose: str, *, is_frequent: bool, pause_s: float = _PAUSE_S) -> dict[str, str] | None:
        """Say how many refusals this one stands for; None where it is one of those that a later one stands for."""
        if not is_frequent:
            return {}
        now_s = asyncio.get_running_loop().time()
        number = self.refusals[purpose, self.door.kind, self._actor].number(now_s, pause_s)
        return {"requests": str(number)} if number else None

    @property
    def _is_refused(self) -> bool:
        return self.status is not None and _REFUSED <= self.status < _BROKEN

    async def _write_down(self, container: Container, more: Mapping[str, str]) -> None:
        detail = {
            "route": self._route,
            "scope": self.door.scope.value,
            "status": str(self.status or _BROKEN),
            "request_id": self.request_id,
            **more,
        }
        await container.audit_call()(self.caller, detail)


def _token(shown: list[str]) -> str:
    if len(shown) != 1 or not shown[0].lower().startswith(_BEARER):
        raise UnauthenticatedError("expected one Authorization header with a bearer token")
    return shown[0][len(_BEARER) :].strip(" ")


def _refused(failure: JournalKeysError) -> Response:
    if isinstance(failure, GrantsError):  # it names a file, to whoever asks
        events.NO_TOKEN_IS_KNOWN.tell(error=failure)
        return problem(503, "the tokens cannot be used: the log says why")
    return problem_of(failure)
