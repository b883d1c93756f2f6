"""Ten thousand tokens of random kids on a socket: the ring is looked at once a second, and good tokens stay good."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import jwt
import pytest
import uvicorn
from fastapi import FastAPI

from journal_keys import PrincipalDep, install
from journal_keys.container import Container
from journal_keys.domain import base64url
from journal_keys.entrypoints.http.dependencies import InstalledKeys
from journal_keys.entrypoints.http.install import STATE
from tests.support.canary.watch import WATCH
from tests.support.embedded import make_rings, settings_in

NUMBER: Final = 10_000
BATCH: Final = 50
AT_THE_START: Final = 4
"""Looks that every start takes, and the first and the last of the search."""


@dataclass
class Served:
    """An application on a socket, and when its views were confirmed."""

    port: int
    container: Container
    confirmed_s: set[float] = field(default_factory=set)

    async def watch(self) -> None:
        while True:
            view = self.container.board().signing
            if view is not None:
                self.confirmed_s.add(view.confirmed_s)
            await asyncio.sleep(0)


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Serve in a thread; nobody but a search for kids looks at the ledger meanwhile."""
    day = 86_400.0
    settings = settings_in(
        folder,
        journal_keys_profile="standard",
        journal_ledger_poll=day / 2,
        journal_infisical_cache_ttl=day,
        journal_jwt_rotation_interval=40 * day,
        journal_verify_max_stale=2 * day,
    )
    asyncio.run(make_rings(settings))
    app = FastAPI(telemetry={"auto_configure": False})
    install(app, settings)

    @app.get("/me")
    async def me(principal: PrincipalDep) -> str:
        return principal.subject

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
        begun, made = threading.Event(), list[Served]()

        async def live() -> None:
            async def announce() -> None:
                while not server.started:  # noqa: ASYNC110 (the server tells nobody)
                    await asyncio.sleep(0.01)
                keys: InstalledKeys = getattr(app.state, STATE)
                made.append(Served(listener.getsockname()[1], keys.container_now()))
                begun.set()
                await made[0].watch()

            watching = asyncio.create_task(announce())
            await server.serve([listener])
            watching.cancel()

        thread = threading.Thread(target=lambda: asyncio.run(live()))
        thread.start()
        try:
            assert begun.wait(60)
            yield made[0]
        finally:
            server.should_exit = True
            thread.join()


def request(token: str) -> bytes:
    return f"GET /me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode("ascii")


def statuses(connection: socket.socket, tokens: list[str]) -> list[int]:
    """Ask with all of them in a row, and give what was answered."""
    connection.sendall(b"".join(map(request, tokens)))
    read = b""
    while read.count(b"HTTP/1.1 ") < len(tokens) or not read.endswith((b"}", b'"')):
        piece = connection.recv(1 << 20)
        assert piece
        read += piece
    WATCH.show("HTTP answers as they came", read)
    return [int(part.split(b" ")[0]) for part in read.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.processes
def test_ten_thousand_random_kids_cause_one_look_a_second_and_evict_no_good_key(tmp_path: Path) -> None:
    with served(tmp_path) as app, closing(socket.create_connection(("127.0.0.1", app.port), timeout=60)) as connection:
        clock = app.container.clock()
        good = app.container.signer().sign({"sub": "alice"})
        header, (_, claims, mac) = jwt.get_unverified_header(good), good.split(".")
        app.confirmed_s.clear()
        began_s = clock.uptime_s()
        for start in range(0, NUMBER, BATCH):
            kids = [header | {"kid": f"jwt_{number:022d}"} for number in range(start, start + BATCH)]
            bad = [f"{base64url.encode(json.dumps(kid).encode())}.{claims}.{mac}" for kid in kids]
            assert statuses(connection, [*bad, good]) == [401] * BATCH + [200]
        passed_s = clock.uptime_s() - began_s
        assert 1 <= len(app.confirmed_s) <= AT_THE_START + passed_s
