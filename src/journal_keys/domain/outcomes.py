"""Expected results of the use cases: closed unions, consumed with `match` and `assert_never`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from journal_keys.domain.keys import Family, KeyState, Kid


@dataclass(frozen=True, slots=True, kw_only=True)
class Initialised:
    """The ring was made: one ACTIVE key, one staged."""

    family: Family
    active_kid: Kid
    staged_kid: Kid
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyInitialised:
    """The ring was there: nothing was changed."""

    family: Family
    active_kid: Kid
    generation: int


InitOutcome: TypeAlias = Initialised | AlreadyInitialised


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """This call promoted `new_kid`. `unfinished` says what of the rest `reconcile` has to do, None for nothing."""

    family: Family
    old_kid: Kid
    new_kid: Kid
    generation: int
    unfinished: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyRotated:
    """Another call promoted `new_kid` first; its result is given."""

    family: Family
    old_kid: Kid
    new_kid: Kid
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDue:
    """The ACTIVE key is younger than the interval, and the rotation was not forced."""

    family: Family
    active_kid: Kid
    generation: int
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The staged key may not be promoted before `until`; `reconcile` finishes the rotation."""

    family: Family
    active_kid: Kid
    staged_kid: Kid
    generation: int
    until: datetime
    because: str


RotationOutcome: TypeAlias = Rotated | AlreadyRotated | NotDue | Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastRadius:
    """What a compromise touches, on the ledger's clock."""

    exposed_from: datetime
    exposed_until: datetime
    last_token_expires_at: datetime | None
    """When the last token signed with the key ends by itself; None for AES and for a key that never signed."""
    laggards_until: datetime
    """Until when a verifier may hold a view from before the change, and so accept the key still."""
    successor_unknown_until: datetime | None
    """Until when a verifier may not know the key promoted in its place; None where none was, or all know it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compromised:
    """The key left every accept-list; `active_kid` is the ACTIVE key now. `unfinished` as in `Rotated`."""

    family: Family
    kid: Kid
    was: KeyState
    active_kid: Kid
    generation: int
    blast_radius: BlastRadius
    unfinished: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlreadyCompromised:
    """The key was COMPROMISED since `since`: nothing was changed."""

    family: Family
    kid: Kid
    since: datetime


CompromiseOutcome: TypeAlias = Compromised | AlreadyCompromised


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """These keys are DESTROYED now."""

    family: Family
    kids: tuple[Kid, ...]
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToRetire:
    """No key may be destroyed yet; `next_at` is when the next one may be, where time alone decides."""

    family: Family
    next_at: datetime | None


RetireOutcome: TypeAlias = Retired | NothingToRetire


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """What one pass found unfinished and finished, in words (`promoted …`, `staged …`, `swept …`); none in rest."""

    family: Family
    repairs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotInitialised:
    """The ledger positively has no such ring."""

    family: Family


ReconcileOutcome: TypeAlias = Reconciled | NotInitialised


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """The ring was rebuilt from the store's material."""

    family: Family
    active_kid: Kid
    kids: tuple[Kid, ...]
    unusable: tuple[str, ...]
    """Names of stored secrets that are no well-formed material: left where they are."""
    generation: int
    unfinished: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToRecover:
    """The store holds no material of this ring."""

    family: Family


RecoverOutcome: TypeAlias = Recovered | AlreadyInitialised | NothingToRecover


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a key is in its state, and what happens to it next. Texts are for an operator to read."""

    family: Family
    kid: Kid
    state: KeyState
    since: datetime
    because: str
    next_event: str
    next_at: datetime | None
