"""The command on the ledger's tables."""

import typer

from journal_keys.entrypoints.cli.options import Json

ledger_app = typer.Typer(no_args_is_help=True)


@ledger_app.callback()
def ledger() -> None:  # without it typer would make the one command the group itself
    """Look after the ledger's tables."""


@ledger_app.command("upgrade")
def upgrade(*, json: Json = False) -> None:
    """Migrate the tables to this release.

    Only `init` and `recover` do so, too.
    """
    from journal_keys.entrypoints.cli.output import print_fields, print_json
    from journal_keys.entrypoints.cli.running import command_settings
    from journal_keys.entrypoints.ending import run_to_end
    from journal_keys.entrypoints.resources import upgrade_ledger

    before, now = run_to_end(upgrade_ledger(command_settings()))
    fields = {"schema_before": before, "schema_now": now}
    if json:
        print_json(fields)
    else:
        print_fields(fields)
