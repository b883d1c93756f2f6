"""The audit chain: each entry's hash covers its content and the hash before it (SHA-256 over canonical bytes)."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from typing import Final, Self

from journal_keys.domain import canonical
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.errors import AuditChainBrokenError, InvalidNameError

GENESIS: Final = "0" * 64
"""The hash before the first entry."""

_HEAD: Final = re.compile(r"(0|[1-9][0-9]{0,18}):([0-9a-f]{64})\Z", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One link: `sequence` counts from 1 without a gap; hashes are 64 hex digits."""

    sequence: int
    fact: AuditFact
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditHead:
    """The last link. Kept elsewhere, it later proves that nothing before it was changed or cut off."""

    sequence: int
    hash: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` writes: `17:` and 64 hex digits.

        Raises:
            InvalidNameError: anything else.
        """
        found = _HEAD.match(text)
        if not found:
            raise InvalidNameError("a head is <sequence>:<64 hex digits>, as 'journal-keys audit head' prints it")
        return cls(sequence=int(found[1]), hash=found[2])

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


EMPTY: Final = AuditHead(sequence=0, hash=GENESIS)


def canonical_bytes(sequence: int, fact: AuditFact, previous_hash: str) -> bytes:
    """The bytes that are hashed: sorted compact JSON, times in UTC with microseconds."""
    document = {
        "v": 1,
        "seq": sequence,
        "prev": previous_hash,
        "at": fact.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": fact.actor,
        "action": fact.action,
        "family": fact.family.value if fact.family else None,
        "kid": fact.kid,
        "reason": fact.reason,
        "detail": dict(fact.detail),
    }
    return canonical.to_json(document).encode("ascii")


def link(head: AuditHead, fact: AuditFact) -> AuditEntry:
    """Give the entry that follows `head`."""
    sequence = head.sequence + 1
    digest = hashlib.sha256(canonical_bytes(sequence, fact, head.hash)).hexdigest()
    return AuditEntry(sequence=sequence, fact=fact, previous_hash=head.hash, hash=digest)


def head_of(entry: AuditEntry) -> AuditHead:
    """The head after this entry."""
    return AuditHead(sequence=entry.sequence, hash=entry.hash)


def verify(entries: Iterable[AuditEntry], *, after: AuditHead = EMPTY) -> AuditHead:
    """Follow the chain from `after` to its end and give the head.

    Raises:
        AuditChainBrokenError: a gap, a foreign predecessor or a changed content, named by its sequence number.
    """
    head = after
    for entry in entries:
        expected = link(head, entry.fact)
        if entry.sequence != expected.sequence:
            raise AuditChainBrokenError(
                f"audit entry {expected.sequence} is missing: {entry.sequence} stands in its place"
            )
        if entry.previous_hash != head.hash:
            raise AuditChainBrokenError(f"audit entry {entry.sequence} does not follow entry {head.sequence}")
        if entry.hash != expected.hash:
            raise AuditChainBrokenError(f"audit entry {entry.sequence} was changed after it was written")
        head = head_of(entry)
    return head
