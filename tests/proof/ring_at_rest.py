"""What must be true of a home that nobody changes any more."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

from journal_keys.container import Container
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.errors import AuditChainBrokenError, MaterialCorruptError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, KeyVersion, Kid
from journal_keys.domain.outcomes import Reconciled
from journal_keys.domain.paths import MARKER_NAME
from journal_keys.domain.windows import Windows
from journal_keys.ports.secret_store import FolderContent
from journal_keys.use_cases.read_material import checked_record

_PAGE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """One ring, the names of its stored keys, which keys are lost, and what else is as it should not be."""

    ring: KeyRing
    stored: frozenset[str]
    promotions: tuple[AuditFact, ...]
    lost: tuple[Kid, ...]
    unrest: tuple[str, ...]

    @property
    def wrongs(self) -> tuple[str, ...]:
        """Everything that is wrong, in words."""
        return (*(f"{kid} is lost" for kid in self.lost), *self.unrest)


async def bring_to_rest(container: Container, family: Family) -> Rest:
    """Let every orphan grow old enough to be swept, reconcile once, and look; a second pass must find nothing."""
    await asyncio.sleep(container.windows().publish_to_promote.total_seconds())
    await container.reconcile()(family)
    rest = await look(container, family)
    again = await container.reconcile()(family)
    if isinstance(again, Reconciled) and all(repair.startswith("retired ") for repair in again.repairs):
        return rest  # a key may come of age between the passes
    return replace(rest, unrest=(*rest.unrest, f"a second pass over the {family} ring found more to do: {again}"))


async def look(container: Container, family: Family) -> Rest:
    """Look at one ring, its stored keys and its history."""
    ring = (await container.ledger().read(family)).ring
    assert ring is not None, f"there is no {family} ring"
    content = await container.read_material()(family)
    facts = [fact for fact in await _facts(container) if (fact.family, fact.action) == (family, "key_promoted")]
    windows = container.windows()
    gone = [kid for kid in {fact.kid for fact in facts} if kid is not None and ring.find(kid) is None]
    return Rest(
        ring=ring,
        stored=frozenset(content.secrets.keys() - {MARKER_NAME}),
        promotions=tuple(facts),
        lost=(*gone, *(version.kid for version in ring.versions if not _is_kept(version, content, windows))),
        unrest=(*_unrest(ring, content), *await _broken_chain(container)),
    )


def _is_kept(version: KeyVersion, content: FolderContent, windows: Windows) -> bool:
    """Whether a key is readable while it may be needed, and gone only after W2 where it was ever ACTIVE."""
    if version.state is KeyState.DESTROYED:
        ended, began = version.destroyed_at, version.deactivated_at
        return began is None or (ended is not None and ended - began >= windows.promote_to_retire)
    try:
        return version.kid in content.secrets and bool(checked_record(content, version))
    except MaterialCorruptError:
        return False


def _unrest(ring: KeyRing, content: FolderContent) -> Iterable[str]:
    if ring.staged is None:
        yield f"the {ring.family} ring has no staged key"
    accepted = {version.kid for version in ring.accepted}
    for name in sorted(content.secrets.keys() - accepted - {MARKER_NAME}):
        yield f"the vault keeps {name}, and no {ring.family} key in use is called so"


async def _broken_chain(container: Container) -> Iterable[str]:
    try:
        await container.verify_audit()()
    except AuditChainBrokenError as failure:
        return (str(failure),)
    return ()


async def _facts(container: Container) -> list[AuditFact]:
    facts: list[AuditFact] = []
    while entries := await container.trail().entries(after=len(facts), limit=_PAGE):
        facts += (entry.fact for entry in entries)
    return facts
