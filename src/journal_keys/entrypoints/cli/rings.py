"""Commands on rings and keys: their words; the work is loaded when one is run."""

from pathlib import Path
from typing import Annotated

import typer

from journal_keys.entrypoints.cli.options import Identity, Json, NamedKid, PassphraseFile, Reason, Scope

keys_app = typer.Typer(no_args_is_help=True, help="Look at keys.")


def init(
    *,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing about rings that are there.")] = False,
    json: Json = False,
) -> None:
    """Make vault, ledger and first keys; what is there stays as it is."""
    from journal_keys.entrypoints.cli import ring_work

    ring_work.init(quiet=quiet, json=json)


def status(
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Show everything again and again, until q or Ctrl-C.")] = False,
    interval: Annotated[
        float | None,
        typer.Option(min=0.2, max=3600, help="Seconds between two looks; as often as a service, if unset."),
    ] = None,
    figures: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Also show what a service on this machine counted: http://localhost:8000."),
    ] = None,
    json: Json = False,
) -> None:
    """Show which key is in use, since when, what comes next, what is stuck, who agrees, what the audit says."""
    from journal_keys.entrypoints.cli import status_work

    if watch:
        status_work.watch(interval, figures, json=json)
    elif interval is not None:
        raise typer.BadParameter("--interval goes with --watch")
    else:
        status_work.status(figures, json=json)


@keys_app.command("list")
def list_keys(*, json: Json = False) -> None:
    """List every key version, also destroyed ones."""
    from journal_keys.entrypoints.cli import ring_work

    ring_work.list_keys(json=json)


@keys_app.command("explain")
def explain(kid: NamedKid, *, json: Json = False) -> None:
    """Say why a key is in its state, what happens to it next, and when."""
    from journal_keys.entrypoints.cli import ring_work

    ring_work.explain(kid, json=json)


@keys_app.command("destroy")
def destroy(  # noqa: PLR0913 (options)
    kid: NamedKid,
    *,
    backup: Annotated[str | None, typer.Option(help="A backup that holds the key; it is opened and used.")] = None,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="No backup has to hold it.")] = False,
    ciphertexts: Annotated[
        Path | None, typer.Option(help="All ciphertexts that there are, one a line: none may name the key.")
    ] = None,
    override: Annotated[
        str | None, typer.Option(help="Who answers for it that nothing needs the key; kept in the audit trail.")
    ] = None,
    confirm: Annotated[str | None, typer.Option(help="The kid once more, in place of typing it.")] = None,
    identity: Identity = None,
    passphrase_file: PassphraseFile = None,
    reason: Reason = "asked by an operator",
    json: Json = False,
) -> None:
    """Destroy a key that is DEACTIVATED or COMPROMISED: its material goes for good, its row stays."""
    from journal_keys.entrypoints.backup_seals import SealOptions
    from journal_keys.entrypoints.cli import backup_work

    backup_work.destroy(
        kid,
        backup=backup,
        no_backup=no_backup,
        ciphertexts=ciphertexts,
        override=override,
        confirm=confirm,
        options=SealOptions(identity_file=identity, passphrase_file=passphrase_file),
        reason=reason,
        json=json,
    )


def rotate(
    scope: Annotated[Scope, typer.Argument(help="Which rings.")],
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Rotate though it is not due; the window holds all the same.")
    ] = False,
    reason: Reason = "asked by an operator",
    rotation_id: Annotated[str | None, typer.Option(help="The same id again gives the same result.")] = None,
    ignore_instance: Annotated[
        list[str] | None,
        typer.Option(help="An instance that must not hold the gate shut; may be given several times. Audited."),
    ] = None,
    json: Json = False,
) -> None:
    """Rotate rings: promote the staged key, stage its successor."""
    from journal_keys.entrypoints.cli import ring_work

    ring_work.rotate(
        scope,
        force=force,
        reason=reason,
        rotation_id=rotation_id,
        ignored=frozenset(ignore_instance or ()),
        json=json,
    )


def compromise(kid: NamedKid, *, reason: Reason, json: Json = False) -> None:
    """Take a key out of use everywhere at once, and report what that touches."""
    from journal_keys.entrypoints.cli import ring_work

    ring_work.compromise(kid, reason=reason, json=json)


def reconcile(
    *,
    accept_clock: Annotated[
        bool, typer.Option("--accept-clock", help="First declare that this host's clock is right.")
    ] = False,
    reason: Reason = "asked by an operator",
    json: Json = False,
) -> None:
    """Finish whatever a crash or a waiting rotation left unfinished."""
    from journal_keys.entrypoints.cli import ring_work

    ring_work.reconcile(accept_clock=accept_clock, reason=reason, json=json)


def recover(
    scope: Annotated[Scope, typer.Argument(help="Which rings.")] = Scope.BOTH,
    *,
    active: Annotated[str | None, typer.Option(help="The kid that becomes ACTIVE; give one ring then.")] = None,
    json: Json = False,
) -> None:
    """Rebuild a lost ledger from the keys that the store holds."""
    from journal_keys.entrypoints.cli import ring_work

    ring_work.recover(scope, active=active, json=json)
