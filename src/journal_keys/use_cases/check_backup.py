"""Open a backup into nothing: a drill that says whether a restore would have its keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from journal_keys.domain.backup import Backup, read_backup
from journal_keys.domain.backup_seal import Opening
from journal_keys.domain.keys import Family, Kid
from journal_keys.ports.backup_shelf import BackupShelf
from journal_keys.ports.key_crypto import KeyOpener
from journal_keys.ports.progress import Progress, Silent
from journal_keys.use_cases.key_canaries import check_canary


@dataclass(frozen=True, slots=True, kw_only=True)
class RingReport:
    """One ring of a backup. `without_material` are accepted keys that a restore would not have."""

    generation: int
    active_kid: Kid
    opened: tuple[Kid, ...]
    without_material: tuple[Kid, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """What is in a backup, all of it opened and used."""

    made_at: datetime
    environment: str
    rings: Mapping[Family, RingReport]
    secrets: tuple[str, ...]
    audit_entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckBackup:
    """Reads one file, and nothing else."""

    shelf: BackupShelf
    opener: KeyOpener

    async def __call__(
        self, place: str, opening: Opening, *, tell: Progress | None = None
    ) -> tuple[Backup, BackupReport]:
        """Give the backup with its report.

        Raises:
            BackupError: it cannot be opened, or is no backup.
            MaterialCorruptError: a key in it does not open its canary.
        """
        backup = read_backup(await self.shelf.load(place, opening))
        return backup, self._report(backup, tell or Silent())

    def _report(self, backup: Backup, tell: Progress) -> BackupReport:
        total, done = sum(len(kept) for kept in backup.material.values()), 0
        rings = {}
        for family, ring in backup.ledger.rings.items():
            opened = []
            for version in ring.versions:
                if backup.line(family, version.kid) is not None:
                    check_canary(backup, family, version, self.opener)
                    opened.append(version.kid)
                    done += 1
                    tell("opening keys", done, total)
            rings[family] = RingReport(
                generation=ring.generation,
                active_kid=ring.active.kid,
                opened=tuple(opened),
                without_material=tuple(version.kid for version in ring.accepted if version.kid not in opened),
            )
        return BackupReport(
            made_at=backup.made_at,
            environment=backup.environment,
            rings=rings,
            secrets=tuple(sorted(str(path) for path in backup.secrets)),
            audit_entries=len(backup.ledger.entries),
        )
