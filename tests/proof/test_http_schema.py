"""The service answers what its OpenAPI document declares; services that do not are found out."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from journal_keys.entrypoints.http.doors import (
    AUDIT,
    COMPROMISE,
    DISCOVERY,
    DOORS,
    HEALTH,
    INVALIDATE,
    JWKS,
    KEYS,
    LIVE,
    METRICS,
    OPENAPI,
    READY,
    ROTATE,
    STATUS,
    WEBHOOK,
)
from tests.proof.http_schema import A_FEW, run, search

pytestmark = pytest.mark.no_cover

TAKE_NOTHING: Final = {JWKS, DISCOVERY, LIVE, READY, HEALTH, METRICS, KEYS, STATUS}
"""What can be asked for in no malformed way, so that no negative case is made."""


@pytest.mark.timeout(600)  # of less than a minute of work, on a machine with other work
def test_fifty_cases_for_each_operation_are_answered_as_the_document_declares() -> None:
    verdict = run(nightly=False, cases=A_FEW)
    assert verdict.holds, "\n".join(verdict.lines)
    operations = len(DOORS) - 1  # the document does not describe itself
    assert verdict.lines[-1] == (
        f"schema: {operations} operations, {operations * A_FEW} cases, 0 answers of 5xx, 0 breaches"
    )
    told = [
        re.fullmatch(r"(\w+) (\S+): cases \d+ \(positive (\d+), ([a-z ]+) (\d+)\), .+", line) for line in verdict.lines
    ]
    found = {(one[1], one[2]): (int(one[3]), one[4], int(one[5])) for one in told if one}
    assert found == {
        door: (A_FEW // 2, "undeclared extras" if door[1] in TAKE_NOTHING else "negative", A_FEW - A_FEW // 2)
        for door in DOORS
        if door[1] != OPENAPI
    }


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, whole."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def value(self) -> Any:  # noqa: ANN401 (whatever JSON holds)
        return json.loads(self.body)

    def typed(self, media_type: bytes) -> "Answer":
        kept = tuple(one for one in self.headers if one[0] != b"content-type")
        return replace(self, headers=(*kept, (b"content-type", media_type)))

    def saying(self, value: object) -> "Answer":
        return replace(self, body=json.dumps(value).encode())


Change = Callable[[Scope, Answer], Answer]


@dataclass(frozen=True, slots=True)
class Flawed:
    """ASGI application that has another answer, and changes what it says at one path."""

    app: ASGIApp
    path: str
    change: Change

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self.path:
            await self.app(scope, receive, send)
            return
        said: list[Message] = []

        async def kept(message: Message) -> None:
            said.append(message)

        await self.app(scope, receive, kept)
        body = b"".join(one.get("body", b"") for one in said[1:])
        answer = self.change(scope, Answer(said[0]["status"], tuple(said[0]["headers"]), body))
        headers = [one for one in answer.headers if one[0] != b"content-length"]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


def _only_of_successes(change: Callable[[Answer], Answer]) -> Change:
    return lambda _scope, answer: change(answer) if answer.status == 200 else answer


def _raises_at_a_key(scope: Scope, answer: Answer) -> Answer:
    if any(name == b"idempotency-key" and len(value) > 3 for name, value in scope["headers"]):
        raise ZeroDivisionError
    return answer


def _with_a_private_key(answer: Answer) -> Answer:
    return answer.saying({"keys": [one | {"d": "AAAA"} for one in answer.value["keys"]]})


def _as_if_the_query_were_not_there(_scope: Scope, answer: Answer) -> Answer:
    return Answer(200, answer.headers, b"[]").typed(b"application/json") if answer.status == 422 else answer


def _refusing_everything(_scope: Scope, answer: Answer) -> Answer:
    told = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "no"}
    return replace(answer.saying(told), status=400).typed(b"application/problem+json")


def _unavailable(_scope: Scope, answer: Answer) -> Answer:
    told = {"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": "not now"}
    return replace(answer.saying(told), status=503).typed(b"application/problem+json")


HOLES: Final[Mapping[str, tuple[str, Change, str]]] = {
    "a status that is not declared": (
        KEYS,
        _only_of_successes(lambda answer: replace(answer, status=203)),
        "UndefinedStatusCode",
    ),
    "a 503, declared as it is": (AUDIT, _unavailable, "a 5xx"),
    "an exception at some of the generated Idempotency-Keys": (INVALIDATE, _raises_at_a_key, "a 5xx"),
    "a text where a time is declared": (
        HEALTH,
        _only_of_successes(lambda answer: answer.saying(answer.value | {"timestamp": "yesterday"})),
        "JsonSchemaError",
    ),
    "a number where a kid is declared": (
        KEYS,
        _only_of_successes(lambda answer: answer.saying([one | {"kid": 5} for one in answer.value])),
        "JsonSchemaError",
    ),
    "a member of the private key in the key set": (JWKS, _only_of_successes(_with_a_private_key), "JsonSchemaError"),
    "a refusal that is not Problem Details": (
        ROTATE,
        lambda _scope, answer: answer.typed(b"application/json") if answer.status == 422 else answer,
        "UndefinedContentType",
    ),
    "a refusal that does not say what is malformed": (
        COMPROMISE,
        lambda _scope, answer: answer.saying({name: value for name, value in answer.value.items() if name != "errors"}),
        "JsonSchemaError",
    ),
    "an acceptance of what is malformed": (AUDIT, _as_if_the_query_were_not_there, "AcceptedNegativeData"),
    "a refusal of what is well formed": (INVALIDATE, _refusing_everything, "a refusal of what fits the document"),
    "a page of another type": (
        STATUS,
        _only_of_successes(lambda answer: answer.typed(b"application/xhtml+xml")),
        "UndefinedContentType",
    ),
    "a genuine delivery that is told of by a number": (
        WEBHOOK,
        _only_of_successes(lambda answer: answer.saying(5)),
        "JsonSchemaError",
    ),
}


@pytest.mark.parametrize(("path", "change", "shows"), HOLES.values(), ids=HOLES.keys())
def test_a_service_with_a_known_hole_is_found_out(path: str, change: Change, shows: str) -> None:
    (tally,) = search(24, flaw=lambda app: Flawed(app, path, change), only=lambda name: name.endswith(path))
    assert not tally.holds
    assert any(shows in finding for finding in tally.findings), tally


def test_an_operation_that_never_did_what_it_is_for_does_not_hold() -> None:
    (tally,) = search(24, only=lambda name: name.endswith(WEBHOOK))
    assert tally.holds
    assert not replace(tally, statuses=type(tally.statuses)({401: 24})).holds
