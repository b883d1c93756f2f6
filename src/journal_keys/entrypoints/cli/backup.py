"""Commands on backups: their words; the work is loaded when one is run."""

from typing import Annotated, TypeAlias

import typer

from journal_keys.entrypoints.cli.options import (
    Identity,
    Json,
    PassphraseFile,
    Reason,
    Recipients,
    Scope,
)

BackupPlace: TypeAlias = Annotated[str, typer.Argument(help="A path, or a name in the backup folder.")]
backup_app = typer.Typer(no_args_is_help=True, help="Make backups, and look into them.")


@backup_app.command("create")
def create(
    scope: Annotated[Scope, typer.Argument(help="Whose keys go in; the ledger goes in whole.")] = Scope.BOTH,
    *,
    include_signing_keys: Annotated[
        bool, typer.Option("--include-signing-keys", help="Private signing keys, too: whoever opens it can sign.")
    ] = False,
    recipient: Recipients = None,
    passphrase_file: PassphraseFile = None,
    reason: Reason = "asked by an operator",
    json: Json = False,
) -> None:
    """Seal ledger, keys and secrets into a new file of the backup folder."""
    from journal_keys.entrypoints.backup_seals import SealOptions
    from journal_keys.entrypoints.cli import backup_work

    options = SealOptions(recipients=tuple(recipient or ()), passphrase_file=passphrase_file)
    backup_work.create(scope, options, signing_keys=include_signing_keys, reason=reason, json=json)


@backup_app.command("verify")
def verify(
    file: BackupPlace, *, identity: Identity = None, passphrase_file: PassphraseFile = None, json: Json = False
) -> None:
    """Open a backup, and use every key in it; nothing else is touched."""
    from journal_keys.entrypoints.backup_seals import SealOptions
    from journal_keys.entrypoints.cli import backup_work

    backup_work.verify(file, SealOptions(identity_file=identity, passphrase_file=passphrase_file), json=json)


@backup_app.command("list")
def list_backups(*, json: Json = False) -> None:
    """List the files of the backup folder, without opening them."""
    from journal_keys.entrypoints.cli import backup_work

    backup_work.list_backups(json=json)


def restore(  # noqa: PLR0913 (options)
    file: BackupPlace,
    *,
    check: Annotated[bool, typer.Option("--check", help="Open it into nothing, and report.")] = False,
    accept_clock: Annotated[
        bool, typer.Option("--accept-clock", help="Declare that the clock is right, and that the backup's was ahead.")
    ] = False,
    identity: Identity = None,
    passphrase_file: PassphraseFile = None,
    reason: Reason = "asked by an operator",
    json: Json = False,
) -> None:
    """Put a backup into the place of a ledger and a store that were lost; nothing is ever overwritten."""
    from journal_keys.entrypoints.backup_seals import SealOptions
    from journal_keys.entrypoints.cli import backup_work

    options = SealOptions(identity_file=identity, passphrase_file=passphrase_file)
    if check:
        backup_work.verify(file, options, json=json)
    else:
        backup_work.restore(file, options, accept_clock=accept_clock, reason=reason, json=json)
