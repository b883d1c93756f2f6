"""How a call ends badly (`packages/util/log.go`, `packages/api/errors.go` v0.42.1)."""

from collections.abc import Mapping
from typing import NamedTuple

from tests.support.infisical.binary import gojson
from tests.support.infisical.binary.answers import Response
from tests.support.infisical.binary.colours import Colours

_HELP = "If this issue continues, get support at "
_HELP_LINK = "https://infisical.com/slack"
_UNPROCESSABLE = 422
_STATUS_WORDS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Request Entity Too Large",
    414: "Request URI Too Long",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class StoppedError(Exception):
    """The call is over with these lines on standard error and exit code 1."""

    def __init__(self, *rows: str) -> None:
        super().__init__(*rows)
        self.rows = rows


class CallError(Exception):
    """A call of the API failed with a one-line message."""


class Refusal(NamedTuple):
    """What the server answered, and to what."""

    operation: str
    method: str
    url: str
    status: int
    message: str = ""
    request_id: str = ""
    context: str = ""
    details: object = None

    def line(self) -> str:
        """The form of one line."""
        parts = [
            f"{self.operation} Unsuccessful response [{self.method} {self.url}]",
            f"[status-code={self.status}]",
            f"[request-id={self.request_id}]",
        ]
        if self.message:
            parts.append(f'[message="{self.message}"]')
        if self.context:
            parts.append(f'[additional-context="{self.context}"]')
        if self.details is not None:
            parts.append(f"[details={gojson.write(_sorted(self.details))}]")
        return " ".join(parts)

    def pretty(self, more: tuple[str, ...], colours: Colours) -> str:
        """The form of many lines, with what the command adds as bullets."""
        rows = [colours.label("Request: ") + colours.value(f"{self.method} {self.url}")]
        if self.request_id:
            rows.append(colours.label("Request ID: ") + colours.value(self.request_id))
        words = f"{colours.status(self.status)} {_STATUS_WORDS.get(self.status, '')}"
        rows.append(colours.label("Response Code: ") + words)
        if self.message:
            rows.append(colours.label("Message: ") + self.message)
        if self.context:
            rows += [colours.label("Context: "), f"  {colours.detail(self.context)}", ""]
        if more and self.details is not None:
            rows.append(colours.label("Details:"))
        bullets = [f"• {one}" for one in more] + _bullets(self.details)
        rows += [f"  {colours.detail(one)}" for one in bullets]
        return "\n".join([*rows, " " * len(_HELP), colours.faint(_HELP) + colours.link(_HELP_LINK)])


class ApiError(CallError):
    """The server answered with an error."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.line())
        self.refusal = refusal


class ErrorBody(NamedTuple):
    """What is understood of the body of an error."""

    message: str = ""
    request_id: str = ""
    details: object = None


def understood(response: Response) -> ErrorBody:
    """Read the body of an error, whatever its content type; 422 is shown as it came."""
    text = response.body.decode("utf-8", "replace")
    try:
        told = gojson.read(response.body)
    except gojson.UnreadableError:
        return ErrorBody(message=text if response.status == _UNPROCESSABLE else "")
    members = told if isinstance(told, dict) else {}
    request_id = members.get("reqId")
    known_id = request_id if isinstance(request_id, str) else ""
    if response.status == _UNPROCESSABLE:
        return ErrorBody(message=text, request_id=known_id)
    message = members.get("message")
    if not isinstance(message, str | None):
        return ErrorBody(request_id=known_id)
    return ErrorBody(message or "", known_id, members.get("details") or None)


def stopped(error: CallError, more: tuple[str, ...], colours: Colours) -> StoppedError:
    """What a command prints of an error, with its own words after it."""
    if isinstance(error, ApiError):
        return StoppedError(error.refusal.pretty(more, colours))
    return StoppedError(f"error: {error}", *more)


def _bullets(details: object) -> list[str]:
    if details is None:
        return []
    if isinstance(details, list):
        return [f"• {one if isinstance(one, str) else gojson.write(_sorted(one))}" for one in details]
    return [f"• {details}" if isinstance(details, str) else gojson.write(_sorted(details))]


def _sorted(value: object) -> object:
    """Go writes the members of a map in the order of their names."""
    if isinstance(value, Mapping):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value
