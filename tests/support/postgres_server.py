"""A PostgreSQL server of our own: Debian's programs, a folder in a temporary place, loopback, an unprivileged user."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg  # type: ignore[import-untyped]

from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.adapters.sql.schema import upgrade

_PROGRAMS: Final = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
_OWNER: Final = "postgres"
_READY_S: Final = 60.0
_TABLES: Final = "tables"
_SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",  # a test kills processes, not the machine
    "max_connections": "200",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "log_min_messages": "warning",
    "timezone": "Asia/Tokyo",  # whoever forgets that moments are UTC is found out
}


def programs() -> Path | None:
    """The folder of the newest server's programs, None where there is none."""
    return _PROGRAMS[-1] if _PROGRAMS else None


def _unprivileged() -> tuple[str, ...]:
    """Before a command: the server refuses to run as root."""
    if os.geteuid():
        return ()
    return ("setpriv", f"--reuid={_OWNER}", f"--regid={_OWNER}", "--clear-groups", "--pdeathsig=QUIT")


@dataclass(kw_only=True)
class PostgresServer:
    """One running server. It can be stopped, killed and started again on its port."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    made: int = field(default=0)

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        options = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command = [*_unprivileged(), f"{programs()}/postgres", "-D", f"{self.folder}/data", "-p", str(self.port)]
        command += ["-c", f"unix_socket_directories={self.folder}", *options]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        ready = [f"{programs()}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        ends_s = time.monotonic() + _READY_S
        while subprocess.run(ready, check=False).returncode:
            assert time.monotonic() < ends_s, (self.folder / "log").read_text("utf-8")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT ends its connections in order, SIGQUIT at once."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(_READY_S)
            self.process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Meanwhile connections stay, and nothing is answered."""
        assert self.process is not None
        own, stopped = self.process.pid, list[int]()
        try:
            os.kill(own, signal.SIGSTOP)  # it starts no more of them
            stopped.append(own)
            for child in Path(f"/proc/{own}/task/{own}/children").read_text("ascii").split():
                os.kill(int(child), signal.SIGSTOP)
                stopped.append(int(child))
            yield
        finally:
            for process in stopped:
                os.kill(process, signal.SIGCONT)

    @contextmanager
    def locked(self, table: str, database: str) -> Iterator[None]:
        """Meanwhile nobody else reads or writes a table."""
        with asyncio.Runner() as runner:
            opening = asyncpg.connect(user=_OWNER, host="127.0.0.1", port=self.port, database=database)
            connection = runner.run(opening)
            runner.run(connection.execute(f"BEGIN; LOCK TABLE {table}"))
            yield
            runner.run(connection.close())

    def url(self, database: str, user: str = _OWNER) -> str:
        return f"postgresql+asyncpg://{user}@127.0.0.1:{self.port}/{database}"

    async def do(self, statement: str, database: str = "postgres") -> list[asyncpg.Record]:
        """What another program than ours does there."""
        connection = await asyncpg.connect(user=_OWNER, host="127.0.0.1", port=self.port, database=database)
        try:
            found: list[asyncpg.Record] = await connection.fetch(statement)
        finally:
            await connection.close()
        return found

    async def empty_database(self) -> str:
        """Make a database without tables, and give its URL."""
        return self.url(await self._make("template0"))

    async def database(self) -> str:
        """Make a database with the ledger's tables, and give its URL."""
        return self.url(await self._make(_TABLES))

    async def _make(self, template: str) -> str:
        self.made += 1
        name = f"ledger_{self.made}"
        await self.do(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    async def make_tables(self) -> None:
        """Make the database that `database` copies."""
        await self.do(f"CREATE DATABASE {_TABLES}")
        async with ledger_engine(self.url(_TABLES)) as engine:
            await upgrade(engine)


@contextmanager
def running_server() -> Iterator[PostgresServer]:
    """Make a cluster in a folder that its user may enter, and run its server meanwhile.

    The folder is none that every test's end searches for secrets: it holds a thousand files. Tests search the tables.
    """
    with (
        tempfile.TemporaryDirectory(prefix="journal-keys-postgresql-", dir="/var/tmp") as name,
        _running_in(Path(name)) as server,
    ):
        yield server


@contextmanager
def _running_in(folder: Path) -> Iterator[PostgresServer]:
    if not os.geteuid():
        account = pwd.getpwnam(_OWNER)
        shutil.chown(folder, account.pw_uid, account.pw_gid)
    command = [*_unprivileged(), f"{programs()}/initdb", "-D", f"{folder}/data", "-U", _OWNER, "-A", "trust", "-N"]
    command += ["-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    server = PostgresServer(folder=folder, port=port)
    server.start()
    try:
        asyncio.run(server.make_tables())
        yield server
    finally:
        server.stop()
