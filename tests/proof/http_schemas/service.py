"""The service as the cases meet it: on this machine, without a socket, and with what is planted beside a case."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from schemathesis.python import asgi
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from journal_keys.entrypoints.http.app import create_app
from journal_keys.entrypoints.settings import Settings
from tests.support.canary.boundaries import show_message
from tests.support.embedded import make_rings, settings_in
from tests.support.hooks import SECRET

_RATE: Final = "9999999/second"
Flaw = Callable[[ASGIApp], ASGIApp]
"""What makes a service worse."""


def as_it_is(app: ASGIApp) -> ASGIApp:
    """No flaw."""
    return app


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """What a request has beside its case: headers in place of those of the same names, and another query or body."""

    headers: tuple[tuple[bytes, bytes], ...] = ()
    query: bytes | None = None
    body: bytes | None = None


NOTHING: Final = Planted()


@dataclass(slots=True)
class Doorstep:
    """ASGI application before another: whoever comes through calls from this machine. A failure is answered, too."""

    app: ASGIApp
    planted: Planted = field(default=NOTHING, init=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request as a server would."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_begun = False

        async def noted(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            show_message(message)
            await send(message)

        try:
            await self.app(*self._as_called(scope, receive), noted)
        except Exception:  # noqa: BLE001 (whatever it is: no server lets it through)
            if has_begun:  # the answer says it, and a server would log the rest
                return
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b"nothing was answered"})

    def _as_called(self, scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
        planted = self.planted
        new = ((b"host", b"localhost"), *planted.headers)
        if any(name == b"host" for name, _ in planted.headers):
            new = planted.headers
        if planted.body is not None:
            new = (*new, (b"content-type", b"application/json"), (b"content-length", b"%d" % len(planted.body)))
        names = {name for name, _ in new}
        called = {
            **scope,
            "client": ("127.0.0.1", 5),
            "headers": [*(one for one in scope["headers"] if one[0] not in names), *new],
            "query_string": scope["query_string"] if planted.query is None else planted.query,
        }
        return called, receive if planted.body is None else _parts(planted.body, receive)


def _parts(body: bytes, receive: Receive) -> Receive:
    parts: Iterator[Message] = iter([{"type": "http.request", "body": body}])

    async def part() -> Message:
        return next(parts, None) or await receive()

    return part


@dataclass(frozen=True, slots=True)
class Served:
    """A service that has started, and how it is called."""

    doorstep: Doorstep
    client: asgi.ASGIClient


@contextmanager
def serving(flaw: Flaw = as_it_is) -> Iterator[Served]:
    """Start a service over a home that nobody used before."""
    with tempfile.TemporaryDirectory(prefix="journal-keys-schema-") as folder:
        settings = _settings(Path(folder))
        asyncio.run(make_rings(settings))
        doorstep = Doorstep(flaw(create_app(settings)))
        try:
            with asgi.get_client(doorstep) as client:  # type: ignore[arg-type]  # a dict is a MutableMapping
                yield Served(doorstep, client)
        finally:
            asgi.shutdown_lifespans()


def _settings(folder: Path) -> Settings:
    return settings_in(
        folder,
        journal_http_discovery=True,
        journal_jwt_issuer="https://auth.example.org",
        journal_infisical_webhook_secret=SECRET,
        journal_http_rate_admin=_RATE,
        journal_http_rate_webhook=_RATE,
        journal_http_rate_jwks=_RATE,
    )
