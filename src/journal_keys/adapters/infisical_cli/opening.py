"""Open the store: private folders, threads, and what the calls share."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from journal_keys.adapters.infisical_cli import argv, wire
from journal_keys.adapters.infisical_cli.binary import Binary, UnusableBinaryError
from journal_keys.adapters.infisical_cli.budget import Budget
from journal_keys.adapters.infisical_cli.caller import Caller, Folders, Order, in_thread
from journal_keys.adapters.infisical_cli.connection import Connection, Identity
from journal_keys.adapters.infisical_cli.patience import Patience
from journal_keys.adapters.infisical_cli.process import (
    Call,
    ChildFloodError,
    ChildKilledError,
    ChildNotStartedError,
    ChildTimeoutError,
)
from journal_keys.adapters.infisical_cli.secret_store import InfisicalCliSecretStore
from journal_keys.adapters.infisical_cli.session import FixedToken, Login, Session
from journal_keys.adapters.infisical_cli.store_condition import InfisicalCliStoreCondition
from journal_keys.domain.breaker import Breaker
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.clock import Clock
from journal_keys.ports.entropy import Entropy

_THE_PIPE: Final = "/proc/self/fd/0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The store; the same for health checks, quick to give up; and what `doctor` asks by itself."""

    store: InfisicalCliSecretStore
    probe: InfisicalCliSecretStore
    condition: InfisicalCliStoreCondition
    caller: Caller
    reader: Session
    writer: Session


@asynccontextmanager
async def open_store(connection: Connection, clock: Clock, entropy: Entropy) -> AsyncIterator[Opened]:
    """Open the store; nothing is asked of the server yet, nor is the binary looked for."""
    async with AsyncExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="journal_keys-")))
        threads = ThreadPoolExecutor(connection.most_children, thread_name_prefix="infisical")
        stack.callback(threads.shutdown, wait=True, cancel_futures=True)
        opened = _assembled(connection, clock, entropy, _make_folders(root), threads)
        stack.push_async_callback(opened.store.end)
        stack.push_async_callback(opened.probe.end)
        yield opened


def _make_folders(root: Path) -> Folders:
    folders = Folders(empty=root / "empty", with_link=root / "value")
    for folder in (folders.empty, folders.with_link):
        folder.mkdir(mode=0o700)
    (folders.with_link / argv.VALUE_FILE).symlink_to(_THE_PIPE)
    return folders


def _assembled(
    connection: Connection, clock: Clock, entropy: Entropy, folders: Folders, threads: ThreadPoolExecutor
) -> Opened:
    patience = Patience(retries=connection.retries, delay_s=connection.retry_delay_s, clock=clock, entropy=entropy)

    async def ask(program: str, arguments: argv.Argv) -> bytes:
        environment = argv.environment(connection.target, {}, {})
        call = Call(
            program=program,
            argv=arguments,
            environment=environment,
            folder=folders.empty,
            deadline_s=connection.timeout_s,
        )
        try:
            return (await in_thread(threads, call)).stdout
        except (ChildNotStartedError, ChildTimeoutError, ChildFloodError, ChildKilledError) as failure:
            told = f": {failure}" if str(failure) else ""
            raise UnusableBinaryError(
                f"{program} did not answer '{' '.join(arguments)}' ({type(failure).__name__}{told})"
            ) from None

    caller = Caller(
        binary=Binary(
            named=connection.cli_path,
            search_path=connection.search_path,
            ask=ask,
            trusts_any_version=connection.trusts_any_version,
        ),
        target=connection.target,
        passed=connection.passed,
        folders=folders,
        threads=threads,
        places=asyncio.Semaphore(connection.most_children),
        clock=clock,
        budget=Budget(most=connection.requests_per_minute, clock=clock),
        breaker=Breaker(),
        deadline_s=connection.timeout_s,
    )
    reader = _session(connection.identity, caller, patience)
    writer = reader if connection.changer is None else _session(connection.changer, caller, patience)
    store = InfisicalCliSecretStore(
        call=caller, target=connection.target, reader=reader, writer=writer, patience=patience
    )
    probe = InfisicalCliSecretStore(
        call=replace(
            caller,
            deadline_s=min(connection.health_timeout_s, connection.timeout_s),
            breaker=Breaker(),  # who gives up sooner does not speak for those who wait
        ),
        target=connection.target,
        reader=reader,
        writer=writer,
        patience=replace(patience, retries=0),
    )
    condition = InfisicalCliStoreCondition(breaker=caller.breaker, budget=caller.budget)
    return Opened(store=store, probe=probe, condition=condition, caller=caller, reader=reader, writer=writer)


def _session(identity: Identity, caller: Caller, patience: Patience) -> Session:
    if isinstance(identity, KeyMaterial):
        return FixedToken(identity)

    async def log_in() -> KeyMaterial:
        order = Order(argv=argv.login(caller.target), secrets=argv.login_variables(identity))
        return wire.parse_token(await caller(order, patience))

    return Login(log_in=log_in, clock=caller.clock)
