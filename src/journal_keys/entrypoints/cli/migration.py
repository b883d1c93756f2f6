"""Commands on moving in: their words; the work is loaded when one is run."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from journal_keys.entrypoints.cli.options import (
    Identity,
    Json,
    PassphraseFile,
    Reason,
    Recipients,
)

migration_app = typer.Typer(no_args_is_help=True, help="Move secrets and keys in from environment variables, and back.")
FromFile: TypeAlias = Annotated[
    Path | None, typer.Option(help="Read the variables from this env file, not from the environment.")
]
Map: TypeAlias = Annotated[Path | None, typer.Option("--map", help="A TOML file that says what each variable is.")]


@migration_app.command("check-prerequisites")
def check_prerequisites(*, from_file: FromFile = None, map_file: Map = None, json: Json = False) -> None:
    """Look at everything that a migration needs; exit code 10 where something is to be mended. Nothing is changed."""
    from journal_keys.entrypoints.cli import migration_work

    raise typer.Exit(migration_work.check_prerequisites(from_file, map_file, json=json))


@migration_app.command("migrate")
def migrate(  # noqa: PLR0913 (options)
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan, and stop.")] = False,
    backup_only: Annotated[
        bool, typer.Option("--backup-only", help="Seal away what the plan would touch, and stop.")
    ] = False,
    from_file: FromFile = None,
    map_file: Map = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="A variable or kid to leave alone; may be given several times.")
    ] = None,
    overwrite: Annotated[
        list[str] | None,
        typer.Option(help="A variable whose value replaces what is there, or a path whose key may be lost; likewise."),
    ] = None,
    new_pre_image: Annotated[
        bool, typer.Option("--new-pre-image", help="Give up the lost pre-image of an open migration.")
    ] = False,
    recipient: Recipients = None,
    passphrase_file: PassphraseFile = None,
    reason: Reason = "moving in from environment variables",
    json: Json = False,
) -> None:
    """Plan, seal away what was there, move, and read through the rings what the keys made before."""
    from journal_keys.entrypoints.backup_seals import SealOptions
    from journal_keys.entrypoints.cli import migration_work

    wanted = migration_work.Wanted(
        from_file=from_file,
        map_file=map_file,
        keep=frozenset(keep or ()),
        overwrite=frozenset(overwrite or ()),
        seal=SealOptions(recipients=tuple(recipient or ()), passphrase_file=passphrase_file),
        reason=reason,
        anew=new_pre_image,
    )
    if dry_run and backup_only:
        raise typer.BadParameter("--dry-run writes nothing, and --backup-only does: give one of them")
    if dry_run:
        migration_work.dry_run(wanted, json=json)
    elif backup_only:
        migration_work.backup_only(wanted, json=json)
    else:
        migration_work.migrate(wanted, json=json)


@migration_app.command("status")
def status(*, from_file: FromFile = None, map_file: Map = None, json: Json = False) -> None:
    """Say per variable where its content is, and whether the environment may forget it."""
    from journal_keys.entrypoints.cli import migration_work

    migration_work.status(from_file, map_file, json=json)


@migration_app.command("rollback")
def rollback(  # noqa: PLR0913 (options)
    file: Annotated[str, typer.Argument(help="What 'migrate' wrote first: a path, or a name in the backup folder.")],
    *,
    from_file: FromFile = None,
    map_file: Map = None,
    identity: Identity = None,
    passphrase_file: PassphraseFile = None,
    forget: Annotated[
        list[str] | None,
        typer.Option(help="A kid that came into use since and may be lost; may be repeated."),
    ] = None,
    overwrite: Annotated[
        list[str] | None, typer.Option(help="A path that was set since, and may go back; likewise.")
    ] = None,
    reason: Reason = "asked by an operator",
    json: Json = False,
) -> None:
    """Put every touched path and every ring back as they were before a migration.

    What the environment (or the env file) no longer has is not given up, unless it is named.
    """
    from journal_keys.entrypoints.backup_seals import SealOptions
    from journal_keys.entrypoints.cli import migration_work

    wanted = migration_work.Back(
        place=file,
        opening=SealOptions(identity_file=identity, passphrase_file=passphrase_file),
        from_file=from_file,
        map_file=map_file,
        forget=frozenset(forget or ()),
        overwrite=frozenset(overwrite or ()),
        reason=reason,
    )
    migration_work.rollback(wanted, json=json)
