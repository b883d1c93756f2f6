"""What the commands on the audit trail do."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from journal_keys.domain.audit_chain import AuditEntry, AuditHead
from journal_keys.entrypoints.cli.output import print_json, print_table
from journal_keys.entrypoints.cli.running import on_container

if TYPE_CHECKING:
    from journal_keys.container import Container


def list_entries(*, after: int, limit: int, json: bool) -> None:
    """List audit entries in order."""

    async def run(container: "Container") -> Sequence[AuditEntry]:
        return await container.trail().entries(after=after, limit=limit)

    entries = on_container(run)
    if json:
        print_json(list(entries))
        return
    rows = [(e.sequence, e.fact.at, e.fact.actor, e.fact.action, e.fact.kid, e.fact.reason) for e in entries]
    print_table(("#", "at", "actor", "action", "kid", "reason"), rows)


def head(*, json: bool) -> None:
    """Print the chain's head, to be kept elsewhere."""

    async def run(container: "Container") -> AuditHead:
        return await container.trail().head()

    _show(on_container(run), json=json)


def verify(*, kept: str | None, json: bool) -> None:
    """Check every link of the chain, and that it passes through a kept head."""
    known = AuditHead.parse(kept) if kept is not None else None

    async def run(container: "Container") -> AuditHead:
        return await container.verify_audit()(kept=known)

    _show(on_container(run), json=json)


def _show(found: AuditHead, *, json: bool) -> None:
    if json:
        print_json(found)
    else:
        typer.echo(str(found))
