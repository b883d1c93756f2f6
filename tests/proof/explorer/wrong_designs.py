"""Designs that look right and are not: small changes to ours, and the plain things that people build instead.

A search that does not find them proves nothing.
"""

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from journal_keys.domain import rotation
from journal_keys.domain.changes import RingChange, RotationRequest, Transition
from journal_keys.domain.exposure import expose
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.material import KeyMaterial, encode, unused_version
from journal_keys.domain.outcomes import AlreadyRotated, Rotated, RotationOutcome
from journal_keys.domain.paths import SecretPath, family_folder, versions_folder
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.rotation import Cause
from journal_keys.domain.windows import Windows
from journal_keys.ports.ledger import LedgerBehindError, LedgerPage, LedgerUnavailableError
from journal_keys.ports.secret_store import FolderContent, SecretStoreUnavailableError
from journal_keys.use_cases.project_ring import ProjectRing
from journal_keys.use_cases.rotate_keys import RotateKeys
from journal_keys.use_cases.stage_successor import StageSuccessor
from tests.proof.explorer.actors import Answer, Effect, EffectLedger, EffectStore, Verb
from tests.proof.explorer.cast import founded, initialising, judge, one_winner, reconciling, rotation_of, verb
from tests.proof.explorer.promises import WINDOWS, View, ViewOf, ledger_view
from tests.proof.explorer.scenarios import READY, brief, project_meanwhile
from tests.proof.explorer.search import Scenario
from tests.proof.explorer.world import (
    NOTHING,
    TICK,
    Books,
    Clocks,
    Commit,
    Done,
    Ports,
    Read,
    Shelf,
    compare_and_set,
    read_honestly,
)

KEYS_MAP: Final = family_folder("aes").child("keys_map")
ACTIVE_KID: Final = family_folder("aes").child("active_kid")
LEASE: Final = SecretPath.parse("/lease/holder")
_FOR_EVER: Final = 1_000_000
_NO_TIME: Final = TICK / 1000
NO_WAITS: Final = Windows(
    jwks_max_age=_NO_TIME, view_ttl=_NO_TIME, poll=_NO_TIME / 2, longest_token=_NO_TIME, leeway=TICK * 0, skew=TICK * 0
)


# --- a map of keys and a pointer to the active one, both overwritten in place


@dataclass(slots=True)
class MapPorts(Ports):
    """The store, and a lease in it that ends after so many ticks."""

    lease_ticks: int = _FOR_EVER

    def _acquire(self, _effect: Effect, clocks: Clocks, books: Books, shelf: Shelf) -> Done:
        held = dict(shelf).get(LEASE)
        if held is not None and clocks.true < int(expose(self.values[held])):
            return books, shelf, Answer("taken", value=False)
        until = KeyMaterial(str(clocks.true + self.lease_ticks).encode())
        return books, self.with_value(shelf, LEASE, until), Answer("mine", value=True)

    def _release(self, _effect: Effect, _clocks: Clocks, books: Books, shelf: Shelf) -> Done:
        return books, frozenset(item for item in shelf if item[0] != LEASE), NOTHING

    def view(self, _books: Books, shelf: Shelf) -> View:
        """What a reader of map and pointer holds."""
        held = dict(shelf)
        keys = json.loads(expose(self.values[held[KEYS_MAP]]))
        return View(Kid(expose(self.values[held[ACTIVE_KID]]).decode()), frozenset(keys))

    def begin(self, *kids: str) -> Shelf:
        """A store whose map holds these keys, the last one active."""
        keys = KeyMaterial(json.dumps(dict.fromkeys(kids, "key")).encode())
        return self.with_value(self.with_value(frozenset(), KEYS_MAP, keys), ACTIVE_KID, KeyMaterial(kids[-1].encode()))


