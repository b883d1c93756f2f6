"""Open the store: private folders, threads, and what the calls share."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from journal_keys.adapters.infisical_cli import argv, wire
from journal_keys.adapters.infisical_cli.binary import Binary, UnusableBinaryError
from journal_keys.adapters.infisical_cli.budget import Budget
from journal_keys.adapters.infisical_cli.caller import Caller, Order, in_thread
from journal_keys.adapters.infisical_cli.connection import Connection, Identity
from journal_keys.adapters.infisical_cli.folders import Folders
from journal_keys.adapters.infisical_cli.patience import Patience
from journal_keys.adapters.infisical_cli.process import (
    Call,
    ChildFloodError,
    ChildHeldUpError,
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
from journal_keys.ports.secret_store import SecretStoreUnavailableError


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
    """Open the store; nothing is asked of the server yet, nor is the binary looked for.

    Who closes it waits for writes under way, and gives up reads.
    """
    async with AsyncExitStack() as stack:
        folders = stack.enter_context(Folders())
        threads = ThreadPoolExecutor(connection.most_children, thread_name_prefix="infisical")
        stack.push_async_callback(asyncio.to_thread, threads.shutdown)
        opened = _assembled(connection, clock, entropy, folders, threads)
        stack.push_async_callback(opened.store.end)
        stack.push_async_callback(opened.probe.end)
        yield opened


def _assembled(
    connection: Connection, clock: Clock, entropy: Entropy, folders: Folders, threads: ThreadPoolExecutor
) -> Opened:
    patience = Patience(retries=connection.retries, delay_s=connection.retry_delay_s, clock=clock, entropy=entropy)

    async def ask(program: str, arguments: argv.Argv) -> bytes:
        try:
            call = Call(
                program=program,
                argv=arguments,
                environment=argv.environment(connection.target, {}, {}),
                folder=folders.empty(),
                deadline_s=connection.timeout_s,
            )
            return (await in_thread(threads, call)).stdout
        except ChildHeldUpError as failure:
            raise SecretStoreUnavailableError(f"{program} could not be started now: {failure}") from None
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
