"""Commands on the webhook's secret: their words; the work is loaded when one is run."""

from typing import Annotated

import typer

from journal_keys.entrypoints.cli.options import Json

webhook_secrets_app = typer.Typer(no_args_is_help=True, help="Rotate the secret that webhooks are signed with.")


@webhook_secrets_app.command("rotate")
def rotate(
    *, reason: Annotated[str, typer.Option(help="For the audit.")] = "asked by an operator", json: Json = False
) -> None:
    """Make a new secret and print it once; former ones count until a delivery signed with it comes, or for a day."""
    from journal_keys.entrypoints.cli import webhook_work

    webhook_work.rotate(reason, json=json)


@webhook_secrets_app.command("status")
def status(*, json: Json = False) -> None:
    """List the secrets that rotations made, and since when those before each no longer count."""
    from journal_keys.entrypoints.cli import webhook_work

    webhook_work.status(json=json)
