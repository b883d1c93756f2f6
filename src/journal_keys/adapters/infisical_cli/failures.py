"""What a failed call means, from its standard error: every failure exits with 1 (CLI v0.42.1, `packages/util/log.go`).

The status is taken from two anchors only, since the server's message is free text. What is not known is `UNKNOWN`.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Failure(StrEnum):
    """Kinds that are treated differently."""

    TOKEN = "token"  # noqa: S105 (no token)
    FORBIDDEN = "forbidden"
    CREDENTIALS = "credentials"
    NO_FOLDER = "no folder"
    NO_SECRET = "no secret"  # noqa: S105 (no secret either)
    NO_PROJECT = "no project"
    NO_ENVIRONMENT = "no environment"
    EXISTS = "exists"
    BUSY = "busy"
    REFUSED = "refused"
    SERVER = "server"
    TRANSPORT = "transport"
    SILENT = "silent"
    USAGE = "usage"
    RESTING = "resting"
    HELD_UP = "held up"
    UNKNOWN = "unknown"


LONGEST_WAIT_S: Final = 300.0
"""How long a server's words may keep a call waiting, and others from being sent."""

_NOTHING_DONE: Final = frozenset(
    {
        Failure.TOKEN,
        Failure.FORBIDDEN,
        Failure.CREDENTIALS,
        Failure.NO_FOLDER,
        Failure.NO_SECRET,
        Failure.NO_PROJECT,
        Failure.NO_ENVIRONMENT,
        Failure.EXISTS,
        Failure.BUSY,
        Failure.REFUSED,
        Failure.USAGE,
        Failure.RESTING,
        Failure.HELD_UP,
    }
)
_TRANSIENT: Final = frozenset({Failure.SERVER, Failure.TRANSPORT})


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailure:
    """Why a call failed. `reason` is in our words, or is the server's message where it cannot hold a value."""

    kind: Failure
    status: int | None
    reason: str
    wait_s: float | None = None
    """How long the server wants to be left alone, as it says; nobody waits longer than `LONGEST_WAIT_S`."""

    @property
    def is_settled(self) -> bool:
        """Whether the call certainly had no effect."""
        return self.kind in _NOTHING_DONE

    @property
    def is_transient(self) -> bool:
        """Whether the same read may well succeed a little later."""
        return self.kind in _TRANSIENT

    def __str__(self) -> str:
        return self.reason if self.status is None else f"HTTP {self.status}: {self.reason}"


class CallFailedError(Exception):
    """A call failed; it never leaves this package."""

    def __init__(self, failure: CallFailure) -> None:
        super().__init__(str(failure))
        self.failure = failure


_ANSI: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_STATUS: Final = re.compile(r"^Response Code: (\d{3})\b|\[status-code=(\d{3})\]", re.MULTILINE)
_MESSAGE: Final = re.compile(r"^Message: (.*)$|\[message=\"(.*)\"\]", re.MULTILINE)
_TRANSPORT: Final = re.compile(r"unable to complete api request \[err=", re.IGNORECASE)
_WAIT: Final = re.compile(r"(?:retry|try again) in (\d{1,6}) (second|minute)", re.IGNORECASE)
_USAGE: Final = re.compile(
    r"^Error: (?:unknown (?:shorthand )?(?:flag|command)|flag needs an argument|invalid argument)", re.MULTILINE
)
_TOKEN_TROUBLE: Final = re.compile(
    r"token has expired|jwt (?:expired|malformed)|invalid signature|number of uses limit reached|revoked",
    re.IGNORECASE,
)
_RIGHTS: Final = re.compile(r"^You are not allowed to ", re.IGNORECASE)
_LOGIN: Final = re.compile(r"unable to authenticate with universal auth", re.IGNORECASE)
_LOCKED: Final = re.compile(r"temporarily locked", re.IGNORECASE)
_LOCKED_FOR_S: Final = 300.0
_REASONS: Final = (
    (re.compile(r"lookup .* no such host|server misbehaving", re.DOTALL), "the server's name does not resolve"),
    (re.compile(r"connection refused"), "the server refuses the connection"),
    (re.compile(r"stopped after \d+ redirects"), "the server sends elsewhere: a sign-in page stands before the API"),
    (re.compile(r"tls: |x509: "), "the TLS handshake failed: see SSL_CERT_FILE, and whether the URL says https"),
    (re.compile(r"i/o timeout|deadline exceeded"), "the server did not answer"),
    (re.compile(r"unsupported protocol scheme|first path segment|no Host in request"), "the server URL is malformed"),
    (re.compile(r"EOF|connection reset|broken pipe"), "the connection broke off"),
    (re.compile(r"invalid character|unexpected end of JSON|cannot unmarshal"), "the answer was not the API's JSON"),
)
_UNIT_S: Final = {"second": 1.0, "minute": 60.0}
_MOST_SHOWN: Final = 200


