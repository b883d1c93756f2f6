"""Webhooks as they are sent: whether one is genuine and fresh, what it says, and whom it concerns.

Nothing of a body is read before its signature is good, and no refusal repeats anything that was sent.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeAlias

from journal_keys.domain import canonical
from journal_keys.domain.errors import InvalidPathError, RefusedError
from journal_keys.domain.exposure import as_text, expose
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath, family_folder

INFISICAL_HEADER: Final = b"x-infisical-signature"
_ID_HEADER: Final = b"webhook-id"
_TIME_HEADER: Final = b"webhook-timestamp"
_STANDARD_HEADER: Final = b"webhook-signature"
_SIGNATURE_HEADERS: Final = frozenset({INFISICAL_HEADER, _STANDARD_HEADER})
CLAIM_HEADERS: Final = _SIGNATURE_HEADERS | {_ID_HEADER, _TIME_HEADER}
"""All that a claim is read from, beside the body."""

_INFISICAL: Final = re.compile(rb"t=([1-9][0-9]{0,14});([0-9a-f]{64})\Z")
_GUIDE: Final = re.compile(rb"sha256=([0-9a-f]{64})\Z")
_ID: Final = re.compile(rb"[!-\-/-~]{1,255}\Z")
"""Printable, and no dot, since dots part what is signed."""
_SECONDS: Final = re.compile(rb"[0-9]{1,12}\Z")
_V1: Final = re.compile(rb"v1,([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)\Z")
"""32 bytes, of which there is one form only: the bits behind the last one are zero (RFC 4648 §3.5)."""
_SIGNATURES: Final = re.compile(rb"(v[0-9]{1,2}[a-z]?,[A-Za-z0-9+/]{1,512}={0,2}( (?!\Z)|\Z)){1,16}\Z")
"""One or several, with single blanks between; those of other versions are passed over."""
_STANDARD_SECRET: Final = b"whsec_"

LONGEST_TOLERANCE: Final = timedelta(seconds=600)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)

TEST: Final = "test"
CHANGES: Final = frozenset({"secrets.modified", "secret.created", "secret.updated", "secret.deleted"})
"""What says that secrets changed: Infisical's one event for all, and the integration guide's three."""


class Dialect(StrEnum):
    """In which form a delivery is signed and written.

    `infisical`: as its servers send it (`backend/src/services/webhook/webhook-fns.ts`). `guide`: as the integration
    guide writes it. `standard`: Standard Webhooks, https://www.standardwebhooks.com, signature `v1`.
    """

    INFISICAL = "infisical"
    GUIDE = "guide"
    STANDARD = "standard"


class WebhookRefusedError(RefusedError):
    """The delivery is not shown to come from who holds the secret, or not to be fresh."""


class WebhookUnusableError(RefusedError):
    """The delivery is genuine, and its body is of a form that says nothing about secrets."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Delivery:
    """One request as it came: headers as raw bytes, their names in lower case, and the exact bytes of the body."""

    headers: Sequence[tuple[bytes, bytes]]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Claim:
    """What a delivery's headers say, before anything of it is believed.

    `signed` are the bytes under the signature, `macs` the signatures, one of which is to fit. `sent_ms`, milliseconds
    since 1970, and `name` are None where the headers do not carry them.
    """

    dialect: Dialect
    signed: bytes
    macs: tuple[bytes, ...]
    sent_ms: int | None = None
    name: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a genuine and fresh delivery says. `digest` (64 hex digits) is the same for a repeat, and for nothing else.

    `sent_ms` (milliseconds since 1970) is when it says that it was sent.
    `folder` is where something changed, or one secret of it; None for no place that a secret of ours could have.
    """

    digest: str
    sent_ms: int
    event: str
    project: str | None
    environment: str | None
    folder: SecretPath | None

    def lag_s(self, arrived_s: float) -> float:
        """How long it was under way, by the clocks of both ends; 0 where the sender's goes ahead (Unix seconds)."""
        return max(arrived_s - self.sent_ms / 1000, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whose notices are ours: those of this environment, and of this project, where one is named."""

    project: str | None
    environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What lies at this path, or below it, was forgotten. These rings have keys there."""

    event: str
    folder: SecretPath
    families: tuple[Family, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadySeen:
    """The same delivery came before: nothing was done."""

    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """The delivery is genuine, and nothing was done."""

    event: str
    because: str


WebhookOutcome: TypeAlias = Taken | AlreadySeen | Ignored


def read_claim(delivery: Delivery, dialects: frozenset[Dialect]) -> Claim:
    """Read what the headers say.

    Raises:
        WebhookRefusedError: there is no signature, there are several, or it is of no form that is accepted.
    """
    signatures = [one for one in delivery.headers if one[0] in _SIGNATURE_HEADERS]
    if not signatures:
        raise WebhookRefusedError("the delivery is not signed: give the hook a secret")
    if len(signatures) > 1:
        raise WebhookRefusedError("the delivery has several signature headers")
    name, value = signatures[0]
    claim = _of_standard(delivery, value) if name == _STANDARD_HEADER else _of_one_header(delivery, value)
    if claim.dialect not in dialects:
        raise WebhookRefusedError(f"deliveries of the dialect {claim.dialect} are not accepted here")
    return claim


def is_genuine(claim: Claim, secret: KeyMaterial) -> bool:
    """Whether one of the signatures is made with this secret; the time that takes does not tell how much of it fits.

    Blanks around a secret do not count (the server cuts them off, too); an empty one signs nothing.
    """
    key = _signing_key(claim.dialect, expose(secret).strip())
    if not key:
        return False
    made = hmac.digest(key, claim.signed, "sha256")
    return any(hmac.compare_digest(made, mac) for mac in claim.macs)


def read_notice(claim: Claim, body: bytes, now_s: float, tolerance: timedelta) -> Notice:
    """Read the body of a genuine delivery, at that time (Unix seconds).

    Raises:
        WebhookRefusedError: it was not signed within the tolerance of now, or does not say when.
        WebhookUnusableError: the body is not JSON with an event.
    """
    document = _document(body)
    sent_ms = _sent_ms(claim, document)
    if sent_ms is None:
        raise WebhookRefusedError("the body does not say under its signature when it was sent")
    refuse_stale(sent_ms, now_s, tolerance)
    event = document.get("type" if claim.dialect is Dialect.STANDARD else "event")
    if not isinstance(event, str):
        raise WebhookUnusableError("the body has no event: let the hook's type be general, not Slack or Teams")
    identity = _identity(claim, document) or body
    place = _PLACES[claim.dialect](document)
    return Notice(
        digest=hashlib.sha256(claim.dialect.encode("ascii") + b"\0" + identity).hexdigest(),
        sent_ms=sent_ms,
        event=event,
        project=place[0] or None,
        environment=place[1] or None,
        folder=_path_or_none(place[2]),
    )


def refuse_stale(sent_ms: int, now_s: float, tolerance: timedelta) -> None:
    """Return where a delivery was sent (milliseconds since 1970) within the tolerance of now (Unix seconds).

    Raises:
        WebhookRefusedError: it was not.
    """
    if abs(int(now_s * 1000) - sent_ms) > tolerance // _MS:
        raise WebhookRefusedError(
            f"the delivery was not sent within {tolerance.total_seconds():g} s of now: a replay, or a clock is wrong"
        )


def why_ignored(notice: Notice, place: Place) -> str | None:
    """Say why nothing follows from this notice, None where something does."""
    if notice.event == TEST:
        return "a test changes nothing"
    if notice.event not in CHANGES:
        return "the event does not say that a secret changed"
    if place.project is not None and notice.project != place.project:
        return "the notice is of another project"
    if notice.environment != place.environment:
        return "the notice is of another environment"
    return "no secret of ours can lie there" if notice.folder is None else None


def families_at(folder: SecretPath) -> tuple[Family, ...]:
    """Give the rings that have secrets at this path, or below it, segment by segment."""
    homes = {family: family_folder(family.value) for family in Family}
    return tuple(family for family, home in homes.items() if folder.is_within(home) or home.is_within(folder))


def _values(delivery: Delivery, name: bytes) -> list[bytes]:
    return [value for found, value in delivery.headers if found == name]


def _of_one_header(delivery: Delivery, value: bytes) -> Claim:
    found = _INFISICAL.match(value)
    if found:
        mac = bytes.fromhex(found[2].decode("ascii"))
        return Claim(dialect=Dialect.INFISICAL, signed=delivery.body, macs=(mac,), sent_ms=int(found[1]))
    found = _GUIDE.match(value)
    if found:
        return Claim(dialect=Dialect.GUIDE, signed=delivery.body, macs=(bytes.fromhex(found[1].decode("ascii")),))
    raise WebhookRefusedError("the signature header is malformed: expected t=<milliseconds>;<64 lower-case hex digits>")


def _of_standard(delivery: Delivery, value: bytes) -> Claim:
    names, times = _values(delivery, _ID_HEADER), _values(delivery, _TIME_HEADER)
    well_formed = len(names) == len(times) == 1 and _ID.match(names[0]) and _SECONDS.match(times[0])
    parts = value.split(b" ")
    macs = tuple(base64.b64decode(found[1]) for part in parts if (found := _V1.match(part)))
    if not well_formed or not macs or not _SIGNATURES.match(value):
        raise WebhookRefusedError("webhook-id, webhook-timestamp or webhook-signature is missing or malformed")
    return Claim(
        dialect=Dialect.STANDARD,
        signed=b".".join((names[0], times[0], delivery.body)),
        macs=macs,
        sent_ms=int(times[0]) * 1000,
        name=names[0],
    )


def _signing_key(dialect: Dialect, secret: bytes) -> bytes:
    if dialect is not Dialect.STANDARD or not secret.startswith(_STANDARD_SECRET):
        return secret
    try:
        return base64.b64decode(secret.removeprefix(_STANDARD_SECRET), validate=True)
    except binascii.Error:
        return b""


def _document(body: bytes) -> Mapping[str, Any]:
    text = as_text(body)
    try:
        document = None if text is None else canonical.from_json(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise WebhookUnusableError("the body is not a JSON object in UTF-8, or repeats a member")
    return document


def _sent_ms(claim: Claim, document: Mapping[str, Any]) -> int | None:
    """Give the signed time: the header of Infisical's dialect lies outside the signature, so the body has to agree."""
    if claim.dialect is Dialect.STANDARD:
        return claim.sent_ms
    signed = document.get("timestamp")
    if claim.dialect is Dialect.GUIDE:
        return _ms_of_iso(signed)
    return claim.sent_ms if type(signed) is int and signed == claim.sent_ms else None


def _identity(claim: Claim, document: Mapping[str, Any]) -> bytes:
    """Give the name by which the sender tells deliveries apart: Infisical has none, and repeats body and time."""
    if claim.dialect is Dialect.GUIDE:
        return _text(document.get("id")).encode("utf-8", "surrogatepass")
    return claim.name or b""


def _ms_of_iso(text: object) -> int | None:
    try:
        moment = datetime.fromisoformat(_text(text))
        return None if moment.tzinfo is None else (moment - _EPOCH) // _MS
    except (ValueError, OverflowError):
        return None


def _of_project(document: Mapping[str, Any]) -> tuple[str, str, str]:
    found = document.get("project")
    project: Mapping[str, Any] = found if isinstance(found, dict) else {}
    name = _text(project.get("projectId")) or _text(project.get("workspaceId")) or _text(project.get("id"))
    return name, _text(project.get("environment")), _text(project.get("secretPath"))


def _of_guide(document: Mapping[str, Any]) -> tuple[str, str, str]:
    return (
        _text(document.get("project_id")),
        _text(document.get("environment")),
        _text(document.get("secret_path")),
    )


def _of_data(document: Mapping[str, Any]) -> tuple[str, str, str]:
    return _of_project({"project": document.get("data")})


_PLACES: Final = {Dialect.INFISICAL: _of_project, Dialect.GUIDE: _of_guide, Dialect.STANDARD: _of_data}
"""Where each dialect says project, environment and path: empty for what it does not say."""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _path_or_none(text: str) -> SecretPath | None:
    try:
        return SecretPath.parse(text)
    except InvalidPathError:
        return None
