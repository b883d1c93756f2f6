"""Whom a backup is sealed for, and what opens it: options, then settings, then the identity file in the home."""

from dataclasses import dataclass
from pathlib import Path

from journal_keys.domain.backup_seal import BackupError, ByIdentities, ForRecipients, Opening, Seal, WithPassphrase
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.entrypoints.settings import Settings, SettingsError
from journal_keys.ports.backup_shelf import BackupDeniedError, BackupMissingError
from journal_keys.ports.secret_store import SecretStoreError

_MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SealOptions:
    """What the command line says."""

    recipients: tuple[str, ...] = ()
    identity_file: Path | None = None
    passphrase_file: Path | None = None


def seal_of(settings: Settings, options: SealOptions) -> Seal:
    """Say whom a backup is sealed for. The embedded profile makes an identity file where nobody is named.

    Raises:
        SettingsError: nobody is named outside the embedded profile, or recipients and a passphrase at once.
        BackupSealError: a recipient or an identity is malformed.
        BackupError: a file cannot be read or made.
    """
    seal = known_seal(settings, options)
    if seal is not None:
        return seal
    from journal_keys.adapters.embedded.backup_folder import make_identity  # noqa: PLC0415 (pyrage: who seals pays)

    settings.journal_keys_home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return ForRecipients((make_identity(settings.backup_identity_file),))


def known_seal(settings: Settings, options: SealOptions) -> Seal | None:
    """Say the same where nothing has to be made, else None; raises as `seal_of`."""
    from journal_keys.adapters.embedded.age_form import recipient_of, sealed  # noqa: PLC0415 (as above)

    recipients = options.recipients or settings.backup_recipients()
    if options.recipients and options.passphrase_file:
        raise SettingsError("a backup is sealed for recipients or with a passphrase, not both: give one of them")
    if options.passphrase_file is not None:
        return WithPassphrase(_passphrase(options.passphrase_file))
    if not recipients and not settings.is_embedded:
        raise SettingsError(
            "nobody is named who could open a backup: set JOURNAL_BACKUP_RECIPIENTS to what 'age-keygen' printed as"
            " public key, or give --recipient or --passphrase-file"
        )
    identity = None if recipients else _read(settings.backup_identity_file)
    if not recipients and identity is None:
        return None
    seal = ForRecipients(recipients or recipient_of(identity or KeyMaterial(b"")))
    sealed(KeyMaterial(b""), seal)  # a malformed recipient is told before anything is done
    return seal


def opening_of(settings: Settings, options: SealOptions) -> Opening:
    """Say what opens a backup.

    Raises:
        BackupMissingError: there is no identity file.
        BackupError: a file cannot be read.
    """
    if options.passphrase_file is not None:
        return WithPassphrase(_passphrase(options.passphrase_file))
    file = options.identity_file or settings.backup_identity_file
    found = _read(file)
    if found is None:
        raise BackupMissingError(
            f"there is no identity file {file}: give --identity FILE, or --passphrase-file FILE, with what opens the"
            " backup"
        )
    return ByIdentities(found)


def _passphrase(file: Path) -> KeyMaterial:
    found = _read(file)
    if found is None:
        raise BackupMissingError(f"there is no passphrase file {file}")
    return KeyMaterial(expose(found).removesuffix(b"\n"))


def _read(file: Path) -> KeyMaterial | None:
    from journal_keys.adapters.embedded.files import read_private  # noqa: PLC0415 (as above)

    try:
        data = read_private(file, most=_MOST_BYTES)
    except SecretStoreError as failure:
        refused: BackupError = BackupDeniedError(str(failure))
    else:
        return None if data is None else KeyMaterial(data)
    raise refused
