"""Keys as the store keeps them: the one line."""

import json
import re
from datetime import UTC, datetime
from random import Random
from typing import Final

from journal_keys.domain import base64url, material
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.exposure import expose
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keys import ALGORITHMS, Algorithm, Family, Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord
from tests.proof.bad_inputs import jwks, keys
from tests.proof.bad_inputs.documents import altered, strictly_read
from tests.proof.bad_inputs.encodings import slowly_decoded
from tests.proof.bad_inputs.search import REFUSED, Target, differs_from
from tests.proof.bad_inputs.texts import mangled, noise, noise_bytes

_MADE: Final = datetime(2026, 1, 1, 12, 30, 0, 5, tzinfo=UTC)
AES: Final = bytes(range(32))
_AES_KID: Final = material.aes_kid(KeyMaterial(AES))


def record_of(algorithm: Algorithm, kid: str, key: bytes) -> MaterialRecord:
    """A stored key, right or wrong."""
    family = Family.AES if algorithm is Algorithm.A256GCM else Family.JWT
    return MaterialRecord(family=family, kid=Kid(kid), algorithm=algorithm, created_at=_MADE, key=KeyMaterial(key))


def _kid_of(algorithm: Algorithm) -> str:
    return PublicJwk.from_members(jwks.GOOD[algorithm]).kid()


RECORDS: Final = (
    *(record_of(one, _kid_of(one), keys.der(key)) for one, key in keys.SIGNING.items()),
    record_of(Algorithm.A256GCM, _AES_KID, AES),
)
_LINES: Final = tuple(expose(material.encode(record)).decode() for record in RECORDS)
_DOCUMENTS: Final[tuple[dict[str, object], ...]] = tuple(json.loads(base64url.decode(line)) for line in _LINES)
_MOMENTS: Final = (
    "0001-01-01T00:00:00.000000+23:59",
    "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00.000000+00:00",
    "2026-01-01T12:30:00.000005+01:00",
    "2026-01-01T12:30:00.000005",
    "2026-01-01T12:30:00Z",
    "2026-W01-4",
    "20260101",
    "2026-02-30T00:00:00.000000+00:00",
)


def _some_line(dice: Random) -> bytes:
    kind, line = dice.randrange(10), dice.choice(_LINES)
    if kind == 0:
        return line.encode()
    if kind == 1:
        return dice.choice((noise(dice).encode("utf-8", "replace"), noise_bytes(dice)))
    if kind < 5:
        return mangled(line, dice, _LINES).encode("utf-8", "replace")
    document = dict(dice.choice(_DOCUMENTS))
    if kind == 5:
        document["created"] = dice.choice(_MOMENTS)
    text = json.dumps(document, sort_keys=True, separators=(",", ":")) if kind < 8 else altered(document, dice)
    return base64url.encode(text.encode(dice.choice(("utf-8", "utf-8", "utf-16")), "replace")).encode()


def _decoded(line: bytes) -> object:
    record = material.decode(KeyMaterial(line))
    return record.family.value, record.kid, record.algorithm.value, record.created_at, expose(record.key)


def _expected(line: bytes) -> object:
    """The five fields of a document that is the line's one meaning, and whose line this one is."""
    text = slowly_decoded(line.decode("latin-1"))
    document = strictly_read(text.decode("latin-1")) if isinstance(text, bytes) and text.isascii() else REFUSED
    fields = ["alg", "created", "family", "key", "kid", "v"]
    if not isinstance(document, dict) or sorted(document) != fields or len(line) > 16 * 1024:
        return REFUSED
    texts = [document[name] for name in fields[:-1]]
    if not all(isinstance(one, str) for one in texts) or repr(document["v"]) != "1":
        return REFUSED
    if json.dumps(document, sort_keys=True, separators=(",", ":")).encode() != text:
        return REFUSED
    return _fields(*texts)


def _fields(algorithm: str, created: str, family: str, key: str, kid: str) -> object:
    secret, at = slowly_decoded(key), _moment(created)
    known = algorithm in {str(one) for one in ALGORITHMS.get(family, ())}  # type: ignore[call-overload]
    named = re.fullmatch("[A-Za-z_][A-Za-z0-9_-]{0,63}", kid, re.ASCII)
    if not known or not named or at is None or not isinstance(secret, bytes):
        return REFUSED
    if family == "aes" and len(secret) != 32:
        return REFUSED
    return family, Kid(kid), algorithm, at, secret


def _moment(text: str) -> datetime | None:
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", text, re.ASCII):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


LINE: Final[Target[bytes]] = Target(
    name="material.decode",
    make=_some_line,
    read=_decoded,
    refusals=(MaterialCorruptError,),
    fault=differs_from(_expected),
    share=4_000,
)
