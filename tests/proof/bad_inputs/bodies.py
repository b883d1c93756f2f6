"""HTTP requests: the body that asks for a rotation."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from journal_keys.entrypoints.http.app import create_app
from journal_keys.entrypoints.settings import Settings
from tests.proof.bad_inputs.documents import altered, strictly_read
from tests.proof.bad_inputs.search import REFUSED, Target, differs_from
from tests.proof.bad_inputs.texts import mangled, noise, noise_bytes, odd
from tests.support.canary.boundaries import show_message


@dataclass(frozen=True, slots=True)
class Post:
    """A body in its pieces, and whether its length is declared."""

    pieces: tuple[bytes, ...]
    declared: bool


_BODY: Final = {"rotation_type": "jwt", "force": False, "reason": "Manual rotation"}
_REFUSALS: Final = frozenset({400, 413, 422})
_TAKEN: Final = 503
"""The application has not been started, so a request that was understood ends here."""


def _some_post(dice: Random) -> Post:
    body = _some_body(dice)
    if dice.random() < 0.6:
        return Post((body,), declared=True)
    size = dice.choice((1 + len(body) // 2, 1 + len(body) // 7))
    return Post(tuple(body[at : at + size] for at in range(0, len(body), size)), declared=dice.random() < 0.5)


def _some_body(dice: Random) -> bytes:
    document: dict[str, object] = dict(_BODY)
    document["rotation_type"] = dice.choice(("jwt", "aes", "both"))
    kind = dice.randrange(10)
    if kind == 0:
        return noise_bytes(dice)
    if kind < 3:
        document["reason"] = dice.choice(("x" * 500, "x" * 501, "", noise(dice), odd(dice), "x\n", "\u00e9" * 500))
    if kind < 5:
        return json.dumps(document, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
    text = altered(document, dice) if kind < 9 else mangled(json.dumps(document), dice)
    return (text * dice.choice((1,) * 20 + (400,))).encode(
        dice.choice(("utf-8", "utf-8", "utf-16", "latin-1")), "replace"
    )


class Service:
    """The application without a lifespan, called as a server calls it."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._app = create_app(Settings())

    def post(self, given: Post) -> object:
        """Give what became of a rotation request: taken, refused, or the answer where it is neither."""
        return self._runner.run(self._post(given))

    async def _post(self, given: Post) -> object:
        sent: list[Any] = []
        chunks = iter([{"type": "http.request", "body": piece, "more_body": True} for piece in given.pieces])

        async def receive() -> Any:  # noqa: ANN401 (ASGI's)
            return next(chunks, {"type": "http.request", "body": b"", "more_body": False})

        async def send(message: Any) -> None:  # noqa: ANN401 (ASGI's)
            show_message(message)
            sent.append(message)

        await self._app(_scope(given), receive, send)
        status, headers = sent[0]["status"], dict(sent[0]["headers"])
        if headers[b"content-type"] != b"application/problem+json":
            return sent
        return "taken" if status == _TAKEN else REFUSED if status in _REFUSALS else sent


def _scope(given: Post) -> dict[str, object]:
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    if given.declared:
        headers.append((b"content-length", b"%d" % sum(map(len, given.pieces))))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/v1/infisical/rotate",
        "raw_path": b"/api/v1/infisical/rotate",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


def _understood(given: Post) -> object:
    """Whether the body is one object of the three members as UTF-8 (RFC 8259 §8.1), none of them twice."""
    body = b"".join(given.pieces)
    try:
        asked = strictly_read(body.decode("utf-8"))
    except UnicodeDecodeError:
        return REFUSED
    if len(body) > 16 * 1024 or not isinstance(asked, dict) or asked.keys() - _BODY.keys():
        return REFUSED
    kind, force, reason = asked.get("rotation_type"), asked.get("force", False), asked.get("reason", "-")
    good = kind in ("jwt", "aes", "both") and type(force) is bool and isinstance(reason, str) and 0 < len(reason) <= 500
    if not good or not reason.isprintable():
        return REFUSED
    return "taken"


@contextmanager
def body_target() -> Iterator[Target[Post]]:
    """The route of the rotation, over one loop."""
    log = logging.getLogger("journal_keys")
    before, log.disabled = log.disabled, True  # it would say of each request that it could not be audited
    try:
        with asyncio.Runner() as runner:
            yield Target(
                name="POST rotate",
                make=_some_post,
                read=Service(runner).post,
                refusals=(),
                fault=differs_from(_understood),
                share=400,
            )
    finally:
        log.disabled = before
