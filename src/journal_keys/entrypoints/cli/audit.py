"""Commands on the audit trail: their words; the work is loaded when one is run."""

from typing import Annotated

import typer

from journal_keys.entrypoints.cli.options import Json

audit_app = typer.Typer(no_args_is_help=True, help="Read and check the audit trail.")


@audit_app.command("list")
def list_entries(
    *,
    after: Annotated[int, typer.Option(min=0, help="Begin behind this sequence number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at the most.")] = 1000,
    json: Json = False,
) -> None:
    """List audit entries in order."""
    from journal_keys.entrypoints.cli import audit_work

    audit_work.list_entries(after=after, limit=limit, json=json)


@audit_app.command("head")
def head(*, json: Json = False) -> None:
    """Print the chain's head, to be kept elsewhere."""
    from journal_keys.entrypoints.cli import audit_work

    audit_work.head(json=json)


@audit_app.command("verify")
def verify(
    *,
    kept: Annotated[
        str | None, typer.Option("--head", help="A head that was kept elsewhere, as 'audit head' prints it.")
    ] = None,
    json: Json = False,
) -> None:
    """Check every link of the chain, and that it passes through a kept head."""
    from journal_keys.entrypoints.cli import audit_work

    audit_work.verify(kept=kept, json=json)
