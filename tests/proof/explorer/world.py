"""The world that the actors share, as values: clocks, ledger, store, and what each port call does to them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple, TypeAlias

from journal_keys.domain.changes import RingChange, RotationRecord, RotationStatus, Transition
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family
from journal_keys.domain.ledger_clock import ClockReading, LedgerTime, advance
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.ledger import LedgerPage, LedgerUnavailableError, StaleGenerationError
from journal_keys.ports.secret_store import FolderContent, SecretStoreUnavailableError, WriteOnceConflictError
from tests.proof.explorer.actors import Answer, Effect

EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)
TICK: Final = timedelta(seconds=1)
SKEW: Final = TICK / 2


class Clocks(NamedTuple):
    """The time that really passed, in ticks, and what the ledger's host says of it."""

    true: int = 0
    uptime: int = 0
    boot: int = 0
    wall_step: int = 0

    def reading(self) -> ClockReading:
        wall = EPOCH + TICK * (self.true + self.wall_step)
        return ClockReading(wall=wall, uptime=TICK * self.uptime, boot=str(self.boot))


@dataclass(frozen=True, slots=True)
class Books:
    """What the ledger holds of one family."""

    ring: KeyRing | None = None
    records: tuple[RotationRecord, ...] = ()
    time: LedgerTime | None = None

    def now(self, clocks: Clocks) -> LedgerTime:
        return advance(self.time, clocks.reading(), skew=SKEW)


Shelf: TypeAlias = frozenset[tuple[SecretPath, str]]
"""The store: each path with the digest of its value."""

Done: TypeAlias = tuple[Books, Shelf, Answer]
Commit: TypeAlias = Callable[[Books, Transition, datetime], RingChange]
Read: TypeAlias = Callable[[bool, Books, datetime], LedgerPage]
NOTHING: Final = Answer("nothing")


class BrokenPromiseError(Exception):
    """The port itself did what must never be."""


def compare_and_set(books: Books, transition: Transition, now: datetime) -> RingChange:
    """The ledger as it is: the change for this moment, if the ring is still the one that it expects."""
    change = transition(now)
    if (books.ring.generation if books.ring else 0) != change.expected_generation:
        raise StaleGenerationError("planned: not at the expected generation")
    return change


def read_honestly(failed: bool, books: Books, now: datetime) -> LedgerPage:  # noqa: FBT001 (one flag, two cases)
    """The ledger as it is: no answer is no answer."""
    if failed:
        raise LedgerUnavailableError("planned: no answer")
    waiting = [record for record in books.records if record.status is RotationStatus.WAITING]
    waiting.sort(key=lambda record: (record.opened_at, record.request.rotation_id))
    return LedgerPage(now=now, ring=books.ring, waiting=tuple(waiting))


def refusal(failure: JournalKeysError) -> Answer:
    """The answer that raises an error like this one."""
    kind, text = type(failure), str(failure)
    return Answer(("raises", kind.__name__, text), error=lambda: kind(text))


def no_answer(effect: Effect) -> Answer:
    """The answer of a port that gives none."""
    ledger = effect.name in {"heads", "read", "rotations", "commit", "settle", "keep_clock"}
    return refusal((LedgerUnavailableError if ledger else SecretStoreUnavailableError)("planned: no answer"))


@dataclass(slots=True)
class Ports:
    """What each effect does. `commit` and `read` are where a wrong ledger differs from ours."""

    family: Family
    commit: Commit = compare_and_set
    read: Read = read_honestly
    values: dict[str, KeyMaterial] = field(default_factory=dict)

    def apply(self, effect: Effect, clocks: Clocks, books: Books, shelf: Shelf) -> Done:
        """Do one effect; an error of ours is an answer, and changes nothing."""
        try:
            done: Done = getattr(self, f"_{effect.name}")(effect, clocks, books, shelf)
        except JournalKeysError as failure:
            return books, shelf, refusal(failure)
        return done

    def fail(self, effect: Effect, clocks: Clocks, books: Books) -> Answer:
        """The answer where the port gives none."""
        if effect.name != "read":
            return no_answer(effect)
        try:
            page = self.read(True, books, books.now(clocks).at)  # noqa: FBT003 (says that it failed)
        except JournalKeysError as failure:
            return refusal(failure)
        return Answer(page, value=page)

    def _read(self, _effect: Effect, clocks: Clocks, books: Books, shelf: Shelf) -> Done:
        page = self.read(False, books, books.now(clocks).at)  # noqa: FBT003 (as above)
        return books, shelf, Answer(page, value=page)

    def _rotations(self, effect: Effect, _clocks: Clocks, books: Books, shelf: Shelf) -> Done:
        found = tuple(record for record in books.records if record.request.rotation_id == effect.arguments[0])
        return books, shelf, Answer(found, value=found)

    def _settle(self, effect: Effect, _clocks: Clocks, books: Books, shelf: Shelf) -> Done:
        record = effect.arguments[0]
        known = {one.request.rotation_id: one for one in books.records}
        if known.get(record.request.rotation_id, record).status is not RotationStatus.WAITING:
            known.setdefault(record.request.rotation_id, record)
        else:
            known[record.request.rotation_id] = record
        return replace(books, records=tuple(known[name] for name in sorted(known))), shelf, NOTHING

    def _keep_clock(self, _effect: Effect, clocks: Clocks, books: Books, shelf: Shelf) -> Done:
        return replace(books, time=books.now(clocks)), shelf, NOTHING

    def _commit(self, effect: Effect, clocks: Clocks, books: Books, shelf: Shelf) -> Done:
        time = books.now(clocks)
        change = self.commit(books, effect.arguments[0], time.at)
        if books.ring is not None and change.ring.generation != books.ring.generation + 1:
            raise BrokenPromiseError(f"generation {change.ring.generation} followed {books.ring.generation}")
        settled = {record.request.rotation_id: record for record in (*books.records, *change.rotations)}
        ordered = sorted(change.ring.versions, key=lambda version: (version.published_at, version.kid))
        ring = replace(change.ring, versions=tuple(ordered))
        after = Books(ring, tuple(settled[name] for name in sorted(settled)), time)
        return after, shelf, Answer(("committed", ring), value=change)

    def _read_folder(self, effect: Effect, _clocks: Clocks, books: Books, shelf: Shelf) -> Done:
        folder = effect.arguments[0]
        depth = len(folder.segments) + 1
        here = {(p, d) for p, d in shelf if len(p.segments) == depth and p.is_within(folder)}
        content = FolderContent(folder, {path.name: self.values[digest] for path, digest in here})
        return books, shelf, Answer((folder, frozenset(here)), value=content)

    def _put_new(self, effect: Effect, _clocks: Clocks, books: Books, shelf: Shelf) -> Done:
        path, value = effect.arguments
        held = dict(shelf).get(path)
        if held not in {None, value.digest()}:
            raise WriteOnceConflictError(f"{path} already holds other content")
        return books, self.with_value(shelf, path, value), NOTHING

    def _overwrite(self, effect: Effect, _clocks: Clocks, books: Books, shelf: Shelf) -> Done:
        path, value = effect.arguments
        return books, self.with_value(shelf, path, value), NOTHING

    def _delete(self, effect: Effect, _clocks: Clocks, books: Books, shelf: Shelf) -> Done:
        return books, frozenset(item for item in shelf if item[0] != effect.arguments[0]), NOTHING

    def with_value(self, shelf: Shelf, path: SecretPath, value: KeyMaterial) -> Shelf:
        """The store with this value under this path."""
        self.values[value.digest()] = value
        return frozenset({*(item for item in shelf if item[0] != path), (path, value.digest())})
