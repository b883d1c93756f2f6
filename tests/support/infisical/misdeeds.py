"""What a server, or what stands before it, does wrong: planned request by request."""

import json
from dataclasses import dataclass, field
from enum import Enum

from tests.support.infisical import eras
from tests.support.infisical.eras import Era

SIGN_IN_PAGE = b"<!doctype html><html><body>Sign in to continue</body></html>"
HTML = {"content-type": "text/html"}
JSON = {"content-type": "application/json; charset=utf-8"}


class Deed(Enum):
    """What is done instead of, before or after the right answer."""

    SIGN_IN_PAGE = "200 and a page"
    EMPTY = "200 and nothing"
    HTML_500 = "500 and a page"
    HTML_502 = "502 and a page"
    HTML_503 = "503 and a page"
    REDIRECT = "a redirect to a sign-in page"
    TRUNCATED = "half of the JSON"
    DUPLICATE_KEYS = "a JSON object that repeats a member"
    NOT_UTF8 = "JSON with bytes that are no UTF-8"
    SLOW = "the right answer, late"
    HANG = "nothing, until the client goes"
    DROP_BEFORE = "no effect, and the connection closed"
    DROP_AFTER = "the effect, and the connection closed"
    RESET = "no effect, and the connection reset"
    BUSY = "429"


@dataclass
class Misdeed:
    """`deed` at the matching requests after `skip`, `times` times. `seconds` is how late, or how long to wait."""

    deed: Deed
    method: str = ""
    path: str = ""
    skip: int = 0
    times: int = 1_000_000
    seconds: float = 0.0
    done: int = field(default=0, init=False)
    _seen: int = field(default=0, init=False)

    def strikes(self, method: str, path: str) -> bool:
        """Whether this request is one of those."""
        if not method.startswith(self.method) or not path.startswith(self.path):
            return False
        self._seen += 1
        if self._seen <= self.skip or self.done >= self.times:
            return False
        self.done += 1
        return True

    def answer(self, era: Era) -> tuple[int, bytes, dict[str, str]] | None:
        """What is sent instead of the right answer, where it is an answer."""
        if self.deed is Deed.BUSY:
            wait_s = int(self.seconds)
            refusal = eras.busy(era, wait_s, eras.budget(60, 0, wait_s))
            return refusal.status, json.dumps(refusal.body).encode(), JSON | refusal.headers
        return _INSTEAD.get(self.deed)


_INSTEAD = {
    Deed.SIGN_IN_PAGE: (200, SIGN_IN_PAGE, HTML),
    Deed.EMPTY: (200, b"", {}),
    Deed.HTML_500: (500, SIGN_IN_PAGE, HTML),
    Deed.HTML_502: (502, SIGN_IN_PAGE, HTML),
    Deed.HTML_503: (503, SIGN_IN_PAGE, HTML),
    Deed.REDIRECT: (302, b"", {"location": "/login"}),
}


def spoilt(body: bytes, deed: Deed | None) -> bytes:
    """What the deed makes of the right answer."""
    if deed is Deed.TRUNCATED:
        return body[: len(body) // 2]
    if deed is Deed.DUPLICATE_KEYS:
        return body[:-1] + b', "secrets": []}'
    if deed is Deed.NOT_UTF8:
        return body.replace(b'"secretValue": "', b'"secretValue": "\xff\xfe', 1)
    return body
