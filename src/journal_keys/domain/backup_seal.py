"""What a backup is sealed for, and what opens it: recipients and identities, or a passphrase, of the age format v1."""

import re
from dataclasses import dataclass
from typing import Final

from journal_keys.domain.errors import PortError
from journal_keys.domain.material import KeyMaterial

MOST_CONTENT_BYTES: Final = 64 * 1024 * 1024
MOST_RECIPIENTS: Final = 16
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class BackupError(PortError):
    """A backup could not be written, or cannot be used."""


@dataclass(frozen=True, slots=True)
class ForRecipients:
    """Each of these opens it alone: 1 to 16 recipients, `age1…` of X25519."""

    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class WithPassphrase:
    """Whoever has this opens it: text in UTF-8, not empty, taken as it is, blanks and line ends included."""

    secret: KeyMaterial


@dataclass(frozen=True, slots=True, eq=False)
class ByIdentities:
    """The content of an age identity file: one `AGE-SECRET-KEY-1…` a line, blank lines, comments behind `#`."""

    text: KeyMaterial


Seal = ForRecipients | WithPassphrase
Opening = ByIdentities | WithPassphrase


def is_name(text: str) -> bool:
    """Whether a backup may be called so: 1 to 100 ASCII letters, digits, `.`, `_`, `-`; first a letter or digit."""
    return _NAME.fullmatch(text) is not None
