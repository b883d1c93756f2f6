"""Backups that end with their process."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from journal_keys.domain.backup_seal import (
    MOST_CONTENT_BYTES,
    MOST_RECIPIENTS,
    ByIdentities,
    ForRecipients,
    Opening,
    Seal,
    WithPassphrase,
    is_name,
)
from journal_keys.domain.exposure import as_text, expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.backup_shelf import (
    BackupDamagedError,
    BackupExistsError,
    BackupKeyError,
    BackupMissingError,
    BackupNameError,
    BackupSealError,
    BackupShelf,
    Shelved,
)
from journal_keys.ports.clock import Clock


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    content: KeyMaterial
    seal: Seal
    written_at: datetime


class MemoryBackupShelf(BackupShelf):
    """Keeps content and seal side by side and compares; which recipient an identity has, the age library says."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    async def save(self, name: str, content: KeyMaterial, seal: Seal) -> str:
        """Keep it under its name, which is its place."""
        _check_name(name)
        if len(content) > MOST_CONTENT_BYTES:
            raise BackupDamagedError(
                f"the backup {name} would hold more than {MOST_CONTENT_BYTES} bytes: it was not kept"
            )
        _check_seal(seal)
        if name in self._kept:
            raise BackupExistsError(f"{name} is there already: it was not changed")
        self._kept[name] = _Kept(content, seal, self._clock.read().wall)
        return name

    async def load(self, place: str, opening: Opening) -> KeyMaterial:
        """Give it to whom its seal names."""
        kept = self._found(place)
        if not _fits(opening, kept.seal):
            raise BackupKeyError(f"the backup {place} is sealed for another key")
        return kept.content

    async def digest(self, place: str) -> str:
        """Hash the name and the content."""
        kept = self._found(place)
        return hashlib.sha256(place.encode("ascii") + b"\0" + expose(kept.content)).hexdigest()

    async def listed(self) -> Sequence[Shelved]:
        """Give what is kept; nothing here is ever unreadable."""
        shelved = [_shelved(name, kept) for name, kept in self._kept.items()]
        return sorted(shelved, key=lambda each: (each.written_at, each.name))

    def _found(self, place: str) -> _Kept:
        _check_name(place)
        if place not in self._kept:
            raise BackupMissingError(f"there is no backup {place}")
        return self._kept[place]


def _shelved(name: str, kept: _Kept) -> Shelved:
    recipients = kept.seal.recipients if isinstance(kept.seal, ForRecipients) else ()
    return Shelved(
        name=name,
        size_bytes=len(kept.content),
        written_at=kept.written_at,
        sealed_for="recipients" if recipients else "passphrase",
        recipients=len(recipients),
    )


def _fits(opening: Opening, seal: Seal) -> bool:
    match opening:
        case ByIdentities(text):
            own = _recipients_of(text)
            return isinstance(seal, ForRecipients) and not own.isdisjoint(_recipients(seal.recipients))
        case WithPassphrase(tried):
            _check_passphrase(tried)
            return isinstance(seal, WithPassphrase) and tried.same_as(seal.secret)


def _check_name(name: str) -> None:
    if not is_name(name):
        raise BackupNameError("a backup's name is 1 to 100 of A-Z a-z 0-9 . _ - and begins with a letter or a digit")


def _check_seal(seal: Seal) -> None:
    match seal:
        case WithPassphrase(secret):
            _check_passphrase(secret)
        case ForRecipients(texts):
            if not 1 <= len(texts) <= MOST_RECIPIENTS:
                raise BackupSealError(f"a backup is sealed for 1 to {MOST_RECIPIENTS} recipients, not {len(texts)}")
            _recipients(texts)


def _check_passphrase(secret: KeyMaterial) -> None:
    if not as_text(expose(secret)):
        raise BackupSealError("the passphrase is empty, or no text in UTF-8")


def _recipients(texts: tuple[str, ...]) -> list[str]:
    return [_recipient(text, f"recipient {position}") for position, text in enumerate(texts, 1)]


def _recipient(text: str, called: str) -> str:
    pyrage = _pyrage()
    try:
        return str(pyrage.x25519.Recipient.from_str(text))
    except (pyrage.RecipientError, UnicodeEncodeError):
        pass  # raised from here, the refusal would carry the text along
    raise BackupSealError(f"{called} is no age recipient of the form age1…")


def _recipients_of(text: KeyMaterial) -> set[str]:
    lines = [(number, line.strip()) for number, line in enumerate(expose(text).splitlines(), 1)]
    found = {_recipient_of(line, number) for number, line in lines if line[:1] not in {b"", b"#"}}
    if not found:
        raise BackupSealError("what should be an age identity file holds no identity")
    return found


def _recipient_of(line: bytes, number: int) -> str:
    pyrage = _pyrage()
    try:
        return str(pyrage.x25519.Identity.from_str(as_text(line) or "").to_public())
    except pyrage.IdentityError:
        pass  # likewise
    raise BackupSealError(f"line {number} of the identity file is no age identity of the form AGE-SECRET-KEY-1…")


def _pyrage() -> Any:  # noqa: ANN401 (a compiled library without types)
    import pyrage  # type: ignore[import-untyped]  # noqa: PLC0415 (megabytes that few need)

    return pyrage
