"""Webhooks: recorded deliveries are believed, and nothing else; what each says, and whom it concerns."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.webhooks import (
    Delivery,
    Dialect,
    Notice,
    Place,
    WebhookRefusedError,
    WebhookUnusableError,
    families_at,
    is_genuine,
    read_claim,
    read_notice,
    why_ignored,
)
from tests.support.hooks import PROJECT, SECRET, SIGNATURE, Recording, delivery, modified, ms_of, recordings, signed

NOW = datetime(2026, 11, 26, 12, 0, 0, 250_000, tzinfo=UTC)
TOLERANCE = timedelta(seconds=300)
ALL = frozenset(Dialect)
SIGNED = [one for one in recordings() if one.secret is not None]
PLACE = Place(project=PROJECT, environment="dev")


def believed(sent: Delivery, secret: str = SECRET, *, at: datetime = NOW, dialects: frozenset[Dialect] = ALL) -> Notice:
    claim = read_claim(sent, dialects)
    if not is_genuine(claim, KeyMaterial(secret.encode())):
        raise WebhookRefusedError("another secret")
    return read_notice(claim, sent.body, at.timestamp(), TOLERANCE)


@pytest.mark.parametrize("one", SIGNED, ids=lambda one: one.what)
def test_what_a_server_was_recorded_to_send_is_believed(one: Recording) -> None:
    assert one.secret is not None
    notice = believed(one.delivery, one.secret, at=one.received_at)
    folder = json.loads(one.body)["project"]["secretPath"]
    assert (notice.event, notice.project, notice.environment) == ("secrets.modified", PROJECT, "dev")
    assert str(notice.folder) == folder
    assert why_ignored(notice, PLACE) is None


def test_the_retries_of_one_delivery_have_one_digest_and_every_other_delivery_has_its_own() -> None:
    tries = [one for one in SIGNED if "try" in one.what]
    assert len(tries) == 3
    digests = {believed(one.delivery, one.secret or "", at=one.received_at).digest for one in tries}
    assert len(digests) == 1
    assert len({believed(one.delivery, one.secret or "", at=one.received_at).digest for one in SIGNED}) == (
        len(SIGNED) - len(tries) + 1
    )


def test_a_recorded_delivery_of_a_hook_without_a_secret_is_refused() -> None:
    unsigned = next(one for one in recordings() if one.secret is None)
    with pytest.raises(WebhookRefusedError, match="not signed"):
        read_claim(unsigned.delivery, ALL)


@pytest.mark.parametrize("one", SIGNED[:1], ids=lambda one: one.what)
def test_every_change_of_one_byte_of_the_body_is_refused(one: Recording) -> None:
    for place in range(len(one.body)):
        for bit in range(8):
            body = bytearray(one.body)
            body[place] ^= 1 << bit
            with pytest.raises(WebhookRefusedError):
                believed(replace(one.delivery, body=bytes(body)), one.secret or "", at=one.received_at)


@pytest.mark.parametrize("one", SIGNED[:1], ids=lambda one: one.what)
def test_every_change_of_one_byte_of_the_signature_header_is_refused(one: Recording) -> None:
    value = one.headers[SIGNATURE].encode()
    for place in range(len(value)):
        for byte in range(256):
            if byte == value[place]:
                continue
            changed = value[:place] + bytes([byte]) + value[place + 1 :]
            with pytest.raises(WebhookRefusedError):
                believed(
                    Delivery(headers=[(SIGNATURE.encode(), changed)], body=one.body),
                    one.secret or "",
                    at=one.received_at,
                )


MAC = "a" * 64


@pytest.mark.parametrize(
    "value",
    [
        "",
        MAC,
        f"t=1795524713281,{MAC}",
        f"t=1795524713281;v1={MAC}",
        f"t=;{MAC}",
        f"t=-5;{MAC}",
        f"t=1.5;{MAC}",
        f"t=1795524713281;{MAC};",
        f"t=1795524713281;{MAC[:-1]}",
        f"t=1795524713281;{MAC}a",
        f"t=1795524713281;{MAC.upper()}",
        f"t=1795524713281;{MAC}\n",
        f" t=1795524713281;{MAC}",
        f"t={'9' * 16};{MAC}",
        f"t=\u0661;{MAC}",
        f"sha256={MAC.upper()}",
        f"sha256={MAC[:-1]}",
        f"sha1={MAC}",
        f"SHA256={MAC}",
    ],
)
def test_a_malformed_signature_header_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(WebhookRefusedError) as refusal:
        read_claim(delivery(b"{}", {SIGNATURE: value}), ALL)
    assert MAC not in str(refusal.value)


def test_two_signature_headers_are_refused_even_if_both_are_good() -> None:
    body = modified(NOW)
    headers = [(SIGNATURE.encode(), signed(body, NOW)[SIGNATURE].encode())] * 2
    with pytest.raises(WebhookRefusedError, match="several"):
        read_claim(Delivery(headers=headers, body=body), ALL)


@pytest.mark.parametrize("secret", ["", " ", "\n"])
def test_an_empty_secret_signs_nothing(secret: str) -> None:
    body = modified(NOW)
    for made_with in (secret, secret.strip()):
        claim = read_claim(delivery(body, signed(body, NOW, made_with)), ALL)
        assert not is_genuine(claim, KeyMaterial(secret.encode()))


def test_blanks_around_a_secret_do_not_count_as_with_the_server() -> None:
    body = modified(NOW)
    assert is_genuine(read_claim(delivery(body, signed(body, NOW)), ALL), KeyMaterial(f" {SECRET}\n".encode()))


def test_a_body_that_is_not_ascii_is_signed_as_its_bytes() -> None:
    body = modified(NOW, project={"projectName": "Größe \U0001f511"})
    assert believed(delivery(body, signed(body, NOW))).project == PROJECT


@pytest.mark.parametrize(
    ("off", "good"),
    [
        (timedelta(0), True),
        (TOLERANCE, True),
        (-TOLERANCE, True),
        (TOLERANCE + timedelta(milliseconds=1), False),
        (-TOLERANCE - timedelta(milliseconds=1), False),
        (timedelta(days=365), False),
        (-timedelta(days=365), False),
    ],
)
def test_a_delivery_is_fresh_within_the_tolerance_of_now_on_both_sides(off: timedelta, good: bool) -> None:  # noqa: FBT001
    sent = NOW + off
    body = modified(sent)
    if good:
        assert believed(delivery(body, signed(body, sent))).event == "secrets.modified"
        return
    with pytest.raises(WebhookRefusedError, match="within 300 s of now"):
        believed(delivery(body, signed(body, sent)))


@pytest.mark.parametrize("timestamp", [None, "1795524713281", 1795524713281.0, True, [], {}, -1])
def test_a_time_that_the_body_does_not_carry_under_its_signature_is_refused(timestamp: object) -> None:
    body = modified(NOW, timestamp=timestamp)
    with pytest.raises(WebhookRefusedError, match="under its signature"):
        believed(delivery(body, signed(body, NOW)))


def test_a_replay_with_a_new_time_in_the_header_is_refused() -> None:
    long_ago = NOW - timedelta(days=1)
    body = modified(long_ago)
    with pytest.raises(WebhookRefusedError, match="under its signature"):
        believed(delivery(body, signed(body, NOW)))


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"text"', b"{", b"\xff\xfe{}", b'{"a":1,"a":1}', b'{"a":NaN}', b"{" * 5000, b"1e999"],
)
def test_a_genuine_body_that_is_no_json_object_is_unusable(body: bytes) -> None:
    with pytest.raises(WebhookUnusableError, match="not a JSON object"):
        believed(delivery(body, signed(body, NOW)))


SLACK = {"text": "A secret value has been added or modified.", "attachments": [{"color": "#E7F256", "fields": []}]}
TEAMS = {"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive"}]}


@pytest.mark.parametrize("document", [SLACK, TEAMS, {}, {"event": 5}, {"event": None}])
def test_a_body_for_slack_or_teams_is_unusable_and_the_cure_is_named(document: Mapping[str, object]) -> None:
    body = json.dumps({**document, "timestamp": ms_of(NOW)}).encode()
    with pytest.raises(WebhookUnusableError, match="general, not Slack or Teams"):
        believed(delivery(body, signed(body, NOW)))


@pytest.mark.parametrize("project", [None, "text", [], 5])
def test_a_project_of_another_type_says_nothing(project: object) -> None:
    body = json.dumps({"event": "secrets.modified", "project": project, "timestamp": ms_of(NOW)}).encode()
    notice = believed(delivery(body, signed(body, NOW)))
    assert (notice.project, notice.environment, notice.folder) == (None, None, None)


@pytest.mark.parametrize(
    ("project", "found"),
    [
        ({"workspaceId": "w"}, "w"),
        ({"workspaceId": "w", "projectId": "p"}, "p"),
        ({"id": "i", "workspaceId": None}, "i"),
        ({"workspaceId": 5}, None),
    ],
)
def test_the_project_goes_by_several_names(project: Mapping[str, object], found: str | None) -> None:
    body = modified(NOW, project=project)
    assert believed(delivery(body, signed(body, NOW))).project == found


@pytest.mark.parametrize(
    ("folder", "found"),
    [
        ("/auth/jwt", "/auth/jwt"),
        ("/", None),
        ("", None),
        ("/auth/jwt/", None),
        ("auth/jwt", None),
        ("/auth/../jwt", None),
        ("/with a blank", None),
    ],
)
def test_a_folder_where_no_secret_of_ours_can_lie_is_none(folder: str, found: str | None) -> None:
    body = modified(NOW, folder)
    notice = believed(delivery(body, signed(body, NOW)))
    assert notice.folder == (SecretPath.parse(found) if found else None)
    assert (why_ignored(notice, PLACE) is None) == (found is not None)


def test_a_dialect_that_is_off_is_refused_even_if_the_signature_is_good() -> None:
    body = modified(NOW)
    with pytest.raises(WebhookRefusedError, match="infisical are not accepted"):
        believed(delivery(body, signed(body, NOW)), dialects=ALL - {Dialect.INFISICAL})


def in_the_guide_s_form(**changes: object) -> tuple[bytes, Mapping[str, str]]:
    document: dict[str, object] = {
        "id": "event-id",
        "event": "secret.updated",
        "project_id": PROJECT,
        "environment": "dev",
        "secret_path": "/auth/jwt/current_private_key",
        "timestamp": NOW.isoformat().replace("+00:00", "Z"),
    } | changes
    body = json.dumps(document).encode()
    return body, {SIGNATURE: "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()}


def test_the_guide_s_form_is_believed_and_its_id_tells_deliveries_apart() -> None:
    notice = believed(delivery(*in_the_guide_s_form()))
    assert notice.event == "secret.updated"
    assert str(notice.folder) == "/auth/jwt/current_private_key"
    assert why_ignored(notice, PLACE) is None
    again = NOW + timedelta(seconds=1)
    assert believed(delivery(*in_the_guide_s_form(timestamp=again.isoformat()))).digest == notice.digest
    assert believed(delivery(*in_the_guide_s_form(id="another"))).digest != notice.digest
    assert believed(delivery(*in_the_guide_s_form(id=None))).digest != notice.digest


@pytest.mark.parametrize(
    "timestamp", [None, 5, "", "yesterday", "2026-11-26T12:00:00", "0001-01-01T00:00:00+23:59", "2024-01-01T00:00:00Z"]
)
def test_the_guide_s_form_needs_a_fresh_time_with_its_zone(timestamp: object) -> None:
    with pytest.raises(WebhookRefusedError):
        believed(delivery(*in_the_guide_s_form(timestamp=timestamp)))


STANDARD_SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl"
STANDARD = {
    "webhook-id": "msg_loFOjxBNrRLzqYUf",
    "webhook-timestamp": "1731705121",
    "webhook-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
}
STANDARD_BODY = b'{"event_type":"ping","data":{"success":true}}'


def test_the_published_example_of_standard_webhooks_is_genuine() -> None:
    claim = read_claim(delivery(STANDARD_BODY, STANDARD), ALL)
    assert is_genuine(claim, KeyMaterial(STANDARD_SECRET.encode()))
    assert (claim.dialect, claim.sent_ms) == (Dialect.STANDARD, 1_731_705_121_000)
    for secret in (
        STANDARD_SECRET[:-4],
        f"{STANDARD_SECRET}!",
        "whsec_",
        "whsec_!",
        STANDARD_SECRET.removeprefix("whsec_"),
    ):
        assert not is_genuine(claim, KeyMaterial(secret.encode()))


@pytest.mark.parametrize("name", STANDARD)
def test_every_change_of_one_byte_of_a_header_of_standard_webhooks_is_refused(name: str) -> None:
    secret, raw = (
        KeyMaterial(STANDARD_SECRET.encode()),
        {key.encode(): value.encode() for key, value in STANDARD.items()},
    )
    value = raw[name.encode()]
    changed = [
        value[:place] + bytes([byte]) + value[place + 1 :]
        for place in range(len(value))
        for byte in range(256)
        if byte != value[place]
    ]
    for other in changed:
        headers = list({**raw, name.encode(): other}.items())
        try:
            believes = is_genuine(read_claim(Delivery(headers=headers, body=STANDARD_BODY), ALL), secret)
        except WebhookRefusedError:
            continue
        assert not believes, other


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-id": ""},
        {"webhook-id": "a.b"},
        {"webhook-id": "a b"},
        {"webhook-id": "a" * 256},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "9" * 13},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": " " + STANDARD["webhook-signature"]},
        {"webhook-signature": STANDARD["webhook-signature"] + " "},
        {"webhook-signature": "x " + STANDARD["webhook-signature"]},
        {"webhook-signature": "v2,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="},
        {"webhook-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0"},
        {"webhook-signature": " ".join([STANDARD["webhook-signature"]] * 17)},
    ],
)
def test_malformed_headers_of_standard_webhooks_are_refused(changes: Mapping[str, str]) -> None:
    with pytest.raises(WebhookRefusedError):
        read_claim(delivery(STANDARD_BODY, {**STANDARD, **changes}), ALL)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_a_header_of_standard_webhooks_that_is_absent_is_refused(name: str) -> None:
    with pytest.raises(WebhookRefusedError, match="missing"):
        read_claim(delivery(STANDARD_BODY, {k: v for k, v in STANDARD.items() if k != name}), ALL)


def in_standard_form(secret: str, *, at: datetime = NOW, name: str = "msg_1") -> tuple[bytes, Mapping[str, str]]:
    data = {"projectId": PROJECT, "environment": "dev", "secretPath": "/auth/aes"}
    body = json.dumps({"type": "secrets.modified", "timestamp": at.isoformat(), "data": data}).encode()
    seconds = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    mac = hmac.new(key, f"{name}.{seconds}.".encode() + body, hashlib.sha256).digest()
    other = base64.b64encode(bytes(32)).decode()
    signatures = f"v1,{other} v1a,{other} v1,{base64.b64encode(mac).decode()}"
    return body, {"webhook-id": name, "webhook-timestamp": seconds, "webhook-signature": signatures}


@pytest.mark.parametrize("secret", [STANDARD_SECRET, "a plain secret"])
def test_one_good_signature_of_several_is_enough_and_the_id_tells_deliveries_apart(secret: str) -> None:
    notice = believed(delivery(*in_standard_form(secret)), secret)
    assert why_ignored(notice, PLACE) is None
    assert str(notice.folder) == "/auth/aes"
    later = delivery(*in_standard_form(secret, at=NOW + timedelta(seconds=60)))
    assert believed(later, secret).digest == notice.digest
    assert believed(delivery(*in_standard_form(secret, name="msg_2")), secret).digest != notice.digest


def test_a_stale_delivery_of_standard_webhooks_is_refused() -> None:
    with pytest.raises(WebhookRefusedError, match="within"):
        believed(delivery(*in_standard_form(SECRET, at=NOW - timedelta(seconds=302))))


NOTICE = Notice(
    sent_ms=0,
    digest="0" * 64,
    event="secrets.modified",
    project=PROJECT,
    environment="dev",
    folder=SecretPath.parse("/auth/jwt"),
)


@pytest.mark.parametrize(
    ("notice", "place", "because"),
    [
        (NOTICE, PLACE, None),
        (NOTICE, Place(project=None, environment="dev"), None),
        (replace(NOTICE, event="test"), PLACE, "a test changes nothing"),
        (replace(NOTICE, event="test", folder=None, project=None), PLACE, "a test changes nothing"),
        (replace(NOTICE, event="secrets.rotation-failed"), PLACE, "the event does not say that a secret changed"),
        (replace(NOTICE, event="secret.modified"), PLACE, "the event does not say that a secret changed"),
        (replace(NOTICE, event=""), PLACE, "the event does not say that a secret changed"),
        (replace(NOTICE, project="another"), PLACE, "the notice is of another project"),
        (replace(NOTICE, project=None), PLACE, "the notice is of another project"),
        (replace(NOTICE, environment="prod"), PLACE, "the notice is of another environment"),
        (replace(NOTICE, environment=None), PLACE, "the notice is of another environment"),
        (replace(NOTICE, environment="DEV"), PLACE, "the notice is of another environment"),
        (replace(NOTICE, folder=None), PLACE, "no secret of ours can lie there"),
    ],
)
def test_what_concerns_nobody_here_is_ignored_and_says_why(notice: Notice, place: Place, because: str | None) -> None:
    assert why_ignored(notice, place) == because


@pytest.mark.parametrize(
    ("folder", "families"),
    [
        ("/auth", [Family.JWT, Family.AES]),
        ("/auth/jwt", [Family.JWT]),
        ("/auth/jwt/versions", [Family.JWT]),
        ("/auth/aes/keys_map", [Family.AES]),
        ("/auth/jwtx", []),
        ("/auth/webhooks", []),
        ("/jwt", []),
        ("/database", []),
    ],
)
def test_a_ring_is_concerned_segment_by_segment(folder: str, families: list[Family]) -> None:
    assert list(families_at(SecretPath.parse(folder))) == families