def map_rotation(name: str, *, lease: bool = False, retries: bool = False) -> Verb:
    """Read the map, write it with one more key, point to that."""

    async def write(path: SecretPath, text: str) -> None:
        value = KeyMaterial(text.encode())
        try:
            await EffectStore().overwrite({path: value})
        except SecretStoreUnavailableError:
            if not retries:
                raise
            await EffectStore().overwrite({path: value})

    async def rotate() -> object:
        if lease and not await Effect("acquire"):
            return "somebody else rotates"
        content: FolderContent = await EffectStore().read_folder(family_folder("aes"))
        keys = json.loads(expose(content.secrets["keys_map"]))
        await write(KEYS_MAP, json.dumps({**keys, f"aes_{name}": "key"}))
        await write(ACTIVE_KID, f"aes_{name}")
        if lease:
            await Effect("release")
        return "rotated"

    def make() -> Coroutine[Effect, Any, object]:
        return rotate()

    return make


def _map(name: str, ports: MapPorts, scripts: tuple[tuple[Verb, ...], ...], *, faults: int = 0) -> Scenario:
    return Scenario(
        name=name,
        family=Family.AES,
        ports=ports,
        scripts=scripts,
        shelf=ports.begin("aes_0"),
        horizon=2,
        faults=faults,
        readers=0,
        view_of=ports.view,
        signer_view_of=ports.view,
        truth_of=ports.view,
    )


def map_without_a_lock() -> Scenario:
    return _map("map and pointer without a lock", MapPorts(Family.AES), ((map_rotation("a"),), (map_rotation("b"),)))


def map_with_an_expiring_lease() -> Scenario:
    rotators = ((map_rotation("a", lease=True),), (map_rotation("b", lease=True),))
    return _map("map and pointer with an expiring lease", MapPorts(Family.AES, lease_ticks=1), rotators)


def blind_retry() -> Scenario:
    rotators = ((map_rotation("a", lease=True, retries=True),), (map_rotation("b", lease=True, retries=True),))
    return _map("blind retry after a time-out", MapPorts(Family.AES), rotators, faults=1)


# --- our design, with one rule left out


def _ours(name: str, ports: Ports, *scripts: tuple[Verb, ...], faults: int = 0, **changes: Any) -> Scenario:  # noqa: ANN401
    books, shelf, _ = founded(ports, published_ago=READY)
    fields = {"books": books, "shelf": shelf, "horizon": 3, "judge": judge, **changes}
    return Scenario(name=name, family=ports.family, ports=ports, scripts=scripts, faults=faults, **fields)


def _two_rotations(**changes: Any) -> tuple[Verb, ...]:  # noqa: ANN401 (fields of Process)
    return tuple(verb(f"r{number}", rotation_of(Family.JWT, f"r{number}"), **changes) for number in range(2))


def no_wait_before_promotion(windows: Windows = NO_WAITS) -> Scenario:
    return _ours("no wait before promotion", Ports(Family.JWT), _two_rotations(windows=windows))


def no_wait_before_retirement(windows: Windows = NO_WAITS) -> Scenario:
    script = (verb("r", rotation_of(Family.JWT, "r")), verb("s", reconciling(Family.JWT), windows=windows))
    return _ours("no wait before retirement", Ports(Family.JWT), script)


def projection_as_truth(view_of: ViewOf | None = None) -> Scenario:
    """The projection is one crash behind: it does not show the staged key yet."""
    ports = MapPorts(Family.AES)
    books, shelf, ring = founded(ports, published_ago=READY)
    shelf = shelf | ports.begin(ring.active.kid)
    script = (verb("r", rotation_of(Family.AES, "r")),)
    return _ours(
        "projection read back as truth", ports, script, books=books, shelf=shelf, view_of=view_of or ports.view
    )


def an_error_reads_as_nothing(failed: bool, books: Books, now: datetime) -> LedgerPage:  # noqa: FBT001 (as the honest one)
    """No answer is taken for an empty ledger."""
    return LedgerPage(now=now, ring=None, waiting=()) if failed else read_honestly(failed, books, now)


def founding_replaces(_books: Books, transition: Transition, now: datetime) -> RingChange:
    """Whatever is there is replaced."""
    return transition(now)


