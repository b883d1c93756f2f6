"""Where a process keeps its present view of each ring."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeAlias, runtime_checkable

from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Kid
from journal_keys.domain.material import MaterialRecord
from journal_keys.ports.key_crypto import CipherKey, ForeignReader, SigningKey, VerifyingKey

NEVER: Final = datetime.min.replace(tzinfo=UTC)
"""The confirmation of a view that nobody confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SigningView:
    """The jwt ring as key objects. `signing` is None where the ACTIVE key's material could not be had.

    `signers` holds the ACTIVE and the staged key, so that a promotion needs no read of the store.
    """

    ring: KeyRing
    confirmed_s: float
    """`Clock.uptime_s` just before the ledger was asked."""
    signing: SigningKey | None
    signers: Mapping[Kid, SigningKey]
    verifying: Mapping[Kid, VerifyingKey]
    missing: frozenset[Kid] = field(default=frozenset())
    lost: frozenset[Kid] = field(default=frozenset())
    """Those of `missing` that are DEACTIVATED and not in the store, whose marker was there: no promotion needs them."""
    records: Mapping[Kid, MaterialRecord] = field(default_factory=dict, repr=False)
    """What was opened: of `signers`, and of shared secrets in `verifying`."""
    imported: frozenset[Kid] = field(default=frozenset())
    """The keys in `verifying` that signed elsewhere before."""
    unnamed: Mapping[str, VerifyingKey] = field(default_factory=dict)
    """By algorithm, those of them that signed tokens which name no key."""
    confirmed_at: datetime = NEVER
    """What the wall clock read then: it names the confirmation, and no age is counted from it."""
    is_restored: bool = False
    """Whether a former process confirmed it, and this one has not reached the ledger yet."""
    behind: timedelta = timedelta(0)
    """By what the ledger's time stood behind the wall clock when the ring was read."""
    sought_s: float = 0.0
    """`Clock.uptime_s` just before the ring was read, and what was not open yet sought in the store."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CipherView:
    """The aes ring as key objects. `sealing` is None where the ACTIVE key's material could not be had."""

    ring: KeyRing
    confirmed_s: float
    sealing: CipherKey | None
    opening: Mapping[Kid, CipherKey]
    missing: frozenset[Kid] = field(default=frozenset())
    lost: frozenset[Kid] = field(default=frozenset())
    records: Mapping[Kid, MaterialRecord] = field(default_factory=dict, repr=False)
    """What was opened: of `opening`, and of `foreign`."""
    foreign: ForeignReader | None = None
    """What opens ciphertexts of another library; None where no such key was imported."""
    confirmed_at: datetime = NEVER
    is_restored: bool = False
    behind: timedelta = timedelta(0)
    sought_s: float = 0.0


RingView: TypeAlias = SigningView | CipherView


@runtime_checkable
class ViewBoard(Protocol):
    """One immutable view per ring, swapped whole; reading is one attribute look-up."""

    signing: SigningView | None
    cipher: CipherView | None

    @abstractmethod
    def show(self, view: RingView) -> None:
        """Put this view in the place of the one before."""
        ...
