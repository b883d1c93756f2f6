"""Which secrets of the webhook count: the newest, and those before it until it was used or a bound has passed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Final

from journal_keys.domain.changes import AuditFact

OVERLAP: Final = timedelta(days=1)
"""How long former secrets count beside one that no delivery was signed with yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecret:
    """One secret by its name (the last segment of its path), made by a rotation; `used_at` is its first delivery."""

    name: str
    made_at: datetime
    used_at: datetime | None = None

    @property
    def alone_from(self) -> datetime:
        """From when on the secrets before this one no longer count."""
        bound = self.made_at + OVERLAP
        return bound if self.used_at is None else min(bound, self.used_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsPage:
    """All that were made, oldest first, and the time on the ledger's clock."""

    now: datetime
    made: tuple[WebhookSecret, ...]

    def has(self, name: str) -> bool:
        """Whether a rotation made the secret of this name."""
        return any(secret.name == name for secret in self.made)

    def superseded_at(self, name: str | None) -> datetime | None:
        """Say since when this secret no longer counts, None where it does.

        What no rotation made, as the setting's, is None, or a name that is not recorded: it is older than all of them.
        """
        names = [secret.name for secret in self.made]
        later = self.made[names.index(name) + 1 :] if name in names else self.made
        ends = [secret.alone_from for secret in later]
        return min(ends) if ends and min(ends) <= self.now else None

    def former_until(self, name: str) -> datetime:
        """Until when the secrets count that counted before this one was made; `name` is one of those made."""
        names = [secret.name for secret in self.made]
        return former_until(self.made[: names.index(name) + 1])

    def awaits_use(self, name: str | None) -> bool:
        """Whether this is the newest secret, and no delivery was signed with it yet."""
        return bool(self.made) and self.made[-1].name == name and self.made[-1].used_at is None


def former_until(made: Sequence[WebhookSecret]) -> datetime:
    """Until when each secret counts that counted before the last of these was made, if no delivery comes with that one.

    Where an earlier one was never used either, what stood before it ends first.
    """
    ends = accumulate((secret.alone_from for secret in reversed(made)), min)
    return min((end for end in ends if end > made[-1].made_at), default=made[-1].alone_from)


def secret_made(made: Sequence[WebhookSecret], *, actor: str, reason: str) -> AuditFact:
    """The fact that a rotation made the last of these secrets."""
    return AuditFact(
        at=made[-1].made_at,
        actor=actor,
        action="webhook_secret_made",
        family=None,
        kid=None,
        reason=reason,
        detail={"secret": made[-1].name, "former_until": former_until(made).isoformat()},
    )


def secret_used(name: str, at: datetime) -> AuditFact:
    """The fact that the first delivery signed with this secret came, and that former secrets count no longer."""
    return AuditFact(
        at=at,
        actor="webhook",
        action="webhook_secret_used",
        family=None,
        kid=None,
        reason="the first delivery signed with it came",
        detail={"secret": name},
    )
