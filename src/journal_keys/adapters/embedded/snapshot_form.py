"""A snapshot as canonical JSON, and back: strict on the way in."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from journal_keys.domain import base64url, canonical
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.exposure import expose
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, KeyVersion, parse_algorithm, parse_family, parse_kid
from journal_keys.domain.ledger_clock import ZERO, ClockReading
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.snapshot import KeptRing, KeptSecret, Snapshot

_VERSION: Final = 1
_MICROSECOND: Final = timedelta(microseconds=1)
_LATER: Final = ("activated_at", "deactivated_at", "compromised_at", "destroyed_at")
_MOMENTS: Final = ("created_at", "published_at", *_LATER)


def to_text(snapshot: Snapshot) -> bytes:
    """Write one line of ASCII. It holds the secrets in clear."""
    document = {
        "v": _VERSION,
        "taken": _reading(snapshot.taken),
        "rings": {family.value: _ring(kept) for family, kept in snapshot.rings.items()},
        "secrets": {
            str(path): {"value": _bytes(kept.value), "age": kept.age // _MICROSECOND}
            for path, kept in snapshot.secrets.items()
        },
        "encryptions": snapshot.encryptions,
    }
    return canonical.to_json(document).encode("ascii")


def from_text(text: bytes) -> Snapshot | None:
    """Read what `to_text` wrote; None for anything else: an error from here would carry the whole text along."""
    try:
        document = canonical.from_json(text.decode("ascii"))
        snapshot = _to_snapshot(document) if document["v"] == _VERSION else None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, JournalKeysError):
        return None
    return snapshot


def _reading(reading: ClockReading) -> dict[str, object]:
    return {"wall": _moment(reading.wall), "uptime": reading.uptime // _MICROSECOND, "boot": reading.boot}


def _ring(kept: KeptRing) -> dict[str, object]:
    return {
        "generation": kept.ring.generation,
        "changed_at": _moment(kept.ring.changed_at),
        "versions": [_version(version) for version in kept.ring.versions],
        "confirmed_at": _moment(kept.confirmed_at),
        "age": kept.age // _MICROSECOND,
        "material": {kid: _bytes(line) for kid, line in kept.material.items()},
    }


def _version(version: KeyVersion) -> dict[str, object]:
    return {
        "kid": version.kid,
        "alg": version.algorithm.value,
        "digest": version.digest,
        "jwk": dict(version.public_jwk.members) if version.public_jwk else None,
        "state": version.state.value,
        **{name: _moment(getattr(version, name)) for name in _MOMENTS},
        **({"derived": version.derived_kid} if version.derived_kid else {}),
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


def _bytes(value: KeyMaterial) -> str:
    return base64url.encode(expose(value))


def _to_snapshot(document: Mapping[str, Any]) -> Snapshot:
    taken = document["taken"]
    return Snapshot(
        taken=ClockReading(
            wall=_to_moment(taken["wall"]), uptime=timedelta(microseconds=taken["uptime"]), boot=taken["boot"]
        ),
        rings={
            parse_family(family): _to_ring(parse_family(family), ring) for family, ring in document["rings"].items()
        },
        secrets={SecretPath.parse(path): _to_secret(kept) for path, kept in document["secrets"].items()},
        encryptions=_to_count(document["encryptions"]),
    )


def _to_ring(family: Family, ring: Mapping[str, Any]) -> KeptRing:
    return KeptRing(
        ring=KeyRing(
            family=family,
            generation=ring["generation"],
            changed_at=_to_moment(ring["changed_at"]),
            versions=tuple(_to_version(family, version) for version in ring["versions"]),
        ),
        confirmed_at=_to_moment(ring["confirmed_at"]),
        age=_to_age(ring["age"]),
        material={parse_kid(kid): KeyMaterial(base64url.decode(line)) for kid, line in ring["material"].items()},
    )


def _to_version(family: Family, version: Mapping[str, Any]) -> KeyVersion:
    moments = {name: _to_moment(version[name]) if version[name] else None for name in _LATER}
    return KeyVersion(
        kid=parse_kid(version["kid"]),
        family=family,
        algorithm=parse_algorithm(version["alg"], family),
        digest=version["digest"],
        public_jwk=PublicJwk.from_members(version["jwk"]) if version["jwk"] else None,
        state=KeyState(version["state"]),
        created_at=_to_moment(version["created_at"]),
        published_at=_to_moment(version["published_at"]),
        derived_kid=parse_kid(version["derived"]) if "derived" in version else None,
        **moments,
    )


def _to_secret(kept: Mapping[str, Any]) -> KeptSecret:
    return KeptSecret(value=KeyMaterial(base64url.decode(kept["value"])), age=_to_age(kept["age"]))


def _to_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if _moment(moment) != text:
        raise ValueError("a moment is ISO 8601 in UTC with microseconds")
    return moment


def _to_count(number: object) -> int:
    if not isinstance(number, int) or number < 0:
        raise ValueError("a count is a whole number, not negative")
    return number


def _to_age(microseconds: int) -> timedelta:
    age = timedelta(microseconds=microseconds)
    if age < ZERO:
        raise ValueError("an age is not negative")
    return age
