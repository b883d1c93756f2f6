"""The one table from exceptions to exit codes."""

from enum import IntEnum
from typing import Final

from journal_keys.domain.backup_seal import BackupError
from journal_keys.domain.errors import (
    AuditChainBrokenError,
    DomainError,
    JournalKeysError,
    PolicyError,
    PortError,
    RefusedError,
)
from journal_keys.domain.ledger_clock import ClockWentBackError
from journal_keys.domain.migration import ConflictError
from journal_keys.domain.snapshot import SnapshotError
from journal_keys.ports.backup_shelf import BackupNameError, BackupSealError
from journal_keys.ports.ledger import LedgerError
from journal_keys.ports.secret_store import SecretNotFoundError, SecretStoreError


class ExitCode(IntEnum):
    """What the command's end means."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    WAITING = 3
    REFUSED = 4
    RULE = 5
    SETTINGS = 6
    SECRET_STORE = 7
    LEDGER = 8
    AUDIT_BROKEN = 9
    UNHEALTHY = 10
    NOT_FOUND = 11
    CLOCK = 12
    PORT_TAKEN = 13
    SNAPSHOT = 14
    BACKUP = 15
    CONFLICT = 16
    UNPROVED = 17


MEANINGS: Final = {
    ExitCode.DONE: "done, also when there was nothing to do",
    ExitCode.FAILED: "anything without a code of its own; `demo`: something was refused, unreadable, or too seldom",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.WAITING: (
        "a rotation waits, for its window or for an instance that is behind; `reconcile` or the service finishes it"
    ),
    ExitCode.REFUSED: "input was refused: a path, a kid, a family, a value",
    ExitCode.RULE: "a rule of the rings would be broken: nothing was changed",
    ExitCode.SETTINGS: "a setting is malformed or contradicts another",
    ExitCode.SECRET_STORE: "the secret store failed, refused, or is damaged",
    ExitCode.LEDGER: "the ledger failed, is damaged, or has another schema",
    ExitCode.AUDIT_BROKEN: (
        "the audit chain does not verify; `status` shows everything first, and then ends with this code as well"
    ),
    ExitCode.UNHEALTHY: (
        "`health`: a ring cannot be used; `doctor`, `migration check-prerequisites`: something is to be mended"
    ),
    ExitCode.NOT_FOUND: "there is no such secret",
    ExitCode.CLOCK: "this host's clock stands before a time that the ledger has seen",
    ExitCode.PORT_TAKEN: "`serve`: the port is taken",
    ExitCode.SNAPSHOT: "the snapshot was needed and cannot be used",
    ExitCode.BACKUP: "a backup is missing, damaged, of another key, or could not be written",
    ExitCode.CONFLICT: "`migration`: something is in the way, and nobody said by name what is to be done",
    ExitCode.UNPROVED: "`migration migrate`: something that was made before is not read; run it again, or roll it back",
}

BY_NAME: Final = {
    "MigrationUnprovedError": ExitCode.UNPROVED,
    "SettingsError": ExitCode.SETTINGS,
    "PortTakenError": ExitCode.PORT_TAKEN,
    "StartError": ExitCode.FAILED,
    "WorkersLostError": ExitCode.FAILED,
}
"""Errors of modules that are too slow to import for a table."""

TABLE: Final[dict[type[JournalKeysError], ExitCode]] = {
    ConflictError: ExitCode.CONFLICT,
    AuditChainBrokenError: ExitCode.AUDIT_BROKEN,
    ClockWentBackError: ExitCode.CLOCK,
    PolicyError: ExitCode.SETTINGS,
    SecretNotFoundError: ExitCode.NOT_FOUND,
    SecretStoreError: ExitCode.SECRET_STORE,
    LedgerError: ExitCode.LEDGER,
    SnapshotError: ExitCode.SNAPSHOT,
    BackupNameError: ExitCode.REFUSED,
    BackupSealError: ExitCode.REFUSED,
    BackupError: ExitCode.BACKUP,
    PortError: ExitCode.FAILED,
    RefusedError: ExitCode.REFUSED,
    DomainError: ExitCode.RULE,
}


def exit_code_of(kind: type[JournalKeysError]) -> ExitCode:
    """Give the code of the nearest ancestor that the table names.

    Raises:
        KeyError: none does; a test walks every class so that this never happens.
    """
    for ancestor in kind.__mro__:
        if ancestor.__name__ in BY_NAME:
            return BY_NAME[ancestor.__name__]
        if ancestor in TABLE:
            return TABLE[ancestor]
    raise KeyError(kind.__name__)
