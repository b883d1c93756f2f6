"""Seal a backup: the ledger, the material of rings, the secrets that no ring owns, as of one moment."""

from collections.abc import Mapping
from dataclasses import dataclass

from journal_keys.domain import material
from journal_keys.domain.backup import Backup, backup_text, read_backup
from journal_keys.domain.backup_seal import Seal
from journal_keys.domain.changes import AuditFact, check_reason
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, KeyVersion, Kid
from journal_keys.domain.ledger_copy import LedgerCopy
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import APPLICATION, BACKED_UP, MARKER_NAME, SecretPath
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.backup_shelf import BackupShelf
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.key_crypto import KeyOpener
from journal_keys.ports.ledger import Ledger
from journal_keys.ports.ledger_archive import LedgerArchive
from journal_keys.ports.progress import Progress, Silent
from journal_keys.ports.secret_store import SecretStore
from journal_keys.use_cases.key_canaries import make_canary
from journal_keys.use_cases.read_material import ReadMaterial, checked_record

_MOST_TRIES = 4
_NAME_BYTES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """Where the backup lies, its SHA-256, and what is in it. `left_out` are accepted keys that are not."""

    place: str
    sha256: str
    kids: tuple[Kid, ...]
    left_out: tuple[Kid, ...]
    secrets: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What goes into a backup, and who asks. The ledger goes into each."""

    families: frozenset[Family]
    signing_keys: bool
    seal: Seal
    actor: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackUp:
    """Reads ledger and store; writes one new file, and audits it."""

    ledger: Ledger
    archive: LedgerArchive
    trail: AuditTrail
    store: SecretStore
    read_material: ReadMaterial
    opener: KeyOpener
    entropy: Entropy
    shelf: BackupShelf
    environment: str

    async def __call__(self, wanted: Wanted, *, tell: Progress | None = None) -> BackedUp:
        """Give what was backed up. Private signing keys are in it only where they are wanted by name.

        Raises:
            InvalidNameError: the reason is malformed.
            MaterialCorruptError: an accepted key's material is missing or altered: the backup would not hold it.
            BackupError: the file could not be written.
            PortError: ledger or store could not be read.
        """
        check_reason(wanted.reason)
        tell = tell or Silent()
        tell("copying the ledger", 0, 3)
        copy, lines = await self._consistent(wanted)
        tell("reading secrets", 1, 3)
        secrets = await self._secrets()
        now = (await self.ledger.read(Family.JWT)).now
        backup = Backup(
            made_at=now,
            environment=self.environment,
            ledger=copy,
            material=lines,
            secrets=secrets,
            canaries={
                kid: make_canary(material.decode(line), self.opener, self.entropy)
                for kept in lines.values()
                for kid, line in kept.items()
            },
        )
        tell("sealing", 2, 3)
        text = backup_text(backup)
        read_backup(text)  # what could not be read back is no backup
        name = f"backup-{now:%Y%m%dT%H%M%SZ}-{self.entropy.token(_NAME_BYTES).hex()}.age"
        place = await self.shelf.save(name, text, wanted.seal)
        sha256 = await self.shelf.digest(place)
        await self.trail.append(
            AuditFact(
                at=now,
                actor=wanted.actor,
                action="backup_made",
                family=None,
                kid=None,
                reason=wanted.reason,
                detail={"file": name, "sha256": sha256},
            )
        )
        tell("sealing", 3, 3)
        kids = tuple(kid for kept in lines.values() for kid in kept)
        accepted = [version.kid for ring in copy.rings.values() for version in ring.accepted]
        left_out = tuple(kid for kid in accepted if kid not in kids)
        return BackedUp(place=place, sha256=sha256, kids=kids, left_out=left_out, secrets=len(secrets))

    async def _consistent(self, wanted: Wanted) -> tuple[LedgerCopy, Mapping[Family, Mapping[Kid, KeyMaterial]]]:
        """Give ledger and material of one moment: a key that is missing may have been retired in between."""
        for attempt in range(_MOST_TRIES):
            copy = await self.archive.copy()
            try:
                return copy, {
                    family: await self._lines(ring, wanted)
                    for family, ring in copy.rings.items()
                    if family in wanted.families
                }
            except MaterialCorruptError:
                heads = {family: ring.head for family, ring in copy.rings.items()}
                if attempt == _MOST_TRIES - 1 or await self.ledger.heads() == heads:
                    raise
        raise AssertionError  # the last attempt returns or raises

    async def _lines(self, ring: KeyRing, wanted: Wanted) -> Mapping[Kid, KeyMaterial]:
        content = await self.read_material(ring.family)
        lines = {}
        for version in ring.versions:
            line = content.secrets.get(version.kid)
            if not _is_wanted(version, wanted) or (line is None and not version.is_accepted):
                continue
            if line is None and version.family is Family.JWT and version.state is KeyState.DEACTIVATED:
                continue  # its public half verifies: a restore left it without the other one
            if line is None:
                raise MaterialCorruptError(f"the material of {version.kid} is missing: it cannot be backed up")
            checked_record(content, version)
            lines[version.kid] = line
        return lines

    async def _secrets(self) -> Mapping[SecretPath, KeyMaterial]:
        secrets = {}
        for folder in BACKED_UP:
            content = await self.store.read_folder(folder)
            if folder != APPLICATION or content.secrets:  # that one is made with its first secret
                content.require_marked()
            secrets.update(
                {folder.child(name): value for name, value in content.secrets.items() if name != MARKER_NAME}
            )
        return secrets


def _is_wanted(version: KeyVersion, wanted: Wanted) -> bool:
    return version.family is Family.AES or wanted.signing_keys
