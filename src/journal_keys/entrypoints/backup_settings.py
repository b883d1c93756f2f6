"""The settings of backups: where they lie, and whom they are sealed for."""

from pathlib import Path

from pydantic_settings import BaseSettings


class BackupSettings(BaseSettings):
    """Without a folder they lie in the home; recipients are those of age, with commas or blanks between."""

    journal_backup_folder: Path | None = None
    journal_backup_recipients: str = ""
    journal_backup_identity_file: Path | None = None

    def backup_recipients(self) -> tuple[str, ...]:
        """Give the recipients, none where there are none."""
        return tuple(self.journal_backup_recipients.replace(",", " ").split())
