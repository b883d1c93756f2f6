"""Commands on the audit trail."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from journal_keys.domain.audit_chain import AuditEntry, AuditHead
from journal_keys.domain.errors import InvalidNameError
from journal_keys.entrypoints.cli.options import Json
from journal_keys.entrypoints.cli.output import print_json, print_table
from journal_keys.entrypoints.cli.running import on_container

if TYPE_CHECKING:
    from journal_keys.container import Container

audit_app = typer.Typer(no_args_is_help=True, help="Read and check the audit trail.")
_HASH_DIGITS = 64


@audit_app.command("list")
def list_entries(
    *,
    after: Annotated[int, typer.Option(min=0, help="Begin behind this sequence number.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 1000,
    json: Json = False,
) -> None:
    """List audit entries in order."""

    async def run(container: "Container") -> Sequence[AuditEntry]:
        return await container.trail().entries(after=after, limit=limit)

    entries = on_container(run)
    if json:
        print_json(list(entries))
        return
    rows = [(e.sequence, e.fact.at, e.fact.actor, e.fact.action, e.fact.kid, e.fact.reason) for e in entries]
    print_table(("#", "at", "actor", "action", "kid", "reason"), rows)


@audit_app.command("head")
def head(*, json: Json = False) -> None:
    """Print the chain's head, to be kept elsewhere."""

    async def run(container: "Container") -> AuditHead:
        return await container.trail().head()

    _show(on_container(run), json=json)


@audit_app.command("verify")
def verify(
    *,
    kept: Annotated[
        str | None, typer.Option("--head", help="A head that was kept elsewhere, as 'audit head' prints it.")
    ] = None,
    json: Json = False,
) -> None:
    """Check every link of the chain, and that it passes through a kept head."""
    known = _parsed(kept) if kept is not None else None

    async def run(container: "Container") -> AuditHead:
        return await container.verify_audit()(kept=known)

    _show(on_container(run), json=json)


def _show(found: AuditHead, *, json: bool) -> None:
    if json:
        print_json(found)
    else:
        typer.echo(f"{found.sequence}:{found.hash}")


def _parsed(text: str) -> AuditHead:
    sequence, _, digest = text.partition(":")
    if not (sequence.isascii() and sequence.isdigit()) or len(digest) != _HASH_DIGITS or not digest.isalnum():
        raise InvalidNameError("a head is <sequence>:<64 hex digits>, as 'journal-keys audit head' prints it")
    return AuditHead(sequence=int(sequence), hash=digest)
