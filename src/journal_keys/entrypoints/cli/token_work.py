"""What the commands on the tokens of the admin plane do."""

import typer

from journal_keys.domain.scopes import Scope
from journal_keys.entrypoints.admin_tokens import grants_of, make_token
from journal_keys.entrypoints.cli.output import print_json, print_once, print_table
from journal_keys.entrypoints.settings import Settings


def add(name: str, scopes: frozenset[Scope], *, json: bool) -> None:
    """Make a token, and show it this once."""
    grants = grants_of(Settings.from_environment(checks_infisical=False))
    fields = {
        "outcome": "made",
        "name": name,
        "token": make_token(grants, name, scopes),
        "scopes": sorted(scopes),
        "file": str(grants.path),
    }
    print_once(fields, "The token is not shown again.", json=json)


def list_tokens(*, json: bool) -> None:
    """List what the file holds, without the digests."""
    grants = sorted(grants_of(Settings.from_environment(checks_infisical=False)).current(), key=lambda one: one.name)
    if json:
        print_json([{"name": grant.name, "scopes": sorted(grant.scopes)} for grant in grants])
    else:
        print_table(("name", "scopes"), [(grant.name, sorted(grant.scopes)) for grant in grants])


def remove(name: str, *, json: bool) -> None:
    """Take one out."""
    grants_of(Settings.from_environment(checks_infisical=False)).remove(name)
    if json:
        print_json({"outcome": "removed", "name": name})
    else:
        typer.echo(f"{name}: removed")
