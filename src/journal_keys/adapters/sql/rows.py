"""Rows of rings and keys to domain values and back."""

from collections.abc import Iterable

from journal_keys.adapters.sql.columns import (
    Row,
    as_written,
    from_moment,
    to_digest,
    to_kid_or_none,
    to_moment,
    to_moment_or_none,
    to_number,
)
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keyring import KeyRing, RingHead
from journal_keys.domain.keys import (
    SYMMETRIC,
    Algorithm,
    Family,
    KeyState,
    KeyVersion,
    parse_algorithm,
    parse_family,
    parse_kid,
)


def from_ring(ring: KeyRing) -> dict[str, object]:
    """Write the row of `rings`."""
    return {"family": ring.family.value, "generation": ring.generation, "changed_at": from_moment(ring.changed_at)}


def to_heads(rows: Iterable[Row]) -> dict[Family, RingHead]:
    """Read rows of `rings`.

    Raises:
        LedgerCorruptError: a family that is not known, or a malformed moment.
    """
    with as_written("table rings"):
        return {parse_family(row["family"]): _head(row) for row in rows}


def _head(row: Row) -> RingHead:
    return RingHead(generation=to_number(row["generation"]), changed_at=to_moment(row["changed_at"]))


def to_ring(row: Row, versions: Iterable[Row]) -> KeyRing:
    """Read a ring from its row of `rings` and its rows of `key_versions`, oldest publication first.

    Raises:
        LedgerCorruptError: a malformed row, or versions that make no ring.
    """
    with as_written(f"ring {row['family']}"):
        head = _head(row)
        return KeyRing(
            family=parse_family(row["family"]),
            generation=head.generation,
            changed_at=head.changed_at,
            versions=tuple(to_version(version) for version in versions),
        )


def from_version(version: KeyVersion) -> dict[str, object]:
    """Write the row of `key_versions`."""
    return {
        "family": version.family.value,
        "kid": version.kid,
        "algorithm": version.algorithm.value,
        "digest": version.digest,
        "public_jwk": version.public_jwk.to_json() if version.public_jwk else None,
        "state": version.state.value,
        "created_at": from_moment(version.created_at),
        "published_at": from_moment(version.published_at),
        "activated_at": from_moment(version.activated_at),
        "deactivated_at": from_moment(version.deactivated_at),
        "compromised_at": from_moment(version.compromised_at),
        "destroyed_at": from_moment(version.destroyed_at),
        "derived_kid": version.derived_kid,
    }


def to_version(row: Row) -> KeyVersion:
    """Read a row of `key_versions`.

    Raises:
        LedgerCorruptError: a malformed column, or a public key beside a symmetric key, or none beside a signing key.
    """
    with as_written(f"key {row['kid']}"):
        family = parse_family(row["family"])
        algorithm = parse_algorithm(row["algorithm"], family)
        return KeyVersion(
            kid=parse_kid(row["kid"]),
            family=family,
            algorithm=algorithm,
            digest=to_digest(row["digest"]),
            public_jwk=_public_jwk(algorithm, row["public_jwk"]),
            state=KeyState(row["state"]),
            created_at=to_moment(row["created_at"]),
            published_at=to_moment(row["published_at"]),
            activated_at=to_moment_or_none(row["activated_at"]),
            deactivated_at=to_moment_or_none(row["deactivated_at"]),
            compromised_at=to_moment_or_none(row["compromised_at"]),
            destroyed_at=to_moment_or_none(row["destroyed_at"]),
            derived_kid=to_kid_or_none(row["derived_kid"]),
        )


def _public_jwk(algorithm: Algorithm, text: str | None) -> PublicJwk | None:
    if (text is None) is not (algorithm in SYMMETRIC):
        raise ValueError("a public key belongs to a signing key, and to no other")
    return None if text is None else PublicJwk.from_json(text)
