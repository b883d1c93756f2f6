"""Say for each key that a variable holds what is to be done with it, given what ring and store have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from journal_keys.domain import material
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, KeyVersion, Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord
from journal_keys.domain.migration import Resolutions, Step
from journal_keys.ports.key_crypto import NewKey
from journal_keys.use_cases.read_variables import NAMELESS, KeyRead, is_unnamed


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
class Shelf:
    """What store and ledger have of one ring."""

    ring: KeyRing | None
    lines: Mapping[str, KeyMaterial]
    tombstones: frozenset[str]


def placed(
    read: Sequence[KeyRead], shelves: Mapping[Family, Shelf], resolutions: Resolutions
) -> list[KeyToMove | KeyRead]:
    """Give what is to be moved, in order; what is in the way stays a `KeyRead` with the reason."""
    return _with_one_active([_placed(one, shelves, resolutions) for one in read])


def _placed(one: KeyRead, shelves: Mapping[Family, Shelf], resolutions: Resolutions) -> KeyToMove | KeyRead:
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


def _in_the_way(record: MaterialRecord, shelf: Shelf, version: KeyVersion | None) -> str:
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


def _elsewhere(record: MaterialRecord, shelves: Mapping[Family, Shelf], version: KeyVersion | None) -> str:
    """What another key would be mistaken for: one of the other ring, or one that tokens do not name, either."""
    for family, shelf in shelves.items():
        if family is not record.family and shelf.ring is not None and shelf.ring.find(record.kid) is not None:
            return f"the {family} ring has a key of this kid"
    ring = shelves[record.family].ring
    if version is not None or ring is None or not is_unnamed(record):
        return ""
    others = [
        one.kid
        for one in ring.accepted
        if one.derived_kid == one.kid and one.algorithm is record.algorithm and one.kid != record.kid
    ]
    return f"{others[0]} is a {record.algorithm} key without a kid, too: {NAMELESS}" if others else ""


def _is_of(line: KeyMaterial, record: MaterialRecord) -> bool:
    """Whether a former run stored this very key, at whatever time."""
    try:
        held = material.decode(line)
    except MaterialCorruptError:
        return False
    return (held.algorithm, held.derived_kid) == (record.algorithm, record.derived_kid) and held.key.same_as(record.key)


def _with_one_active(keys: Sequence[KeyToMove | KeyRead]) -> list[KeyToMove | KeyRead]:
    """Let the first of each ring that signed or encrypted go on with it; the others only read."""
    found: set[Family] = set()
    chosen: list[KeyToMove | KeyRead] = []
    for one in keys:
        if isinstance(one, KeyRead):
            chosen.append(one)
            continue
        family = one.key.record.family
        chosen.append(replace(one, signs=one.signs and family not in found))
        if one.signs and one.step is Step.COPY:
            found.add(family)
    return chosen