def init_on_a_read_error(commit: Commit = founding_replaces, read: Read = an_error_reads_as_nothing) -> Scenario:
    ports = Ports(Family.JWT, commit=commit, read=read)
    return _ours("init on read error", ports, (verb("i", initialising(Family.JWT)),), faults=1)


def no_compare_and_set(commit: Commit = founding_replaces) -> Scenario:
    ports = Ports(Family.JWT, commit=commit)
    rotators = [(verb(f"r{number}", rotation_of(Family.JWT, f"r{number}")),) for number in range(2)]
    return _ours("generation without compare-and-set", ports, *rotators)


class StampedAtReading(EffectLedger):
    """A change carries the time at which its process last read the ledger."""

    async def read(self, family: Family) -> LedgerPage:
        page = await super().read(family)
        self._at = page.now
        return page

    async def commit(self, transition: Transition) -> RingChange:
        at = self._at
        return await super().commit(lambda _now: transition(at))


def stamped_at_reading(ledger_kind: type[EffectLedger] = StampedAtReading) -> Scenario:
    rotations = _two_rotations(ledger_kind=ledger_kind)
    return _ours("a change stamped at its reading", Ports(Family.JWT), rotations)


class PublishFirst(StageSuccessor):
    """Publishes a key, then puts its material."""

    async def __call__(self, ring: KeyRing, policy: RotationPolicy, cause: Cause) -> KeyRing:
        new = self.make_key.generator.generate(policy.family, policy.algorithm, cause.at)
        line = encode(new.record)
        version = unused_version(new.record, digest=line.digest(), public_jwk=new.public_jwk)
        change = await self.ledger.commit(lambda at: rotation.publish(ring, version, cause.when(at)))
        await self.store.put_new(versions_folder(ring.family).child(version.kid), line)
        return change.ring


def published_before_put(stage_kind: type[StageSuccessor] = PublishFirst) -> Scenario:
    rotator = (verb("r", rotation_of(Family.JWT, "r"), stage_kind=stage_kind),)
    return _ours("a key published before its material is put", Ports(Family.JWT), rotator)


class TidyStage(StageSuccessor):
    """Cleans up after a commit of which nobody knows whether it was done."""

    async def __call__(self, ring: KeyRing, policy: RotationPolicy, cause: Cause) -> KeyRing:
        version = await self.make_key(policy, cause)
        try:
            return (await self.ledger.commit(lambda at: rotation.publish(ring, version, cause.when(at)))).ring
        except LedgerUnavailableError:
            await self.store.delete(versions_folder(ring.family).child(version.kid))
            raise


def tidied_after_an_unknown_outcome(stage_kind: type[StageSuccessor] = TidyStage) -> Scenario:
    rotator = (verb("r", rotation_of(Family.JWT, "r"), stage_kind=stage_kind),)
    return _ours("material deleted after an unknown outcome", Ports(Family.JWT), rotator, faults=1)


class ProjectOnce(ProjectRing):
    """Leaves names that show a newer ring, and does not look whether there is one behind its own write."""

    async def __call__(self, ring: KeyRing) -> int:
        try:
            return await self._written(ring)
        except LedgerBehindError:
            return 0


class ClaimsToHaveRotated(RotateKeys):
    """Who comes second reports the rotation as its own."""

    async def __call__(self, family: Family, request: RotationRequest) -> RotationOutcome:
        outcome = await RotateKeys.__call__(self, family, request)
        if not isinstance(outcome, AlreadyRotated):
            return outcome
        return Rotated(family=family, old_kid=outcome.old_kid, new_kid=outcome.new_kid, generation=outcome.generation)


def two_winners(rotate_kind: type[RotateKeys] = ClaimsToHaveRotated) -> Scenario:
    return _race("whoever comes second reports the rotation as its own", rotate_kind)


class FailsWhereItIsLate(RotateKeys):
    """Does not look again where somebody else changed the ring."""

    async def _tried(self, page: LedgerPage, ring: KeyRing, request: RotationRequest) -> RotationOutcome | None:
        return await self._attempt(page, ring, request)


