"""What the commands on backups do, and the one that destroys a key."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from journal_keys.adapters.crypto.key_crypto import CryptographyKeyOpener
from journal_keys.adapters.embedded.backup_folder import FolderBackupShelf
from journal_keys.domain.backup import Backup
from journal_keys.domain.errors import RefusedError
from journal_keys.domain.keys import Family, parse_kid
from journal_keys.entrypoints.backup_seals import SealOptions, opening_of, seal_of
from journal_keys.entrypoints.cli.options import Scope
from journal_keys.entrypoints.cli.output import as_outcome, print_fields, print_json, print_outcome, print_table
from journal_keys.entrypoints.cli.progress import shown
from journal_keys.entrypoints.cli.running import command_settings, on_container, operator
from journal_keys.entrypoints.ending import run_to_end
from journal_keys.entrypoints.settings import Settings
from journal_keys.ports.backup_shelf import Shelved
from journal_keys.use_cases.back_up import BackedUp, Wanted
from journal_keys.use_cases.check_backup import BackupReport, CheckBackup
from journal_keys.use_cases.destroy_key import DestroyedKey, Grounds, kids_named

if TYPE_CHECKING:
    from journal_keys.container import Container
    from journal_keys.use_cases.restore_backup import RestoredBackup

_LONGEST_LINE = 64 * 1024 * 1024


class ConfirmationError(RefusedError):
    """What was typed is not the kid of the key that is to be destroyed: nothing was changed."""


class CiphertextsError(RefusedError):
    """The file of ciphertexts cannot be read."""


def create(scope: Scope, options: SealOptions, *, signing_keys: bool, reason: str, json: bool) -> None:
    """Back up."""
    settings = command_settings()
    families = frozenset(Family) if scope is Scope.BOTH else frozenset({Family(scope.value)})

    async def run(container: "Container") -> BackedUp:
        wanted = Wanted(
            families=families,
            signing_keys=signing_keys,
            seal=seal_of(settings, options),
            actor=operator(),
            reason=reason,
        )
        with shown(json=json) as tell:
            return await container.back_up()(wanted, tell=tell)

    print_outcome(on_container(run), json=json)


def verify(place: str, options: SealOptions, *, json: bool) -> None:
    """Open it, and report."""
    with shown(json=json) as tell:
        settings = command_settings(checks_infisical=False)
        check = CheckBackup(shelf=FolderBackupShelf(settings.backup_folder), opener=CryptographyKeyOpener())
        _, report = run_to_end(check(place, opening_of(settings, options), tell=tell))
    _show_report(report, json=json)


def _show_report(report: BackupReport, *, json: bool) -> None:
    fields = as_outcome(report)
    if json:
        print_json(fields)
        return
    rings = fields.pop("rings")
    print_fields(fields)
    for family, ring in rings.items() if isinstance(rings, dict) else ():
        sys.stdout.write("\n")
        print_fields({"ring": family, **ring})


def list_backups(*, json: bool) -> None:
    """List them."""
    folder = command_settings(checks_infisical=False).backup_folder
    found: Sequence[Shelved] = run_to_end(FolderBackupShelf(folder).listed())
    if json:
        print_json(list(found))
        return
    rows = [(one.name, one.written_at, one.size_bytes, one.sealed_for, one.recipients or None) for one in found]
    print_table(("name", "written at", "bytes", "sealed for", "recipients"), rows)


def restore(place: str, options: SealOptions, *, accept_clock: bool, reason: str, json: bool) -> None:
    """Restore."""
    settings = command_settings()
    opening = opening_of(settings, options)

    async def run(container: "Container") -> "RestoredBackup":
        with shown(json=json) as tell:
            return await container.restore_backup()(
                place, opening, actor=operator(), reason=reason, accepts_clock=accept_clock, tell=tell
            )

    verify_first = CheckBackup(shelf=FolderBackupShelf(settings.backup_folder), opener=CryptographyKeyOpener())
    run_to_end(verify_first(place, opening))  # before a ledger or a vault is made for it
    restored = on_container(run, makes="ledger")
    if json:
        print_json(as_outcome(restored))
        return
    fields = as_outcome(restored)
    fields.pop("report")
    print_fields(fields)
    sys.stdout.write("\n")
    _show_report(restored.report, json=False)


def destroy(  # noqa: PLR0913 (options)
    kid: str,
    *,
    backup: str | None,
    no_backup: bool,
    ciphertexts: Path | None,
    override: str | None,
    confirm: str | None,
    options: SealOptions,
    reason: str,
    json: bool,
) -> None:
    """Destroy one key."""
    known = parse_kid(kid)
    if backup is not None and no_backup:
        raise typer.BadParameter("--backup and --no-backup say the opposite: give one of them")
    settings = command_settings()
    held = _opened(settings, backup, options) if backup is not None else None
    named, examined = kids_named(_lines(ciphertexts)) if ciphertexts is not None else (frozenset[str](), None)
    if (confirm if confirm is not None else _typed()) != known:
        raise ConfirmationError(
            f"what was typed is not {known}: nothing was destroyed; --confirm gives it without a prompt"
        )

    async def run(container: "Container") -> DestroyedKey:
        grounds = Grounds(
            reason=reason,
            actor=operator(),
            in_use=named,
            examined=examined,
            override=override,
            backup=held,
            without_backup=no_backup,
        )
        return await container.destroy_key()(known, grounds)

    print_outcome(on_container(run), json=json)


def _typed() -> str:
    if sys.stdin.isatty():
        text: str = typer.prompt("type the kid again to destroy it", err=True)
        return text
    return sys.stdin.readline().strip()


def _opened(settings: Settings, place: str, options: SealOptions) -> Backup:
    check = CheckBackup(shelf=FolderBackupShelf(settings.backup_folder), opener=CryptographyKeyOpener())
    return run_to_end(check(place, opening_of(settings, options)))[0]


def _lines(file: Path) -> Iterator[str]:
    try:
        with file.open("r", encoding="ascii", errors="replace") as source:
            while line := source.readline(_LONGEST_LINE):
                if line.strip():
                    yield line.strip()
    except OSError as failure:
        raise CiphertextsError(f"{file} could not be read: {failure.strerror}") from None
