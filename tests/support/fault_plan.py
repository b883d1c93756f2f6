"""Faults at a chosen port call: one plan may stand before several ports and counts over all of them."""

import asyncio
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar, cast

from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.ledger import Ledger, LedgerCorruptError, LedgerUnavailableError
from journal_keys.ports.secret_store import FolderContent, SecretStoreUnavailableError

P = TypeVar("P")


class FaultKind(Enum):
    """What may go wrong with a call."""

    ERROR_BEFORE = "error before the effect"
    ERROR_AFTER = "effect, then error"
    HANG = "no answer"
    CANCEL_BEFORE = "cancelled before the effect"
    CANCEL_AFTER = "effect, then cancelled"
    DEATH_BEFORE = "death before the effect"
    DEATH_AFTER = "effect, then death"
    STALE = "the answer of before"
    GARBAGE = "nonsense for an answer"


class ProcessDied(BaseException):
    """The process that follows the plan is dead: every further call raises this again."""


@dataclass(kw_only=True)
class FaultPlan:
    """Strike at port call number `at` (from 0); -1 never strikes and only counts."""

    at: int
    kind: FaultKind
    calls: list[str] = field(default_factory=list)
    has_struck: bool = False
    is_dead: bool = False
    answers: dict[tuple[str, str], Any] = field(default_factory=dict)

    def wrap(self, port: P) -> P:
        """The port, with this plan before it."""
        return cast("P", _Planned(port, self))

    async def call(self, port: object, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        """Make one call as planned."""
        if self.is_dead:
            raise ProcessDied
        self.calls.append(name)
        method = getattr(port, name)
        if len(self.calls) - 1 != self.at:
            return self._remember(name, args, await method(*args, **kwargs))
        self.has_struck = True
        if self.kind is FaultKind.HANG:
            await asyncio.Event().wait()
        if self.kind is FaultKind.STALE and (name, repr(args)) in self.answers:
            return self.answers[name, repr(args)]
        self._strike_before(port)
        answer = await method(*args, **kwargs)
        self._strike_after(port)
        return _garbled(answer) if self.kind is FaultKind.GARBAGE else answer

    def _remember(self, name: str, args: tuple[Any, ...], answer: Any) -> Any:  # noqa: ANN401
        self.answers[name, repr(args)] = answer
        return answer

    def _strike_before(self, port: object) -> None:
        match self.kind:
            case FaultKind.ERROR_BEFORE:
                raise _unavailable(port)
            case FaultKind.CANCEL_BEFORE:
                raise asyncio.CancelledError
            case FaultKind.DEATH_BEFORE:
                self.is_dead = True
                raise ProcessDied
            case _:
                return

    def _strike_after(self, port: object) -> None:
        match self.kind:
            case FaultKind.ERROR_AFTER:
                raise _unavailable(port)
            case FaultKind.CANCEL_AFTER:
                raise asyncio.CancelledError
            case FaultKind.DEATH_AFTER:
                self.is_dead = True
                raise ProcessDied
            case _:
                return


class _Planned:
    """Stands before a port."""

    def __init__(self, port: object, plan: FaultPlan) -> None:
        self._port = port
        self._plan = plan

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        async def planned(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
            return await self._plan.call(self._port, name, args, kwargs)

        return planned


def _unavailable(port: object) -> Exception:
    if isinstance(port, Ledger):
        return LedgerUnavailableError("planned: no answer")
    return SecretStoreUnavailableError("planned: no answer")


def _garbled(answer: Any) -> Any:  # noqa: ANN401
    if isinstance(answer, FolderContent):
        return FolderContent(answer.folder, {name: KeyMaterial(b"\x00nonsense") for name in answer.secrets})
    raise LedgerCorruptError("planned: nonsense")
