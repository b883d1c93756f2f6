"""Faults at a chosen port call: one plan may stand before several ports and counts over all of them."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final, TypeAlias, TypeVar, cast

from journal_keys.domain.errors import PortError
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.backup_shelf import BackupDamagedError, BackupShelf, BackupUnavailableError
from journal_keys.ports.key_usage import KeyUsage
from journal_keys.ports.ledger import Ledger, LedgerCorruptError, LedgerUnavailableError
from journal_keys.ports.secret_store import (
    FolderContent,
    SecretStore,
    SecretStoreProtocolError,
    SecretStoreUnavailableError,
)

P = TypeVar("P")
CallKey: TypeAlias = tuple[int, str, str]


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
    HALF = "the first half of the effect, then error"


BEFORE: Final = frozenset({FaultKind.ERROR_BEFORE, FaultKind.CANCEL_BEFORE, FaultKind.DEATH_BEFORE})
AFTER: Final = frozenset({FaultKind.ERROR_AFTER, FaultKind.CANCEL_AFTER, FaultKind.DEATH_AFTER})


class ProcessDied(BaseException):
    """The process that follows the plan is dead: every further call raises this again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call of one port."""

    port: object
    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    @property
    def key(self) -> CallKey:
        return id(self.port), self.name, repr((self.args, sorted(self.kwargs.items())))

    @property
    def has_an_answer_of_before(self) -> bool:
        """Whether an equal question makes sense: a transition is a function, and no two of them are the same."""
        return not any(callable(arg) for arg in self.args)

    @property
    def has_halves(self) -> bool:
        """Whether the call sets several secrets, which a store may do one after the other."""
        return self.name == "overwrite" and len(self.args[0]) > 1

    def half(self) -> "_Call":
        """The call with the first half of its secrets."""
        values = list(self.args[0].items())
        return replace(self, args=(dict(values[: len(values) // 2]),))

    def make(self) -> Any:  # noqa: ANN401 (whatever the port gives)
        return getattr(self.port, self.name)(*self.args, **self.kwargs)


@dataclass(kw_only=True)
class FaultPlan:
    """Strike at port call number `at` (from 0) and at the calls of `then`; -1 never strikes and only counts.

    `struck` tells the faults that made a difference: a stale answer needs an answer of before.
    """

    at: int
    kind: FaultKind
    then: Mapping[int, FaultKind] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    open_to: list[frozenset[FaultKind]] = field(default_factory=list)
    """Beside each of the calls, the kinds that make a difference there."""
    struck: list[FaultKind] = field(default_factory=list)
    is_dead: bool = False
    hangs: asyncio.Event = field(default_factory=asyncio.Event)
    answers: dict[CallKey, Any] = field(default_factory=dict)

    @property
    def has_struck(self) -> bool:
        """Whether any fault made a difference."""
        return bool(self.struck)

    def wrap(self, port: P) -> P:
        """The port, with this plan before it."""
        return cast("P", _Planned(port, self))

    def go_on(self) -> None:
        """Let another process follow the plan from here, after the first one ended or died."""
        self.is_dead = False
        self.hangs = asyncio.Event()

    async def call(self, call: _Call) -> Any:  # noqa: ANN401 (whatever the port gives)
        """Make one asynchronous call as planned."""
        kind = self._begin(call)
        if kind is FaultKind.HANG:
            self.hangs.set()
            while True:  # noqa: ASYNC110 (nothing ever ends it but a cancellation)
                await asyncio.sleep(0)  # also where no loop runs
        if kind is FaultKind.STALE:
            return self.answers[call.key]
        if kind is FaultKind.HALF:
            await call.half().make()
            raise self._fault(call.port, kind)
        return self._end(call, await call.make(), kind)

    def call_now(self, call: _Call) -> Any:  # noqa: ANN401 (whatever the port gives)
        """Make one synchronous call as planned; it cannot hang, because nothing could cancel it."""
        kind = self._begin(call)
        if kind is FaultKind.HANG:
            raise ValueError(
                f"call {len(self.calls) - 1} is {call.name}, which is synchronous: nothing could end its hanging"
            )
        if kind is FaultKind.STALE:
            return self.answers[call.key]
        return self._end(call, call.make(), kind)

    def _begin(self, call: _Call) -> FaultKind | None:
        if self.is_dead:
            raise ProcessDied
        number = len(self.calls)
        self.calls.append(call.name)
        self.open_to.append(self._kinds_for(call))
        kind = self.kind if number == self.at else self.then.get(number)
        if kind is None or kind not in self.open_to[number]:
            return None
        self.struck.append(kind)
        if kind in BEFORE:
            raise self._fault(call.port, kind)
        return kind

    def _kinds_for(self, call: _Call) -> frozenset[FaultKind]:
        can = {FaultKind.STALE: self._was_answered(call), FaultKind.HALF: call.has_halves}
        return frozenset(kind for kind in FaultKind if can.get(kind, True))

    def _was_answered(self, call: _Call) -> bool:
        return call.has_an_answer_of_before and call.key in self.answers

    def _end(self, call: _Call, answer: Any, kind: FaultKind | None) -> Any:  # noqa: ANN401 (whatever the port gives)
        if kind is None:
            self.answers[call.key] = answer
            return answer
        if kind in AFTER:
            raise self._fault(call.port, kind)
        return _garbled(call.port, answer)

    def _fault(self, port: object, kind: FaultKind) -> BaseException:
        if kind in {FaultKind.DEATH_BEFORE, FaultKind.DEATH_AFTER}:
            self.is_dead = True
            return ProcessDied()
        if kind in {FaultKind.CANCEL_BEFORE, FaultKind.CANCEL_AFTER}:
            return asyncio.CancelledError()
        return _unavailable(port)


class _Planned:
    """Stands before a port. What is no method (the views of a board) is read past the plan."""

    def __init__(self, port: object, plan: FaultPlan) -> None:
        self._port = port
        self._plan = plan

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever the port has)
        method = getattr(self._port, name)
        if not callable(method):
            return method
        return self._awaited(name) if inspect.iscoroutinefunction(method) else self._immediate(name)

    def _awaited(self, name: str) -> Callable[..., Any]:
        async def planned(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (whatever the port takes)
            return await self._plan.call(_Call(port=self._port, name=name, args=args, kwargs=kwargs))

        return planned

    def _immediate(self, name: str) -> Callable[..., Any]:
        def planned(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (whatever the port takes)
            return self._plan.call_now(_Call(port=self._port, name=name, args=args, kwargs=kwargs))

        return planned


def _is_of_ledger(port: object) -> bool:
    return isinstance(port, Ledger | AuditTrail | KeyUsage)


def _unavailable(port: object) -> PortError:
    if _is_of_ledger(port):
        return LedgerUnavailableError("planned: no answer")
    if isinstance(port, SecretStore):
        return SecretStoreUnavailableError("planned: no answer")
    if isinstance(port, BackupShelf):
        return BackupUnavailableError("planned: no answer")
    return PortError("planned: no answer")


def _garbled(port: object, answer: Any) -> FolderContent:  # noqa: ANN401 (whatever the port gives)
    if isinstance(answer, FolderContent):
        return FolderContent(answer.folder, {name: KeyMaterial(b"\x00nonsense") for name in answer.secrets})
    if _is_of_ledger(port):
        raise LedgerCorruptError("planned: nonsense")
    if isinstance(port, SecretStore):
        raise SecretStoreProtocolError("planned: nonsense")
    if isinstance(port, BackupShelf):
        raise BackupDamagedError("planned: nonsense")
    raise PortError("planned: nonsense")
