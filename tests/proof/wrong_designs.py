"""Ledgers and vaults that break a promise, to show that the proofs on processes would notice."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias, cast

from dependency_injector import providers

from journal_keys.adapters.embedded.vault import EmbeddedVault, Secrets
from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.container import Container
from journal_keys.domain.changes import RingChange, RotationRequest, Transition
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import Reconciled, ReconcileOutcome, Rotated, RotationOutcome
from journal_keys.ports.ledger import LedgerPage, StaleGenerationError
from journal_keys.use_cases.rotate_keys import RotateKeys
from tests.support.passing_ledger import PassingLedger

Design: TypeAlias = Callable[[Container], None]
_PAUSE_S: Final = 0.05


def as_built(_container: Container) -> None:
    """Change nothing."""


def without_compare_and_set(container: Container) -> None:
    """Let every change win, whatever it was based on."""
    container.ledger.override(_BlindLedger(ledger=container.ledger()))


def without_a_lock(container: Container) -> None:
    """Let the processes write the vault over each other."""
    container.store.override(_like(_UnlockedVault, container))


def written_in_place(container: Container) -> None:
    """Write the vault's file where it is read, in two halves."""
    container.store.override(_like(_TornVault, container))


def without_waiting_to_retire(container: Container) -> None:
    """Destroy a key while tokens that it signed are alive."""
    hasty = replace(container.windows(), longest_token=timedelta(microseconds=1))
    container.retire_keys.override(replace(container.retire_keys(), windows=hasty))


def without_waiting_to_promote(container: Container) -> None:
    """Promote a key that others have had no time to see, whatever they report, and its successor at once.

    No hint reaches them: with one most look in time, and that is luck.
    """
    container.hints.override(MemoryHintBus())
    no_time = timedelta(microseconds=1)
    hasty = replace(container.windows(), jwks_max_age=no_time, view_ttl=2 * no_time, poll=no_time, skew=timedelta(0))
    built = container.rotate_keys()
    parts = {part.name: getattr(built, part.name) for part in fields(built)}
    unheld = _UnheldLedger(ledger=built.ledger)
    container.rotate_keys.override(_RotateTwice(**parts | {"windows": hasty, "ledger": unheld}))


def without_reconciling(container: Container) -> None:
    """Leave what others left unfinished."""

    async def nothing(family: Family) -> ReconcileOutcome:
        return Reconciled(family=family, repairs=())

    container.reconcile.override(providers.Object(nothing))


def _like(kind: type[EmbeddedVault], container: Container) -> EmbeddedVault:
    vault = cast("EmbeddedVault", container.store())
    return kind(file=vault.file, master=vault.master, entropy=vault.entropy)


class _BlindLedger(PassingLedger):
    """A change based on an old generation is written over the present one; one that founds is taken for done."""

    async def commit(self, transition: Transition) -> RingChange:
        try:
            return await self.ledger.commit(transition)
        except StaleGenerationError:
            change = transition(datetime.now(UTC))
        return change if change.founding else await self._overwrite(transition, change.ring.family)

    async def _overwrite(self, transition: Transition, family: Family) -> RingChange:
        present = (await self.read(family)).ring

        def on_top(at: datetime) -> RingChange:
            change = transition(at)
            if present is None:
                return change
            newer = [version for version in present.versions if change.ring.find(version.kid) is None]
            versions = (*change.ring.versions, *newer)  # else the ledger refuses to lose them, without any comparison
            return replace(change, ring=replace(change.ring, generation=present.generation + 1, versions=versions))

        return await self.commit(on_top)


@dataclass(frozen=True, slots=True, kw_only=True)
class _RotateTwice(RotateKeys):
    async def __call__(self, family: Family, request: RotationRequest) -> RotationOutcome:
        outcome = await RotateKeys.__call__(self, family, request)
        if isinstance(outcome, Rotated):
            await RotateKeys.__call__(self, family, replace(request, rotation_id=f"{request.rotation_id}-again"))
        return outcome


class _UnheldLedger(PassingLedger):
    """Nobody is behind."""

    async def read(self, family: Family) -> LedgerPage:
        return replace(await self.ledger.read(family), behind=())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _UnlockedVault(EmbeddedVault):
    def _change_locked(self, change: Callable[[Secrets], bool]) -> None:
        secrets = self._read()
        time.sleep(_PAUSE_S)
        if change(secrets):
            beside = self.file.with_name(f".{self.file.name}.{os.getpid()}.unlocked")
            beside.write_bytes(self._sealed(secrets))
            beside.chmod(0o600)
            beside.replace(self.file)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _TornVault(EmbeddedVault):
    def _change_locked(self, change: Callable[[Secrets], bool]) -> None:
        secrets = self._read()
        if change(secrets):
            sealed = self._sealed(secrets)
            half = len(sealed) // 2
            self.file.write_bytes(sealed[:half])
            time.sleep(_PAUSE_S)
            self.file.write_bytes(sealed)
