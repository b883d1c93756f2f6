"""All versions of one family: `KeyRing` and what always holds in it."""

from dataclasses import dataclass
from datetime import datetime

from journal_keys.domain.errors import RingInvariantError, UnknownKeyError
from journal_keys.domain.keys import Family, KeyState, KeyVersion, Kid


@dataclass(frozen=True, slots=True, kw_only=True)
class RingHead:
    """What tells one content of a ring from another, readable in one indexed query.

    `changed_at` distinguishes a ledger that was rebuilt from the one it replaces.
    """

    generation: int
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRing:
    """The versions of one family at one generation (≥ 1), oldest publication first.

    Holds exactly one ACTIVE key and at most one PRE_ACTIVATION (staged) key; kids never repeat. Neither of the two is
    of an algorithm that only reads.

    Raises:
        RingInvariantError: at construction, when one of these would not hold.
    """

    family: Family
    generation: int
    changed_at: datetime
    versions: tuple[KeyVersion, ...]

    def __post_init__(self) -> None:
        if self.generation < 1:
            raise RingInvariantError(f"generation of ring {self.family} is {self.generation}, not ≥ 1")
        kids = {version.kid for version in self.versions}
        if len(kids) != len(self.versions):
            raise RingInvariantError(f"ring {self.family} holds a kid twice")
        if any(version.family is not self.family for version in self.versions):
            raise RingInvariantError(f"ring {self.family} holds a key of another family")
        active = self._in_state(KeyState.ACTIVE)
        if len(active) != 1:
            raise RingInvariantError(f"ring {self.family} has {len(active)} ACTIVE keys, not one")
        staged = self._in_state(KeyState.PRE_ACTIVATION)
        for version in (*active, *staged):
            if version.is_read_only:
                raise RingInvariantError(f"{version.kid} of ring {self.family} is {version.algorithm}, read only")
        if len(staged) > 1:
            raise RingInvariantError(f"ring {self.family} has {len(staged)} staged keys, not one at most")

    def _in_state(self, state: KeyState) -> tuple[KeyVersion, ...]:
        return tuple(version for version in self.versions if version.state is state)

    @property
    def head(self) -> RingHead:
        """Generation and moment of the last change."""
        return RingHead(generation=self.generation, changed_at=self.changed_at)

    @property
    def active(self) -> KeyVersion:
        """The one key that signs or encrypts."""
        return self._in_state(KeyState.ACTIVE)[0]

    @property
    def staged(self) -> KeyVersion | None:
        """The published key that the next rotation promotes, if there is one."""
        return next(iter(self._in_state(KeyState.PRE_ACTIVATION)), None)

    @property
    def accepted(self) -> tuple[KeyVersion, ...]:
        """Every key that verifies or decrypts."""
        return tuple(version for version in self.versions if version.is_accepted)

    def in_states(self, *states: KeyState) -> tuple[KeyVersion, ...]:
        """The versions in any of these states."""
        return tuple(version for version in self.versions if version.state in states)

    def find(self, kid: Kid) -> KeyVersion | None:
        """The version of this kid, in whatever state."""
        return next((version for version in self.versions if version.kid == kid), None)

    def get(self, kid: Kid) -> KeyVersion:
        """The version of this kid.

        Raises:
            UnknownKeyError: the ring never had it.
        """
        version = self.find(kid)
        if version is None:
            raise UnknownKeyError(f"ring {self.family} has no key {kid}; 'keys list' shows those it has")
        return version