def classify(stderr: bytes, *, carries_value: bool = False) -> CallFailure:
    """Say what the standard error of a failed call means.

    Of a call that carried a value (`carries_value`) no word of the server or the CLI is passed on: both may echo it.
    """
    text = _ANSI.sub("", stderr.decode("utf-8", "replace"))
    found = _STATUS.search(text)
    if found is None:
        return _without_status(text)
    status = int(found[1] or found[2])
    message = _message(text)
    kind = _kind(status, message, is_login=bool(_LOGIN.search(text)))
    reason, wait_s = _reason(kind, message, carries_value=carries_value), _wait(message)
    if wait_s is not None and wait_s > LONGEST_WAIT_S:
        reason += f"; it wants to be left alone for {wait_s:.0f} s"
    return CallFailure(kind=kind, status=status, reason=reason, wait_s=wait_s)


def _without_status(text: str) -> CallFailure:
    if _TRANSPORT.search(text):
        reason = next((words for form, words in _REASONS if form.search(text)), "the request was not completed")
        return CallFailure(kind=Failure.TRANSPORT, status=None, reason=reason)
    if _USAGE.search(text):
        return CallFailure(kind=Failure.USAGE, status=None, reason="the binary does not know these arguments")
    return CallFailure(kind=Failure.UNKNOWN, status=None, reason="the binary failed in words that are not known")


def _kind(status: int, message: str, *, is_login: bool) -> Failure:  # noqa: PLR0911 (a table, in order)
    if status == 429:  # noqa: PLR2004 (HTTP statuses, here and below)
        return Failure.BUSY
    if is_login:
        return Failure.SERVER if status >= 500 else Failure.CREDENTIALS  # noqa: PLR2004
    if _RIGHTS.search(message):
        return Failure.FORBIDDEN
    if status == 401 or _TOKEN_TROUBLE.search(message):  # noqa: PLR2004
        return Failure.TOKEN
    if status == 403:  # noqa: PLR2004
        return Failure.FORBIDDEN
    if status >= 500:  # noqa: PLR2004
        return Failure.SERVER
    return _absent(message) or (Failure.REFUSED if 400 <= status < 500 else Failure.UNKNOWN)  # noqa: PLR2004


_ABSENT: Final = (
    (re.compile(r"\bfolder\b.*\bnot found\b", re.IGNORECASE | re.DOTALL), Failure.NO_FOLDER),
    (re.compile(r"\bsecret\b.*\bnot found\b", re.IGNORECASE | re.DOTALL), Failure.NO_SECRET),
    (re.compile(r"\bproject\b.*\bnot found\b|\bbot key\b", re.IGNORECASE | re.DOTALL), Failure.NO_PROJECT),
    (re.compile(r"\benvironment\b.*\bnot found\b", re.IGNORECASE | re.DOTALL), Failure.NO_ENVIRONMENT),
    (re.compile(r"^Secret already exists?\b", re.IGNORECASE), Failure.EXISTS),
)


def _absent(message: str) -> Failure | None:
    return next((kind for form, kind in _ABSENT if form.search(message)), None)


_CURES: Final = {
    Failure.TOKEN: "the access token is expired, spent or refused",
    Failure.FORBIDDEN: "the identity has no right to this",
    Failure.NO_FOLDER: "the folder does not exist",
    Failure.NO_SECRET: "the secret does not exist",
    Failure.NO_PROJECT: "the project is not found or not shared with this identity: see JOURNAL_INFISICAL_PROJECT_ID",
    Failure.NO_ENVIRONMENT: "the environment does not exist: see JOURNAL_INFISICAL_ENVIRONMENT",
    Failure.EXISTS: "the name is taken",
    Failure.BUSY: "the server's rate limit is reached",
    Failure.REFUSED: "the server refused the request",
    Failure.CREDENTIALS: "the server refused the client id and secret",
    Failure.SERVER: "the server failed",
}


_KNOWN_REFUSALS: Final = (
    (re.compile(r"\bUPPERCASE\b"), "the project takes names in capitals only"),
    (re.compile(r"too large", re.IGNORECASE), "the value is too large"),
    (_LOCKED, "the identity is locked for some minutes after failed logins"),
)


def _reason(kind: Failure, message: str, *, carries_value: bool) -> str:
    known = next((words for form, words in _KNOWN_REFUSALS if form.search(message)), None)
    own = known or _CURES.get(kind, "an answer that is not known")
    if carries_value or not message or not message.isprintable():
        return own
    return f"{own} ({message[:_MOST_SHOWN]})"


def _wait(message: str) -> float | None:
    if _LOCKED.search(message):
        return _LOCKED_FOR_S
    told = _WAIT.search(message)
    return float(told[1]) * _UNIT_S[told[2].lower()] if told else None


def _message(text: str) -> str:
    found = _MESSAGE.search(text)
    return (found[1] or found[2] or "") if found else ""
