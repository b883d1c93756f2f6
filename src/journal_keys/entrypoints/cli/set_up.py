"""Commands that look at how this installation is set up."""

from typing import Annotated

import typer

from journal_keys.entrypoints.cli.options import Json


def config(*, json: Json = False) -> None:
    """Show every setting as it takes effect, and where it comes from; secrets are masked."""
    from journal_keys.entrypoints.cli.output import print_json, print_table
    from journal_keys.entrypoints.effective import effective
    from journal_keys.entrypoints.settings import Settings

    rows = effective(Settings.from_environment(checks_infisical=False))
    if json:
        print_json(rows)
    else:
        print_table(("setting", "value", "source"), [(row.name, row.value, row.source) for row in rows])


def doctor(
    *,
    checklist: Annotated[
        bool,
        typer.Option(
            "--checklist",
            help="Answer the checklists of deployment, testing and security audit, with any store, each line by a check"
            " or by the words 'by hand'.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Look at everything that the store in Infisical needs; exit code 10 where something is to be mended.

    It writes a probe secret into /journal_keys_doctor, reads it back and deletes it.
    """
    if checklist:
        from journal_keys.entrypoints.cli import checklist_work

        raise typer.Exit(checklist_work.checklist(json=json))
    from journal_keys.entrypoints.cli import doctor_work

    raise typer.Exit(doctor_work.doctor(json=json))
