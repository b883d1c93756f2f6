"""Real processes that have paid for their imports: children of a fork server that has loaded the package."""

import asyncio
import multiprocessing
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any, Final, TypeAlias, TypeVar

from tests.support.measuring import unmeasured

ANSWER_S: Final = 180.0
"""How long a process may be silent before it counts as lost; more than any lock time-out of the adapters."""

T = TypeVar("T")
Line: TypeAlias = "Connection[Any, Any]"
"""A process's end of the pipe to whoever started it."""

_LOADED: Final = (
    "journal_keys.entrypoints.resources",
    "alembic.command",
    "aiosqlite",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "asyncpg",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "journal_keys.adapters.redis.opening",
    "journal_keys.adapters.infisical_cli.opening",
)


class SilentProcessError(Exception):
    """A process ended, or was silent for too long, before it said what it owed."""


def prepared() -> ForkServerContext:
    """Give the context whose processes are forked from a server that holds the package and nothing that runs.

    They are not measured for coverage: it would double their time, and a killed process saves no measurement.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_LOADED))
    with unmeasured():
        forkserver.ensure_running()
    return context


def run_plainly(work: Coroutine[Any, Any, T]) -> T:
    """Run a process's work in a loop without debugging, which `-X dev` switches on and which costs half its speed."""
    with asyncio.Runner(debug=False) as runner:
        return runner.run(work)


class Child:
    """One process and the line to it."""

    def __init__(self, context: ForkServerContext, work: Callable[..., None], *args: object) -> None:
        self.line: Connection[Any, Any]
        self.line, theirs = context.Pipe()
        self.process: ForkServerProcess = context.Process(target=work, args=(*args, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def tell(self, word: object) -> None:
        """Send it something; one that is gone hears nothing, and is found out by `hear`."""
        try:
            self.line.send(word)
        except OSError:
            return

    def hear(self, within_s: float = ANSWER_S) -> Any:  # noqa: ANN401 (whatever the child sends)
        """Give what it sends next.

        Raises:
            SilentProcessError: nothing came.
        """
        try:
            if self.line.poll(within_s):
                return self.line.recv()
        except (EOFError, OSError):
            pass
        raise SilentProcessError(f"process {self.process.pid} gave no answer; its exit code is {self.process.exitcode}")

    def kill(self) -> None:
        """End it with SIGKILL and wait until it is gone."""
        self.process.kill()
        self.process.join()
        self.line.close()


@contextmanager
def crew(
    context: ForkServerContext, work: Callable[..., None], *posts: tuple[object, ...]
) -> Iterator[tuple[Child, ...]]:
    """Give one process per post, each with the post for its arguments; all are gone afterwards."""
    children: list[Child] = []
    try:
        for post in posts:
            children.append(Child(context, work, *post))  # noqa: PERF401 (those that started are ended, whatever follows)
        yield tuple(children)
    finally:
        for child in children:
            child.kill()
