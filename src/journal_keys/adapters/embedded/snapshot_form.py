"""A snapshot as canonical JSON, and back: strict on the way in."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from journal_keys.domain import base64url, canonical
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.exposure import expose
from journal_keys.domain.forms import CLOCK_READING, KEY_VERSIONS, from_moment, items, to_moment
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, parse_family, parse_kid
from journal_keys.domain.ledger_clock import ZERO
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.snapshot import KeptRing, KeptSecret, Snapshot

_VERSION: Final = 1
_MICROSECOND: Final = timedelta(microseconds=1)


def to_text(snapshot: Snapshot) -> bytes:
    """Write one line of ASCII. It holds the secrets in clear."""
    document = {
        "v": _VERSION,
        "taken": CLOCK_READING.write(snapshot.taken),
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


def _ring(kept: KeptRing) -> dict[str, object]:
    return {
        "generation": kept.ring.generation,
        "changed_at": from_moment(kept.ring.changed_at),
        "versions": items(KEY_VERSIONS[kept.ring.family]).write(kept.ring.versions),
        "confirmed_at": from_moment(kept.confirmed_at),
        "age": kept.age // _MICROSECOND,
        "material": {kid: _bytes(line) for kid, line in kept.material.items()},
    }


def _bytes(value: KeyMaterial) -> str:
    return base64url.encode(expose(value))


def _to_snapshot(document: Mapping[str, Any]) -> Snapshot:
    return Snapshot(
        taken=CLOCK_READING.read(document["taken"]),
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
            changed_at=to_moment(ring["changed_at"]),
            versions=items(KEY_VERSIONS[family]).read(ring["versions"]),
        ),
        confirmed_at=to_moment(ring["confirmed_at"]),
        age=_to_age(ring["age"]),
        material={parse_kid(kid): KeyMaterial(base64url.decode(line)) for kid, line in ring["material"].items()},
    )


def _to_secret(kept: Mapping[str, Any]) -> KeptSecret:
    return KeptSecret(value=KeyMaterial(base64url.decode(kept["value"])), age=_to_age(kept["age"]))


def _to_count(number: object) -> int:
    if not isinstance(number, int) or number < 0:
        raise ValueError("a count is a whole number, not negative")
    return number


def _to_age(microseconds: int) -> timedelta:
    age = timedelta(microseconds=microseconds)
    if age < ZERO:
        raise ValueError("an age is not negative")
    return age
