"""The settings of backups: where they lie, and whom they are sealed for."""

from pathlib import Path

from pydantic_settings import BaseSettings


class BackupSettings(BaseSettings):
    """Without a folder they lie in the home; recipients are those of age, with commas or blanks between."""

    journal_backup_folder: Path | None = None
    """Where backups and pre-images of migrations are put, files of mode 0600; without it `backups` in the home."""
    journal_backup_recipients: str = ""
    """Whom backups are sealed for: `age1…`, with commas or blanks between; in the embedded profile, where nobody
    is named, for the identity of JOURNAL_BACKUP_IDENTITY_FILE.
    """
    journal_backup_identity_file: Path | None = None
    """The age identity that opens backups where none is given; without it `backup-identity.txt` in the home, which the
    embedded profile makes.
    """

    def backup_recipients(self) -> tuple[str, ...]:
        """Give the recipients, none where there are none."""
        return tuple(self.journal_backup_recipients.replace(",", " ").split())
