"""Say what a migration would do: per variable, with the keys read, proved and used, and nothing written."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.migration import (
    MigrationMap,
    PlanLine,
    Resolutions,
    SecretToMove,
    Step,
    refuse_conflicts,
    ring_target,
)
from journal_keys.domain.paths import SecretPath, compromised_folder, versions_folder
from journal_keys.domain.windows import Windows
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.foreign_keys import ForeignKeys, Work
from journal_keys.ports.ledger import Ledger
from journal_keys.ports.secret_store import SecretStore
from journal_keys.use_cases.held_names import HeldNames, all_names, held_names
from journal_keys.use_cases.place_keys import KeyToMove, Shelf, placed
from journal_keys.use_cases.read_variables import KeyRead, ReadVariables

_TO_DO = frozenset({Step.COPY, Step.OVERWRITE, Step.MAKE})
_FINGERPRINT_KEY_BYTES = 32
_CANARY_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MigrationPlan:
    """What is to be done, over rings as they were found (None: there is none), and what the keys made until now."""

    lines: tuple[PlanLine, ...]
    secrets: tuple[SecretToMove, ...]
    keys: tuple[KeyToMove, ...]
    rings: Mapping[Family, KeyRing | None]
    names: tuple[HeldNames, ...]
    """What the guide's names hold of rings that are not there."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMigration:
    """Compare what variables hold with what store and ledger have."""

    ledger: Ledger
    store: SecretStore
    read: ReadVariables
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
        read = self.read(source, chosen, at)
        keys = placed(read, shelves, resolutions)
        moved = tuple(one for one in keys if isinstance(one, KeyToMove))
        names = [await held_names(self.store, family) for family, page in pages.items() if page.ring is None]
        lines = [
            *(_secret_line(one, blind) for one in secrets),
            *(self._key_line(one, shelves, blind) for one in keys),
            *_made(keys, shelves),
            *(line for held in names for line in self._name_lines(held, moved, resolutions, at)),
        ]
        kids = [one.key.record.kid for one in read if one.key]
        resolutions.check([*(line.variable for line in lines), *kids, *map(str, all_names())])
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
            names=tuple(names),
            works=tuple(works),
            at=at,
        )

    async def _shelf(self, family: Family, ring: KeyRing | None) -> Shelf:
        content = await self.store.read_folder(versions_folder(family))
        stones = await self.store.read_folder(compromised_folder(family))
        if ring is not None:
            content.require_marked()
            stones.require_marked()
        return Shelf(ring=ring, lines=content.secrets, tombstones=frozenset(stones.secrets))

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

    def _name_lines(
        self, held: HeldNames, moved: Sequence[KeyToMove], resolutions: Resolutions, at: datetime
    ) -> Iterator[PlanLine]:
        records = [one.key.record for one in moved if one.step is Step.COPY]
        for path in held.unmoved(records, self.foreign, at):
            yield PlanLine(
                variable=str(path),
                target=f"{held.family} ring",
                step=Step.OVERWRITE if str(path) in resolutions.overwrite else Step.CONFLICT,
                here=None,
                there=None,
                because="no ring wrote it, and it is not among the keys to be moved: it would be lost",
            )

    def _key_line(self, one: KeyToMove | KeyRead, shelves: Mapping[Family, Shelf], blind: KeyMaterial) -> PlanLine:
        if isinstance(one, KeyRead):
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

    def _future(self, one: KeyToMove, shelf: Shelf) -> str:
        if one.step is not Step.COPY:
            return "somebody said so" if one.step is Step.KEEP else "it ended: DESTROYED" if one.is_over else ""
        if one.signs and shelf.ring is None:
            return "it goes on being the one in use"
        if one.key.record.family is Family.AES:
            return "it decrypts, and encrypts nothing more"
        return f"it verifies for {self.windows.promote_to_retire.total_seconds():g} s, and signs nothing more"


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


def _made(keys: Sequence[KeyToMove | KeyRead], shelves: Mapping[Family, Shelf]) -> Iterator[PlanLine]:
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
