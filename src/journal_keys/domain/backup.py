"""What a backup holds, and what a migration keeps of the state before it: one document each, as secret as a vault.

A manifest gives the digest (SHA-256) of every value, and for every key a canary of this key alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from journal_keys.domain import base64url, canonical
from journal_keys.domain.backup_seal import BackupError
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.exposure import expose
from journal_keys.domain.forms import from_moment, to_moment
from journal_keys.domain.keys import Family, Kid, parse_family, parse_kid
from journal_keys.domain.ledger_copy import LedgerCopy, from_document, to_document
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath

MOST_VALUES: Final = 100_000
_BACKUP: Final = "journal_keys backup"
_PRE_IMAGE: Final = "journal_keys state before a migration"


class BackupContentError(BackupError):
    """What was sealed is no backup of a version that this release knows, or contradicts itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backup:
    """Ledger, stored lines of keys, secrets, all as of one moment. `canaries` are by kid.

    The material of signing keys is left out unless somebody asked for it.
    """

    made_at: datetime
    environment: str
    ledger: LedgerCopy
    material: Mapping[Family, Mapping[Kid, KeyMaterial]] = field(repr=False)
    secrets: Mapping[SecretPath, KeyMaterial] = field(repr=False)
    canaries: Mapping[Kid, str] = field(repr=False)

    def line(self, family: Family, kid: Kid) -> KeyMaterial | None:
        """The stored line of one key, None where it is not in the backup."""
        return self.material.get(family, {}).get(kid)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreImage:
    """The state before a migration: the ledger, and every path that is going to be touched (None: nothing was there).

    `imported` are the kids that the migration brings; `written` the digests of what it sets by path.
    """

    made_at: datetime
    ledger: LedgerCopy
    paths: Mapping[SecretPath, KeyMaterial | None] = field(repr=False)
    imported: frozenset[Kid]
    written: Mapping[SecretPath, str]


def backup_text(backup: Backup) -> KeyMaterial:
    """Write a backup as canonical JSON."""
    lines = {kid: line for kept in backup.material.values() for kid, line in kept.items()}
    document = {
        "what": _BACKUP,
        "v": 1,
        "made_at": from_moment(backup.made_at),
        "environment": backup.environment,
        "ledger": to_document(backup.ledger),
        "material": {
            family.value: {kid: _text(line) for kid, line in kept.items()} for family, kept in backup.material.items()
        },
        "secrets": {str(path): _text(value) for path, value in backup.secrets.items()},
        "manifest": {
            "keys": {kid: line.digest() for kid, line in lines.items()},
            "secrets": {str(path): value.digest() for path, value in backup.secrets.items()},
            "canaries": dict(backup.canaries),
        },
    }
    return KeyMaterial(canonical.to_json(document).encode("ascii"))


def read_backup(text: KeyMaterial) -> Backup:
    """Read what `backup_text` wrote.

    Raises:
        BackupContentError: anything else, or a value that is not the one of the manifest or of the ledger.
    """
    backup: Backup | None = _read(text, _BACKUP, _to_backup)
    if backup is None:
        raise BackupContentError("this is no backup of version 1, or it contradicts its own manifest")
    return backup


def pre_image_text(image: PreImage) -> KeyMaterial:
    """Write a pre-image as canonical JSON."""
    document = {
        "what": _PRE_IMAGE,
        "v": 1,
        "made_at": from_moment(image.made_at),
        "ledger": to_document(image.ledger),
        "paths": {str(path): None if value is None else _text(value) for path, value in image.paths.items()},
        "imported": sorted(image.imported),
        "written": {str(path): digest for path, digest in image.written.items()},
    }
    return KeyMaterial(canonical.to_json(document).encode("ascii"))


def read_pre_image(text: KeyMaterial) -> PreImage:
    """Read what `pre_image_text` wrote.

    Raises:
        BackupContentError: anything else.
    """
    image: PreImage | None = _read(text, _PRE_IMAGE, _to_pre_image)
    if image is None:
        raise BackupContentError("this is not what 'migration migrate' writes first: expected a file of it, version 1")
    return image


def _read(text: KeyMaterial, what: str, convert: Any) -> Any:  # noqa: ANN401 (one of two kinds)
    """Give None for anything else: an error from inside would carry the text along."""
    try:
        document = canonical.from_json(expose(text).decode("ascii"))
        if not isinstance(document, dict) or document.get("what") != what or document.get("v") != 1:
            return None
        return convert(document)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, JournalKeysError):
        return None


def _to_backup(document: Mapping[str, Any]) -> Backup | None:
    _exactly(document, "what", "v", "made_at", "environment", "ledger", "material", "secrets", "manifest")
    manifest = document["manifest"]
    _exactly(manifest, "keys", "secrets", "canaries")
    material = {
        parse_family(family): {parse_kid(kid): _value(line) for kid, line in kept.items()}
        for family, kept in document["material"].items()
    }
    backup = Backup(
        made_at=to_moment(document["made_at"]),
        environment=_str(document["environment"]),
        ledger=from_document(document["ledger"]),
        material=material,
        secrets={SecretPath.parse(path): _value(value) for path, value in document["secrets"].items()},
        canaries={parse_kid(kid): _str(canary) for kid, canary in manifest["canaries"].items()},
    )
    lines = {kid: line for kept in material.values() for kid, line in kept.items()}
    if len(lines) + len(backup.secrets) > MOST_VALUES:
        return None
    agrees = (
        manifest["keys"] == {kid: line.digest() for kid, line in lines.items()}
        and manifest["secrets"] == {str(path): value.digest() for path, value in backup.secrets.items()}
        and backup.canaries.keys() == lines.keys()
        and all(_is_recorded(backup, family, kid) for family, kept in material.items() for kid in kept)
    )
    return backup if agrees else None


def _is_recorded(backup: Backup, family: Family, kid: Kid) -> bool:
    """Whether the ledger in the backup knows this very line."""
    ring, line = backup.ledger.rings.get(family), backup.line(family, kid)
    version = ring.find(kid) if ring else None
    return version is not None and line is not None and version.digest == line.digest()


def _to_pre_image(document: Mapping[str, Any]) -> PreImage:
    _exactly(document, "what", "v", "made_at", "ledger", "paths", "imported", "written")
    return PreImage(
        made_at=to_moment(document["made_at"]),
        ledger=from_document(document["ledger"]),
        paths={
            SecretPath.parse(path): None if value is None else _value(value)
            for path, value in document["paths"].items()
        },
        imported=frozenset(parse_kid(kid) for kid in document["imported"]),
        written={SecretPath.parse(path): _str(digest) for path, digest in document["written"].items()},
    )


def _exactly(document: Mapping[str, Any], *names: str) -> None:
    if not isinstance(document, dict) or document.keys() != set(names):
        raise ValueError("other members")


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value


def _text(value: KeyMaterial) -> str:
    return base64url.encode(expose(value))


def _value(text: str) -> KeyMaterial:
    return KeyMaterial(base64url.decode(text))
