"""Commands on secrets: their words; the work is loaded when one is run. No value is ever an argument."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from journal_keys.entrypoints.cli.options import Json

Named: TypeAlias = Annotated[
    str, typer.Argument(help="A path; a name without a slash is a known one, or in /application.")
]
secrets_app = typer.Typer(no_args_is_help=True, help="Read and write secrets that no ring owns.")


@secrets_app.command("list")
def list_secrets(folder: Annotated[str | None, typer.Argument(help="Its path.")] = None, *, json: Json = False) -> None:
    """List the secrets of one folder, or of all known ones, without their values."""
    from journal_keys.entrypoints.cli import secret_work

    secret_work.list_secrets(folder, json=json)


@secrets_app.command("get")
def get_secret(
    path: Named,
    *,
    show: Annotated[bool, typer.Option("--show", help="Print on a terminal, too.")] = False,
    json: Json = False,
) -> None:
    """Write one secret to standard output, byte for byte. A name without a slash is a known one, or in /application."""
    from journal_keys.entrypoints.cli import secret_work

    secret_work.get_secret(path, show=show, json=json)


@secrets_app.command("set")
def set_secret(
    path: Named,
    *,
    file: Annotated[Path | None, typer.Option(help="Read the value from this file.")] = None,
    json: Json = False,
) -> None:
    """Set one secret from a prompt, standard input or a file, byte for byte."""
    from journal_keys.entrypoints.cli import secret_work

    secret_work.set_secret(path, file=file, json=json)


@secrets_app.command("delete")
def delete_secret(path: Named, *, json: Json = False) -> None:
    """Delete one secret."""
    from journal_keys.entrypoints.cli import secret_work

    secret_work.delete_secret(path, json=json)
