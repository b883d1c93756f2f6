"""Deliveries that are nearly genuine, and genuine ones whose bodies are anything."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, TypeAlias

from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.webhooks import (
    Delivery,
    Dialect,
    WebhookRefusedError,
    WebhookUnusableError,
    is_genuine,
    read_claim,
    read_notice,
)
from tests.proof.bad_inputs.documents import changed_members, members_of, odd_value, rendered, strictly_read
from tests.proof.bad_inputs.names import path_expected
from tests.proof.bad_inputs.search import REFUSED, Target, differs_from
from tests.proof.bad_inputs.texts import mangled_bytes, noise
from tests.support.hooks import PROJECT, SECRET, SIGNATURE, modified, ms_of, signed

Sent: TypeAlias = tuple[tuple[tuple[bytes, bytes], ...], bytes]
"""Headers and body."""

NOW: Final = datetime(2026, 11, 26, 12, 0, 0, 250_000, tzinfo=UTC)
_TOLERANCE: Final = timedelta(seconds=300)
_FOLDERS: Final = ("/auth/jwt", "/auth/aes/versions", "/", "/database")


def _of_infisical(folder: str) -> Sent:
    body = modified(NOW, folder, project={"projectName": "Größe"})
    return ((SIGNATURE.encode(), signed(body, NOW)[SIGNATURE].encode()),), body


def _of_guide(folder: str) -> Sent:
    members = {"id": folder, "event": "secret.updated", "project_id": PROJECT, "environment": "dev"}
    body = json.dumps(members | {"secret_path": folder, "timestamp": NOW.isoformat()}).encode()
    mac = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    return ((SIGNATURE.encode(), f"sha256={mac}".encode()),), body


def _of_standard(folder: str) -> Sent:
    name, seconds = f"msg_{len(folder)}", str(int(NOW.timestamp()))
    body = json.dumps({"type": "secrets.modified", "data": {"secretPath": folder}}).encode()
    mac = base64.b64encode(hmac.new(SECRET.encode(), f"{name}.{seconds}.".encode() + body, hashlib.sha256).digest())
    values = (name.encode(), seconds.encode(), b"v1," + mac)
    return tuple(zip((b"webhook-id", b"webhook-timestamp", b"webhook-signature"), values, strict=True)), body


GOOD: Final = tuple(make(folder) for folder in _FOLDERS for make in (_of_infisical, _of_guide, _of_standard))
_VALUES: Final = tuple(value for headers, _ in GOOD for _, value in headers)
_BODIES: Final = tuple(body for _, body in GOOD)


def _some_delivery(dice: Random) -> Sent:
    headers, body = dice.choice(GOOD)
    changed = list(headers)
    at = dice.randrange(len(changed))
    name, value = changed[at]
    match dice.randrange(8):
        case 0:
            return headers, body
        case 1:
            return headers, mangled_bytes(body, dice, _BODIES)
        case 2:
            changed[at] = name, dice.choice(_VALUES)
        case 3:
            changed.append((name, dice.choice((value, mangled_bytes(value, dice)))))
        case 4:
            changed.pop(at)
        case 5:
            changed[at] = mangled_bytes(name, dice), value
        case 6:
            changed[at] = name, noise(dice).encode("utf-8", "surrogatepass")
        case _:
            changed[at] = name, mangled_bytes(value, dice, _VALUES)
    return tuple(changed), body


def _believed(given: Sent) -> object:
    headers, body = given
    claim = read_claim(Delivery(headers=headers, body=body), frozenset(Dialect))
    if not is_genuine(claim, KeyMaterial(SECRET.encode())):
        return REFUSED
    return read_notice(claim, body, NOW.timestamp(), _TOLERANCE).event


def _as_it_was_sent(given: Sent) -> object:
    """The event where headers that matter and body are those of one good delivery, in any order, each once."""
    headers, body = given
    mattering = sorted(pair for pair in headers if pair[0] == SIGNATURE.encode() or pair[0].startswith(b"webhook-"))
    found = [good for good in GOOD if _among(good[0], mattering) and good[1] == body]
    document = json.loads(body) if found else {}
    return document.get("event", document.get("type")) if found else REFUSED


def _among(good: Iterable[tuple[bytes, bytes]], found: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether these are the headers, but for signatures of other versions beside the good one."""
    wanted = dict(good)
    if [name for name, _ in found] != sorted(wanted):
        return False
    for name, value in found:
        parts = value.split(b" ") if name == b"webhook-signature" else [value]
        if wanted[name] not in parts or not all(part == wanted[name] or _is_another(part) for part in parts):
            return False
    return True


