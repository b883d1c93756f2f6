"""Read the keys that variables hold, each proved, or say why a variable holds none."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from journal_keys.domain.keys import Algorithm, Family, Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord
from journal_keys.domain.migration import AesKeyVariables, MigrationMap, SigningKeyVariables
from journal_keys.ports.foreign_keys import ForeignKeyError, ForeignKeys
from journal_keys.ports.key_crypto import NewKey

NAMELESS: Final = "of tokens that name no key, one algorithm leads to one key"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeyRead:
    """A key that a variable holds, or why it holds none."""

    variable: str
    key: NewKey | None = None
    signs: bool = False
    why: str = ""
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadVariables:
    """Asks the reader of keys from elsewhere, and nobody else."""

    foreign: ForeignKeys

    def __call__(self, source: Mapping[str, KeyMaterial], chosen: MigrationMap, at: datetime) -> Sequence[KeyRead]:
        """Give each key once, as made `at` that moment, and each variable that holds none with the reason."""
        return list(_once(self._keys(source, chosen, at)))

    def _keys(self, source: Mapping[str, KeyMaterial], chosen: MigrationMap, at: datetime) -> Iterator[KeyRead]:
        for signing in chosen.signing_keys:
            yield from self._signing(source, signing, at)
        for variable in chosen.shared_secrets:
            if variable in source:
                yield from _tried(variable, partial(self._shared, source[variable], at))
        for aes in chosen.aes_keys:
            yield from self._aes(source, aes, at)
        for variable in chosen.fernet_keys:
            if variable in source:
                yield from _tried(variable, partial(self.foreign.fernet_keys, source[variable], created_at=at))

    def _shared(self, secret: KeyMaterial, at: datetime) -> Sequence[NewKey]:
        return [self.foreign.shared_secret(secret, created_at=at)]

    def _signing(
        self, source: Mapping[str, KeyMaterial], names: SigningKeyVariables, at: datetime
    ) -> Iterator[KeyRead]:
        private = source.get(names.private)
        public = source.get(names.public) if names.public else None
        kid_text = source.get(names.kid) if names.kid else None
        if private is None:
            alone = names.public if public is not None else names.kid if kid_text is not None else None
            if alone:
                yield KeyRead(variable=alone, why=f"it is set without {names.private}: expected both")
            return

        def read() -> Sequence[NewKey]:
            kid = self.foreign.kid(kid_text) if kid_text is not None else None
            return [self.foreign.signing_key(private, public, kid=kid, created_at=at)]

        for one in _tried(names.private, read):
            yield replace(one, signs=True)

    def _aes(self, source: Mapping[str, KeyMaterial], names: AesKeyVariables, at: datetime) -> Iterator[KeyRead]:
        keys = source.get(names.keys)
        active = source.get(names.active_kid) if names.active_kid else None
        if keys is None:
            if active is not None and names.active_kid:
                yield KeyRead(variable=names.active_kid, why=f"it is set without {names.keys}: expected both")
            return
        read = list(_tried(names.keys, lambda: self.foreign.aes_keys(keys, created_at=at)))
        kids = [one.key.record.kid for one in read if one.key]
        try:
            chosen = self.foreign.kid(active) if active is not None else kids[0] if len(kids) == 1 else None
        except ForeignKeyError as failure:
            yield KeyRead(variable=str(names.active_kid), why=str(failure))
            chosen = None
        if kids and chosen is not None and chosen not in kids:
            yield KeyRead(variable=str(names.active_kid), why=f"it names no key of {names.keys}")
        elif kids and chosen is None and active is None:
            yield KeyRead(
                variable=names.keys, why=f"it holds {len(kids)} keys: {names.active_kid} has to name one of them"
            )
            return
        for one in read:
            yield replace(one, signs=one.key is not None and one.key.record.kid == chosen)


def _tried(variable: str, read: Callable[[], Sequence[NewKey]]) -> Iterator[KeyRead]:
    try:
        keys = read()
    except ForeignKeyError as failure:
        yield KeyRead(variable=variable, why=str(failure))
        return
    for key in keys:
        yield KeyRead(variable=variable, key=key)


def _once(read: Iterable[KeyRead]) -> Iterator[KeyRead]:
    """Give each key once: no two of one kid, in whichever ring, and no two signing keys that no token would name."""
    kids: dict[Kid, str] = {}
    unnamed: dict[Algorithm, str] = {}
    for one in read:
        record = one.key.record if one.key else None
        if record is None:
            yield one
        elif kids.setdefault(record.kid, one.variable) != one.variable:
            yield KeyRead(variable=one.variable, why=f"{kids[record.kid]} has a key of the same kid")
        elif is_unnamed(record) and unnamed.setdefault(record.algorithm, one.variable) != one.variable:
            first = unnamed[record.algorithm]
            yield KeyRead(
                variable=one.variable, why=f"{first} has a {record.algorithm} key without a kid, too: {NAMELESS}"
            )
        else:
            yield one


def is_unnamed(record: MaterialRecord) -> bool:
    """Whether tokens of this key name none, so that its algorithm leads to it."""
    return record.family is Family.JWT and record.kid == record.derived_kid
