"""Calls of the binary, bounded in number, pace and patience."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from typing import Final

from journal_keys.adapters.infisical_cli import argv
from journal_keys.adapters.infisical_cli.binary import Binary
from journal_keys.adapters.infisical_cli.budget import Budget
from journal_keys.adapters.infisical_cli.connection import Target
from journal_keys.adapters.infisical_cli.failures import CallFailedError, CallFailure, Failure, classify
from journal_keys.adapters.infisical_cli.folders import Folders
from journal_keys.adapters.infisical_cli.patience import UNTOLD_WAIT_S, Patience
from journal_keys.adapters.infisical_cli.process import (
    Call,
    ChildFloodError,
    ChildHeldUpError,
    ChildKilledError,
    ChildNotStartedError,
    ChildTimeoutError,
    Finished,
    run,
)
from journal_keys.domain.breaker import Breaker, Permit
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.clock import Clock
from journal_keys.ports.secret_store import SecretStoreUnavailableError

_DEAD: Final = frozenset({Failure.TRANSPORT, Failure.SILENT})
_GATEWAY: Final = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Order:
    """What one call says. `data` is the value file; a call that `writes` needs a binary that may.

    `on_start` is called right before the child is started: what is asked from then on may not be in its answer.
    """

    argv: argv.Argv
    secrets: Mapping[str, KeyMaterial] = field(default_factory=dict)
    data: bytes | None = None
    writes: bool = False
    is_counted: bool = False
    on_start: Callable[[], None] | None = None

    def with_secrets(self, secrets: Mapping[str, KeyMaterial]) -> "Order":
        """This order with these variables."""
        return replace(self, secrets=secrets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Runs the binary in threads, as many at once as there are `places`."""

    binary: Binary
    target: Target
    passed: Mapping[str, str]
    folders: Folders
    threads: Executor
    places: asyncio.Semaphore
    clock: Clock
    budget: Budget
    breaker: Breaker
    deadline_s: float

    async def __call__(self, order: Order, patience: Patience | None = None) -> bytes:
        """Run the binary and give its standard output; of a call that carries a value, nothing.

        Raises:
            CallFailedError: it failed, or was not tried because the server did not answer a moment ago.
            UnusableBinaryError: the binary is not to be run.
        """
        program = await self.binary.checked(for_writing=order.writes)
        permit = self.breaker.admit(self.clock.uptime_s())
        if permit is None:
            raise self._resting()

        async def once() -> bytes:
            return await self._once(program, order, permit)

        try:
            printed = await (once() if patience is None else patience(once))
        except CallFailedError as failed:
            self._report(permit, failed.failure, writes=order.writes)
            raise
        except BaseException:
            self.breaker.abandoned(permit)
            raise
        self.breaker.answered(permit)
        return printed

    def _report(self, permit: Permit, failure: CallFailure, *, writes: bool) -> None:
        """Tell the breaker; of a write that got no answer the read behind it, which settles it, says more."""
        is_dead = failure.kind in _DEAD or failure.status in _GATEWAY
        if is_dead and not writes:
            self.breaker.failed(permit, self.clock.uptime_s())
        elif is_dead or failure.status is None:
            self.breaker.abandoned(permit)
        else:
            self.breaker.answered(permit)

    async def _once(self, program: str, order: Order, permit: Permit) -> bytes:
        if order.is_counted:
            await self.budget.spend()
        async with self.places:
            if not permit.is_probe and self.breaker.rests_for(self.clock.uptime_s()) > 0:
                raise self._resting()
            if order.on_start is not None:
                order.on_start()
            finished = await self._finished(program, order)
        if finished.exit_code == 0:
            return finished.stdout
        failure = classify(finished.stderr, carries_value=order.data is not None)
        if failure.kind is Failure.BUSY:
            self.budget.pause(failure.wait_s or UNTOLD_WAIT_S)
        raise CallFailedError(failure)

    async def _finished(self, program: str, order: Order) -> Finished:
        try:
            call = Call(
                program=program,
                argv=order.argv,
                environment=argv.environment(self.target, self.passed, order.secrets),
                folder=self.folders.empty() if order.data is None else self.folders.with_link(),
                deadline_s=self.deadline_s,
                data=order.data,
                keeps_stdout=order.data is None,
            )
            return await in_thread(self.threads, call)
        except ChildTimeoutError:
            raise _failed(Failure.SILENT, f"no answer within {self.deadline_s:g} s") from None
        except ChildHeldUpError as failure:
            raise _failed(Failure.HELD_UP, f"the binary could not be started now: {failure}") from None
        except ChildNotStartedError as failure:
            raise _failed(Failure.REFUSED, f"the binary could not be started: {failure}") from None
        except ChildFloodError as failure:
            raise _failed(Failure.UNKNOWN, f"the binary printed more on {failure} than a call may") from None
        except ChildKilledError as failure:
            raise _failed(Failure.UNKNOWN, f"the binary was ended by {failure}") from None

    def _resting(self) -> CallFailedError:
        wait_s = self.breaker.rests_for(self.clock.uptime_s())
        return _failed(
            Failure.RESTING, f"the server did not answer when last asked; it is asked again in {wait_s:.0f} s"
        )


def _failed(kind: Failure, reason: str) -> CallFailedError:
    return CallFailedError(CallFailure(kind=kind, status=None, reason=reason))


async def in_thread(threads: Executor, call: Call) -> Finished:
    """Run a child in a thread. Where the caller is cancelled, the child is killed before the cancellation goes on.

    Raises:
        ChildNotStartedError, ChildTimeoutError, ChildFloodError, ChildKilledError: as `process.run`.
        SecretStoreUnavailableError: the threads are gone.
    """
    stopped = threading.Event()
    try:
        running = asyncio.get_running_loop().run_in_executor(threads, run, call, stopped)
    except RuntimeError:
        raise SecretStoreUnavailableError("the store is closed") from None
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.wait([running])
        if not running.cancelled():
            running.exception()
        raise
