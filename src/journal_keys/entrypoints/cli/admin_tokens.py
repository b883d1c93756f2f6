"""Commands on the tokens of the admin plane: their words; the work is loaded when one is run."""

from typing import Annotated, TypeAlias

import typer

from journal_keys.domain.scopes import Scope
from journal_keys.entrypoints.cli.options import Json

TokenName: TypeAlias = Annotated[str, typer.Argument(help="What the token is called, in the audit trail, too.")]
admin_tokens_app = typer.Typer(no_args_is_help=True, help="Say who may change keys over HTTP.")


@admin_tokens_app.command("add")
def add(
    name: TokenName,
    *,
    scope: Annotated[list[Scope], typer.Option(help="What it opens; may be repeated.")],
    json: Json = False,
) -> None:
    """Make a token, keep its digest in the file, and print it once."""
    from journal_keys.entrypoints.cli import token_work

    token_work.add(name, frozenset(scope), json=json)


@admin_tokens_app.command("list")
def list_tokens(*, json: Json = False) -> None:
    """List tokens by name, with their scopes."""
    from journal_keys.entrypoints.cli import token_work

    token_work.list_tokens(json=json)


@admin_tokens_app.command("remove")
def remove(name: TokenName, *, json: Json = False) -> None:
    """Take a token out of the file; services let it in no longer."""
    from journal_keys.entrypoints.cli import token_work

    token_work.remove(name, json=json)
