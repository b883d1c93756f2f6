"""Requests with an `Idempotency-Key`: a repeat is given the answer of the first, and nothing is done twice."""

import hashlib
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from journal_keys.container import Container
from journal_keys.domain.errors import RefusedError
from journal_keys.entrypoints.http.gate import caller_in
from journal_keys.ports.replies import Reply

HEADER: Final = "Idempotency-Key"
DOCUMENTED: Final[dict[str, Any]] = {
    "parameters": [
        {
            "name": HEADER,
            "in": "header",
            "required": False,
            "description": "a repeat under the same key, within a day, is given the answer of the first",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        }
    ]
}
"""What the OpenAPI document says of it."""
_KEY: Final = re.compile(r"[!-~]{1,255}\Z", re.ASCII)


class IdempotencyKeyError(RefusedError):
    """The key is not 1 to 255 printable ASCII characters without blanks, or there are several."""


def key_of(request: Request) -> str | None:
    """Give the request's key, None where it has none.

    Raises:
        IdempotencyKeyError: it is malformed.
    """
    found = request.headers.getlist(HEADER)
    if not found:
        return None
    if len(found) > 1 or not _KEY.match(found[0]):
        raise IdempotencyKeyError(f"{HEADER} is given once, with 1 to 255 printable ASCII characters, no blanks")
    return found[0]


def rotation_id_of(request: Request) -> str | None:
    """Give the rotation id that stands for caller and key, so that a repeat joins the rotation of the first."""
    key = key_of(request)
    if key is None:
        return None
    return "http-" + hashlib.sha256(f"{caller_in(request).actor}\n{key}".encode("ascii")).hexdigest()[:32]


async def once(request: Request, container: Container, answer: Callable[[], Awaitable[BaseModel]]) -> JSONResponse:
    """Give what `answer` gives, or what it gave to the same caller under the same key within a day.

    Kept is what is final: not that something waits, which a repeat is told the outcome of, and not a failure.

    Raises:
        IdempotencyKeyError: the key is malformed.
        IdempotencyConflictError: it was used with another request, be that under way or done.
    """
    key = key_of(request)
    if key is None:
        return _response(await answer())
    actor, digest = caller_in(request).actor, await _digest(request)
    known = await container.replies().begin(actor, key, digest)
    if known is None:
        given = await answer()
        response = _response(given)
        if not getattr(given, "is_final", True):
            return response
        reply = Reply(digest=digest, status=response.status_code, body=bytes(response.body).decode("utf-8"))
        known = await container.replies().keep(actor, key, reply)
    return JSONResponse(json.loads(known.body), status_code=known.status)


def _response(answer: BaseModel) -> JSONResponse:
    body: Any = answer.model_dump(mode="json", exclude_none=True)
    return JSONResponse(body, status_code=getattr(answer, "http_status", 200))


async def _digest(request: Request) -> str:
    head = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(head + await request.body()).hexdigest()
