"""What is planted beside generated cases: what a document cannot describe, or what chance would never hit."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from hypothesis import strategies as st
from schemathesis import Case

from journal_keys.entrypoints.http.doors import COMPROMISE, KEYS, WEBHOOK
from tests.proof.http_schemas.service import NOTHING, Planted, Served
from tests.support import hooks

HEADERS: Final = (
    ("accept", "application/openmetrics-text; version=1.0.0"),
    ("authorization", "Bearer jka_unknown"),
    ("authorization", "Basic eDp5"),
    ("content-length", "16385"),
    ("content-type", "text/plain"),
    ("host", "evil.example"),
    ("host", "LOCALHOST:8000"),
    ("idempotency-key", "one"),
    ("idempotency-key", "two"),
    ("if-none-match", "*"),
    ("origin", "https://evil.example"),
    ("origin", "null"),
    ("sec-fetch-site", "cross-site"),
    ("x-forwarded-for", "203.0.113.7"),
    ("x-infisical-signature", "t=1;" + "0" * 64),
)
"""Also twice, and with others."""
_EVENTS: Final = ("secrets.modified", "test", "secret.deleted", "else", 5)
_FOLDERS: Final = ("/auth/jwt", "/auth", "/elsewhere", "no path")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to plant. What the number means, each operation knows for itself: nothing, where it is 0."""

    headers: tuple[tuple[str, str], ...] = ()
    query: str | None = None
    number: int = 0


_HEADERS: Final = st.one_of(
    st.lists(st.sampled_from(HEADERS), max_size=3).map(tuple),
    st.tuples(st.tuples(st.just("x-else"), st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30))),
)
_QUERIES: Final = st.one_of(
    st.none(),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
    st.lists(st.tuples(st.sampled_from(["after", "limit", "pattern", "kid"]), st.integers(-2, 1001))).map(
        lambda pairs: "&".join(f"{name}={value}" for name, value in pairs)
    ),
)
_MOST: Final = 15
_NUMBERS: Final = st.integers(0, _MOST)
_STRANGE: Final = st.builds(Wish, headers=_HEADERS, query=_QUERIES, number=_NUMBERS)
_PLAIN: Final = st.builds(Wish, number=_NUMBERS)


def wishes(*, is_strange: bool) -> st.SearchStrategy[Wish]:
    """Give what to plant beside cases: mostly nothing that the document does not describe, or always something."""
    return _STRANGE if is_strange else st.integers(0, 4).flatmap(lambda one: _PLAIN if one else _STRANGE)


def planted(wish: Wish, case: Case[Any], served: Served) -> Planted:
    """Give what this wish plants beside this case."""
    headers, body = wish.headers, None
    make = _MAKERS.get(case.operation.path)
    if make is not None and wish.number:
        more, body = make(wish.number, case, served)
        headers = (*headers, *more.items())
    if not headers and wish.query is None and body is None:
        return NOTHING
    return Planted(
        headers=tuple((name.encode("ascii"), value.encode("latin-1")) for name, value in headers),
        query=None if wish.query is None else wish.query.encode("ascii"),
        body=body,
    )


def _with_a_signature(number: int, case: Case[Any], _served: Served) -> tuple[Mapping[str, str], bytes | None]:
    """Sign what was generated, or what a server of Infisical would send, in two of three cases with a fresh time."""
    now = datetime.now(UTC)
    generated = case.body
    if number % 2:
        event, folder = _EVENTS[number % len(_EVENTS)], _FOLDERS[number % len(_FOLDERS)]
        body = hooks.modified(now, folder, event=event)
    elif isinstance(generated, dict) and number % 3:
        body = _written(generated | {"timestamp": hooks.ms_of(now)})
    elif generated is None or isinstance(generated, dict | list | str | int | float):
        body = _written(generated)
    else:
        return {}, None
    return hooks.signed(body, now), body


def _with_a_known_key(number: int, case: Case[Any], served: Served) -> tuple[Mapping[str, str], bytes | None]:
    """Name a key that is there, in two of three cases."""
    if number < _MOST // 3 or not isinstance(case.body, dict):
        return {}, None
    served.doorstep.planted = NOTHING
    kids = [key["kid"] for key in served.client.get(KEYS).json()]
    return {}, _written(case.body | {"kid": kids[-number % len(kids)]})


def _written(value: object) -> bytes:
    return json.dumps(value).encode("utf-8")


_Maker = Callable[[int, Case[Any], Served], tuple[Mapping[str, str], bytes | None]]
_MAKERS: Final[Mapping[str, _Maker]] = {WEBHOOK: _with_a_signature, COMPROMISE: _with_a_known_key}
