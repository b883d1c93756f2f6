"""The settings of the snapshot that outlives a process."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from journal_keys.domain.errors import InvalidPathError
from journal_keys.domain.material import KeyMaterial, parse_key
from journal_keys.domain.paths import SecretPath, is_owned
from journal_keys.entrypoints.infisical_settings import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SnapshotChoice:
    """Where the snapshot lies, what seals it, and which secrets are in it."""

    file: Path
    key: KeyMaterial
    secrets: frozenset[SecretPath]


class SnapshotSettings(BaseSettings):
    """File and key go together; without them there is no snapshot."""

    journal_snapshot_file: Path | None = None
    """File of mode 0600, in a folder that exists, with what outlives a process in an outage; without it there is none.
    """
    journal_snapshot_key: SecretStr | None = None
    """32 bytes as base64url, which seal the snapshot."""
    journal_snapshot_secrets: str = ""
    """Paths of further secrets that are in the snapshot, with commas between."""

    def snapshot(self) -> SnapshotChoice | None:
        """Say what was chosen, None where there is to be no snapshot.

        Raises:
            SettingsError: one of file and key is missing, the key is malformed, or a path is none, or a ring's.
        """
        file, key, secrets = self.journal_snapshot_file, self.journal_snapshot_key, self._secrets()
        if file is None and key is None and not secrets:
            return None
        if file is None or key is None or not file.name:
            raise SettingsError("JOURNAL_SNAPSHOT_FILE and JOURNAL_SNAPSHOT_KEY go together: set both, or none of them")
        parsed = parse_key(key.get_secret_value().encode("utf-8", "replace"))
        if parsed is None:
            raise SettingsError("JOURNAL_SNAPSHOT_KEY is no key: expected 32 bytes as base64url (43 characters)")
        return SnapshotChoice(file=file, key=parsed, secrets=secrets)

    def _secrets(self) -> frozenset[SecretPath]:
        words = [word.strip() for word in self.journal_snapshot_secrets.split(",")]
        return frozenset(_checked(word) for word in words if word)


def _checked(text: str) -> SecretPath:
    try:
        path = SecretPath.parse(text)
        folder = path.folder
    except InvalidPathError as failure:
        raise SettingsError(f"JOURNAL_SNAPSHOT_SECRETS: {failure}") from None
    if is_owned(folder.child(path.name)):
        raise SettingsError(
            f"JOURNAL_SNAPSHOT_SECRETS: {path} is a ring's: the keys that a restart may use are in the snapshot anyway"
        )
    return path