def failing_second(rotate_kind: type[RotateKeys] = FailsWhereItIsLate) -> Scenario:
    return _race("whoever comes second fails", rotate_kind)


def _race(name: str, rotate_kind: type[RotateKeys]) -> Scenario:
    rotators = [(verb(f"r{n}", rotation_of(Family.JWT, f"r{n}"), rotate_kind=rotate_kind),) for n in range(2)]
    return brief(_ours(name, Ports(Family.JWT), *rotators, judge_ends=one_winner))


def names_written_without_a_look_behind(project_kind: type[ProjectRing] = ProjectOnce) -> Scenario:
    scenario = project_meanwhile(Family.JWT, project_kind=project_kind)
    return replace(scenario, name="names written without a look behind")


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongDesign:
    """A cast with a fault in its design, and words of the promise that the fault breaks: another one is no proof.

    `right` is the same cast without the fault; a map and a pointer have none.
    """

    make: Callable[[], Scenario]
    breaks: str
    right: Callable[[], Scenario] | None = None

    def is_shown_by(self, trace: tuple[str, ...] | None) -> bool:
        """Whether the trace ends with the promise that had to break."""
        return trace is not None and self.breaks in trace[-1]


_REFUSED_BY_ALL: Final = "was used at tick {}, and whoever asks at tick {} does not find it"
_REFUSED: Final = "was used at tick {}, and a reader within its bound at tick {} does not find it"
_LOST: Final = "jwt_r_1 is PRE_ACTIVATION and its material is not in the store"

ALL: Final = (
    WrongDesign(make=map_without_a_lock, breaks="aes_a " + _REFUSED_BY_ALL.format(0, 0)),
    WrongDesign(make=map_with_an_expiring_lease, breaks="aes_a " + _REFUSED_BY_ALL.format(1, 1)),
    WrongDesign(
        make=no_wait_before_promotion,
        breaks="jwt_r0_1 " + _REFUSED.format(1, 1),
        right=partial(no_wait_before_promotion, WINDOWS),
    ),
    WrongDesign(
        make=no_wait_before_retirement,
        breaks="jwt_old0_1 " + _REFUSED_BY_ALL.format(0, 1),
        right=partial(no_wait_before_retirement, WINDOWS),
    ),
    WrongDesign(make=blind_retry, breaks="aes_b " + _REFUSED_BY_ALL.format(0, 0)),
    WrongDesign(
        make=projection_as_truth,
        breaks="aes_old1_1 " + _REFUSED.format(0, 0),
        right=partial(projection_as_truth, ledger_view),
    ),
    WrongDesign(
        make=init_on_a_read_error,
        breaks="generation 1 followed 1",
        right=partial(init_on_a_read_error, compare_and_set, read_honestly),
    ),
    WrongDesign(
        make=no_compare_and_set,
        breaks="generation 2 followed 2",
        right=partial(no_compare_and_set, compare_and_set),
    ),
    WrongDesign(
        make=stamped_at_reading,
        breaks="jwt_r0_1 " + _REFUSED.format(2, 2),
        right=partial(stamped_at_reading, EffectLedger),
    ),
    WrongDesign(make=published_before_put, breaks=_LOST, right=partial(published_before_put, StageSuccessor)),
    WrongDesign(
        make=tidied_after_an_unknown_outcome,
        breaks=_LOST,
        right=partial(tidied_after_an_unknown_outcome, StageSuccessor),
    ),
    WrongDesign(
        make=two_winners,
        breaks="more than one rotation says that it made jwt_old1_1 ACTIVE",
        right=partial(two_winners, RotateKeys),
    ),
    WrongDesign(
        make=failing_second,
        breaks="a use case failed with StaleGenerationError",
        right=partial(failing_second, RotateKeys),
    ),
    WrongDesign(
        make=names_written_without_a_look_behind,
        breaks="the names {'next_private_key': None} are not those of the newest ring",
        right=partial(names_written_without_a_look_behind, ProjectRing),
    ),
)