def _is_another(part: bytes) -> bool:
    version, comma, text = part.partition(b",")
    digits = text.rstrip(b"=")
    is_version = version[:1] == b"v" and version[1:].rstrip(b"abcdefghijklmnopqrstuvwxyz").isdigit()
    return bool(comma) and is_version and digits.translate(None, b"+/").isalnum() and len(text) - len(digits) < 3


FORGED: Final[Target[Sent]] = Target(
    name="webhook delivery",
    make=_some_delivery,
    read=_believed,
    refusals=(WebhookRefusedError, WebhookUnusableError),
    fault=differs_from(_as_it_was_sent),
    share=50_000,
)


def _some_body(dice: Random) -> bytes:
    if dice.random() < 0.1:
        return dice.choice((noise(dice), odd_value(dice))).encode("utf-8", "surrogatepass")
    project = {"workspaceId": PROJECT, "environment": "dev", "secretPath": dice.choice(_FOLDERS), "projectId": "p"}
    members = members_of({"event": "secrets.modified", "timestamp": ms_of(NOW)})
    inner = members_of(project)
    if dice.random() < 0.6:
        inner = changed_members(inner, dice)
    members.append(("project", dice.choice((rendered(inner, dice), rendered(inner, dice), odd_value(dice)))))
    if dice.random() < 0.3:
        members = changed_members(members, dice)
    text = rendered(members, dice).encode("utf-8", "surrogatepass")
    return mangled_bytes(text, dice) if dice.random() < 0.1 else text


def _noticed(body: bytes) -> object:
    claim = read_claim(Delivery(headers=[(SIGNATURE.encode(), _signature(body))], body=body), frozenset(Dialect))
    notice = read_notice(claim, body, NOW.timestamp(), _TOLERANCE)
    folder = None if notice.folder is None else str(notice.folder)
    return notice.event, notice.project, notice.environment, folder


def _signature(body: bytes) -> bytes:
    return signed(body, NOW)[SIGNATURE].encode()


def _said(body: bytes) -> object:
    """What a strict reader of JSON finds."""
    try:
        document = strictly_read(body.decode("utf-8"))
    except UnicodeDecodeError:
        return REFUSED
    if not isinstance(document, dict) or type(document.get("timestamp")) is not int:
        return REFUSED
    if document["timestamp"] != ms_of(NOW) or not isinstance(document.get("event"), str):
        return REFUSED
    project = document.get("project")
    found = project if isinstance(project, dict) else {}
    names = [found.get(name) for name in ("projectId", "workspaceId", "id")]
    path = path_expected(found.get("secretPath"))
    return (
        document["event"],
        next((name for name in names if isinstance(name, str) and name), None),
        _text_or_none(found, "environment"),
        None if path is REFUSED else path,
    )


def _text_or_none(members: Mapping[str, object], name: str) -> object:
    value = members.get(name)
    return value if isinstance(value, str) and value else None


BODY: Final[Target[bytes]] = Target(
    name="webhook body",
    make=_some_body,
    read=_noticed,
    refusals=(WebhookRefusedError, WebhookUnusableError),
    fault=differs_from(_said),
    share=6_000,
)
