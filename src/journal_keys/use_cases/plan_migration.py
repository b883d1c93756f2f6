"""Say what a migration would do: per variable, with the keys read, proved and used, and nothing written."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from journal_keys.domain import material
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Algorithm, Family, KeyState, KeyVersion, Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord
from journal_keys.domain.migration import (
    AesKeyVariables,
    MigrationMap,
    PlanLine,
    Resolutions,
    SecretToMove,
    SigningKeyVariables,
    Step,
    refuse_conflicts,
    ring_target,
)
from journal_keys.domain.paths import SecretPath, compromised_folder, versions_folder
from journal_keys.domain.windows import Windows
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.foreign_keys import ForeignKeyError, ForeignKeys, Work
from journal_keys.ports.key_crypto import NewKey
from journal_keys.ports.ledger import Ledger
from journal_keys.ports.secret_store import SecretStore

_TO_DO = frozenset({Step.COPY, Step.OVERWRITE, Step.MAKE})
_FINGERPRINT_KEY_BYTES = 32
_CANARY_BYTES = 16
_NAMELESS = "of tokens that name no key, one algorithm leads to one key"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeyToMove:
    """One key of a ring. `stored` is the line that the store has of it already; `signs` whether it was in use."""

    variable: str
    key: NewKey
    step: Step
    signs: bool
    stored: KeyMaterial | None = None
    is_over: bool = False
    """Whether the ring had the key, and it ended there: DESTROYED."""

    @property
    def kid(self) -> Kid:
        """The key's kid."""
        return self.key.record.kid

    @property
    def line(self) -> KeyMaterial:
        """What lies in the store, or is to."""
        return self.stored or material.encode(self.key.record)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MigrationPlan:
    """What is to be done, over rings as they were found (None: there is none), and what the keys made until now."""

    lines: tuple[PlanLine, ...]
    secrets: tuple[SecretToMove, ...]
    keys: tuple[KeyToMove, ...]
    rings: Mapping[Family, KeyRing | None]
    works: tuple[Work, ...]
    at: datetime

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to do."""
        return not any(line.step in _TO_DO for line in self.lines)

    def check(self) -> None:
        """Let no conflict pass.

        Raises:
            ConflictError: there is one.
        """
        refuse_conflicts(self.lines)

    def of_family(self, family: Family) -> tuple[KeyToMove, ...]:
        """The keys that this ring is to gain."""
        return tuple(one for one in self.keys if one.key.record.family is family and one.step is Step.COPY)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Read:
    """A key that a variable holds, or why it holds none."""

    variable: str
    key: NewKey | None = None
    signs: bool = False
    why: str = ""
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Shelf:
    """What store and ledger have of one ring."""

    ring: KeyRing | None
    lines: Mapping[str, KeyMaterial]
    tombstones: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMigration:
    """Compare what variables hold with what store and ledger have."""

    ledger: Ledger
    store: SecretStore
    foreign: ForeignKeys
    entropy: Entropy
    windows: Windows

    async def __call__(
        self, source: Mapping[str, KeyMaterial], chosen: MigrationMap, resolutions: Resolutions
    ) -> MigrationPlan:
        """Give the plan. A variable that is not in `source` is not in the plan, either.

        Raises:
            InvalidNameError: a resolution names no variable of the plan.
            PortError: store or ledger could not be read.
        """
        blind = KeyMaterial(self.entropy.token(_FINGERPRINT_KEY_BYTES))
        pages = {family: await self.ledger.read(family) for family in Family}
        shelves = {family: await self._shelf(family, page.ring) for family, page in pages.items()}
        at = max(page.now for page in pages.values())
        secrets = [one async for one in self._secrets(source, chosen, resolutions)]
        read = list(_once(self._keys(source, chosen, at)))
        keys = _with_one_active([_placed(one, shelves, resolutions) for one in read])
        lines = [
            *(_secret_line(one, blind) for one in secrets),
            *(self._key_line(one, shelves, blind) for one in keys),
            *_made(keys, shelves),
        ]
        moved = tuple(one for one in keys if isinstance(one, KeyToMove))
        resolutions.check([*(line.variable for line in lines), *(one.key.record.kid for one in read if one.key)])
        works = [
            self.foreign.work(one.key, said=self.entropy.token(_CANARY_BYTES).hex())
            for one in moved
            if one.step in {Step.COPY, Step.SAME} and not one.is_over
        ]
        return MigrationPlan(
            lines=tuple(lines),
            secrets=tuple(secrets),
            keys=moved,
            rings={family: page.ring for family, page in pages.items()},
            works=tuple(works),
            at=at,
        )

    async def _shelf(self, family: Family, ring: KeyRing | None) -> _Shelf:
        content = await self.store.read_folder(versions_folder(family))
        stones = await self.store.read_folder(compromised_folder(family))
        if ring is not None:
            content.require_marked()
            stones.require_marked()
        return _Shelf(ring=ring, lines=content.secrets, tombstones=frozenset(stones.secrets))

    async def _secrets(
        self, source: Mapping[str, KeyMaterial], chosen: MigrationMap, resolutions: Resolutions
    ) -> AsyncIterator[SecretToMove]:
        folders: dict[SecretPath, Mapping[str, KeyMaterial]] = {}
        for variable, path in chosen.secrets.items():
            if variable not in source:
                continue
            if path.folder not in folders:
                folders[path.folder] = (await self.store.read_folder(path.folder)).secrets
            value, found = source[variable], folders[path.folder].get(path.name)
            step = Step.COPY if found is None else Step.SAME if found.same_as(value) else Step.CONFLICT
            if variable in resolutions.keep:
                step = Step.KEEP
            elif step is Step.CONFLICT and variable in resolutions.overwrite:
                step = Step.OVERWRITE
            yield SecretToMove(variable=variable, path=path, value=value, found=found, step=step)

    def _keys(self, source: Mapping[str, KeyMaterial], chosen: MigrationMap, at: datetime) -> Iterator[_Read]:
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

    def _signing(self, source: Mapping[str, KeyMaterial], names: SigningKeyVariables, at: datetime) -> Iterator[_Read]:
        private = source.get(names.private)
        public = source.get(names.public) if names.public else None
        kid_text = source.get(names.kid) if names.kid else None
        if private is None:
            alone = names.public if public is not None else names.kid if kid_text is not None else None
            if alone:
                yield _Read(variable=alone, why=f"it is set without {names.private}: expected both")
            return

        def read() -> Sequence[NewKey]:
            kid = self.foreign.kid(kid_text) if kid_text is not None else None
            return [self.foreign.signing_key(private, public, kid=kid, created_at=at)]

        for one in _tried(names.private, read):
            yield replace(one, signs=True)

    def _aes(self, source: Mapping[str, KeyMaterial], names: AesKeyVariables, at: datetime) -> Iterator[_Read]:
        keys = source.get(names.keys)
        active = source.get(names.active_kid) if names.active_kid else None
        if keys is None:
            if active is not None and names.active_kid:
                yield _Read(variable=names.active_kid, why=f"it is set without {names.keys}: expected both")
            return
        read = list(_tried(names.keys, lambda: self.foreign.aes_keys(keys, created_at=at)))
        kids = [one.key.record.kid for one in read if one.key]
        try:
            chosen = self.foreign.kid(active) if active is not None else kids[0] if len(kids) == 1 else None
        except ForeignKeyError as failure:
            yield _Read(variable=str(names.active_kid), why=str(failure))
            chosen = None
        if kids and chosen is not None and chosen not in kids:
            yield _Read(variable=str(names.active_kid), why=f"it names no key of {names.keys}")
        elif kids and chosen is None and active is None:
            yield _Read(
                variable=names.keys, why=f"it holds {len(kids)} keys: {names.active_kid} has to name one of them"
            )
            return
        for one in read:
            yield replace(one, signs=one.key is not None and one.key.record.kid == chosen)

    def _key_line(self, one: KeyToMove | _Read, shelves: Mapping[Family, _Shelf], blind: KeyMaterial) -> PlanLine:
        if isinstance(one, _Read):
            step = Step.KEEP if one.kept else Step.CONFLICT
            return PlanLine(variable=one.variable, target="a ring", step=step, here=None, there=None, because=one.why)
        record = one.key.record
        here = record.key.fingerprint(blind)
        return PlanLine(
            variable=one.variable,
            target=ring_target(record.family, record.kid),
            step=one.step,
            here=here,
            there=here if one.step is Step.SAME else None,
            because=self._future(one, shelves[record.family]),
        )

    def _future(self, one: KeyToMove, shelf: _Shelf) -> str:
        if one.step is not Step.COPY:
            return "somebody said so" if one.step is Step.KEEP else "it ended: DESTROYED" if one.is_over else ""
        if one.signs and shelf.ring is None:
            return "it goes on being the one in use"
        if one.key.record.family is Family.AES:
            return "it decrypts, and encrypts nothing more"
        return f"it verifies for {self.windows.promote_to_retire.total_seconds():g} s, and signs nothing more"


def _tried(variable: str, read: Callable[[], Sequence[NewKey]]) -> Iterator[_Read]:
    try:
        keys = read()
    except ForeignKeyError as failure:
        yield _Read(variable=variable, why=str(failure))
        return
    for key in keys:
        yield _Read(variable=variable, key=key)


def _once(read: Iterable[_Read]) -> Iterator[_Read]:
    """Give each key once: no two of one kid, in whichever ring, and no two signing keys that no token would name."""
    kids: dict[Kid, str] = {}
    unnamed: dict[Algorithm, str] = {}
    for one in read:
        record = one.key.record if one.key else None
        if record is None:
            yield one
        elif kids.setdefault(record.kid, one.variable) != one.variable:
            yield _Read(variable=one.variable, why=f"{kids[record.kid]} has a key of the same kid")
        elif _is_unnamed(record) and unnamed.setdefault(record.algorithm, one.variable) != one.variable:
            first = unnamed[record.algorithm]
            yield _Read(
                variable=one.variable, why=f"{first} has a {record.algorithm} key without a kid, too: {_NAMELESS}"
            )
        else:
            yield one


def _is_unnamed(record: MaterialRecord) -> bool:
    return record.family is Family.JWT and record.kid == record.derived_kid


def _placed(one: _Read, shelves: Mapping[Family, _Shelf], resolutions: Resolutions) -> KeyToMove | _Read:
    if one.key is None:
        return replace(one, kept=one.variable in resolutions.keep)
    record = one.key.record
    if {one.variable, record.kid} & resolutions.keep:
        return KeyToMove(variable=one.variable, key=one.key, step=Step.KEEP, signs=False)
    shelf = shelves[record.family]
    version = shelf.ring.find(record.kid) if shelf.ring else None
    why = _in_the_way(record, shelf, version) or _elsewhere(record, shelves, version)
    if why:
        return replace(one, key=None, why=f"{record.kid}: {why}")
    if version is not None:
        is_over = version.state is KeyState.DESTROYED
        return KeyToMove(variable=one.variable, key=one.key, step=Step.SAME, signs=one.signs, is_over=is_over)
    return KeyToMove(
        variable=one.variable, key=one.key, step=Step.COPY, signs=one.signs, stored=shelf.lines.get(record.kid)
    )


def _in_the_way(record: MaterialRecord, shelf: _Shelf, version: KeyVersion | None) -> str:
    if version is not None:
        if (version.derived_kid or version.kid) != record.derived_kid:
            return "the ring has another key of this kid"
        is_compromised = version.state is KeyState.COMPROMISED
        return "it is COMPROMISED in the ring, and is not revived" if is_compromised else ""
    if record.kid in shelf.tombstones:
        return "it is COMPROMISED, as its tombstone says, and is not revived"
    stored = shelf.lines.get(record.kid)
    if stored is not None and not _is_of(stored, record):
        return "the store has other material of this kid"
    return ""


def _elsewhere(record: MaterialRecord, shelves: Mapping[Family, _Shelf], version: KeyVersion | None) -> str:
    """What another key would be mistaken for: one of the other ring, or one that tokens do not name, either."""
    for family, shelf in shelves.items():
        if family is not record.family and shelf.ring is not None and shelf.ring.find(record.kid) is not None:
            return f"the {family} ring has a key of this kid"
    ring = shelves[record.family].ring
    if version is not None or ring is None or not _is_unnamed(record):
        return ""
    others = [
        one.kid
        for one in ring.accepted
        if one.derived_kid == one.kid and one.algorithm is record.algorithm and one.kid != record.kid
    ]
    return f"{others[0]} is a {record.algorithm} key without a kid, too: {_NAMELESS}" if others else ""


def _is_of(line: KeyMaterial, record: MaterialRecord) -> bool:
    """Whether a former run stored this very key, at whatever time."""
    try:
        held = material.decode(line)
    except MaterialCorruptError:
        return False
    return (held.algorithm, held.derived_kid) == (record.algorithm, record.derived_kid) and held.key.same_as(record.key)


def _with_one_active(keys: Sequence[KeyToMove | _Read]) -> list[KeyToMove | _Read]:
    """Let the first of each ring that signed or encrypted go on with it; the others only read."""
    found: set[Family] = set()
    chosen: list[KeyToMove | _Read] = []
    for one in keys:
        if isinstance(one, _Read):
            chosen.append(one)
            continue
        family = one.key.record.family
        chosen.append(replace(one, signs=one.signs and family not in found))
        if one.signs and one.step is Step.COPY:
            found.add(family)
    return chosen


def _secret_line(one: SecretToMove, blind: KeyMaterial) -> PlanLine:
    because = "another value is there" if one.step in {Step.CONFLICT, Step.OVERWRITE} else ""
    return PlanLine(
        variable=one.variable,
        target=str(one.path),
        step=one.step,
        here=one.value.fingerprint(blind),
        there=one.found.fingerprint(blind) if one.found else None,
        because="somebody said so" if one.step is Step.KEEP else because,
    )


def _made(keys: Sequence[KeyToMove | _Read], shelves: Mapping[Family, _Shelf]) -> Iterator[PlanLine]:
    for family, shelf in shelves.items():
        is_there = any(
            isinstance(one, KeyToMove) and one.signs and one.key.record.family is family and one.step is Step.COPY
            for one in keys
        )
        if shelf.ring is None:
            because = (
                "its next key is staged" if is_there else "no variable holds a key in use: its first keys are made"
            )
            yield PlanLine(
                variable="-", target=f"{family} ring", step=Step.MAKE, here=None, there=None, because=because
            )
