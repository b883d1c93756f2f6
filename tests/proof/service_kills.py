"""A service that rotates on PostgreSQL, Redis and the stand-in for Infisical is killed with SIGKILL, as in `kills`.

Such a kill leaves more behind: a report that holds promotions back until it expires, a turn that nobody gives back, and
a child of the CLI that goes on writing.
"""

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from journal_keys.domain.paths import family_folder
from tests.proof.kill_tally import KillTally
from tests.proof.kills import SEED, Ground, kill_times
from tests.proof.ring_at_rest import Rest
from tests.proof.verdict import Verdict
from tests.support.infisical.homes import in_infisical
from tests.support.infisical.programs import a_binary
from tests.support.infisical.server import InfisicalServer
from tests.support.infisical.shelf_store import ShelfStore
from tests.support.postgres_server import PostgresServer, running_server
from tests.support.projected import projected_kids
from tests.support.redis_server import RedisServer

KILLS: Final = 25
PATIENCE_S: Final = 60.0
"""In 5 s a service is to be ready again; a proof on a busy machine waits for longer, and then says so."""

_NIGHTLY_HOMES: Final = 20
_LEAST_NAMES: Final = 3
"""Of those in a guide's folder that hold one key: aes has three, jwt four."""
_SHORT: Final[Mapping[str, object]] = {
    "journal_ledger_poll": 0.1,
    "journal_sign_max_stale": 5,
    "journal_instance_expiry": 1,
    "journal_reconcile_interval": 600,
    "journal_jwt_longest_token": 15,
}
"""W1 is 0.35 s and W2 20.1 s. A child of the CLI takes 0.1 s: views of 0.25 s would be too old to sign as they come.

The first victim takes the reconciler's turn for half an hour, so that victims do nothing but to rotate.
"""


def run(*, nightly: bool, kills: int = KILLS) -> Verdict:
    """Kill 25 times, or 500 times."""
    tally = KillTally()
    with running_server() as postgres:
        for home in range(_NIGHTLY_HOMES if nightly else 1):
            ground = partial(on_servers, postgres)
            tally += kill_times(kills, seed=SEED + home, new_ground=ground, patience_s=PATIENCE_S)
    return Verdict(lines=tally.lines, holds=tally.holds)


@contextmanager
def on_servers(postgres: PostgresServer) -> Iterator[Ground]:
    """A new database, and a Redis and an Infisical of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="journal-keys-binary-") as folder,
        RedisServer() as redis,
        InfisicalServer() as infisical,
    ):
        url = asyncio.run(postgres.database())
        settings = {
            **_SHORT,
            **in_infisical(infisical, a_binary(Path(folder))),
            "journal_db_url_async": url,
            "journal_redis_url": SecretStr(redis.url),
        }
        beside = _Beside(postgres=postgres, database=url.rpartition("/")[2], infisical=infisical)
        yield Ground(settings=settings, wrongs=lambda rest: asyncio.run(beside.wrongs(rest)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """What others see who read the database and Infisical without us."""

    postgres: PostgresServer
    database: str
    infisical: InfisicalServer

    async def wrongs(self, rest: Rest) -> list[str]:
        """What is not as the ring says."""
        ring = rest.ring
        wanted = {"current": ring.active.kid, "active": ring.active.kid, "next": ring.staged and ring.staged.kid}
        shown = projected_kids(
            (await ShelfStore(self.infisical.shelves).read_folder(family_folder(ring.family))).secrets
        )
        found = [f"{name} shows {kid}" for name, kid in shown.items() if kid != wanted[name.partition("_")[0]]]
        if len(shown) < _LEAST_NAMES:
            found.append(f"the guide's names of {ring.family} are {sorted(shown)}")
        select = f"SELECT kid FROM key_versions WHERE family = '{ring.family}' AND state = 'ACTIVE'"  # noqa: S608 (ours)
        active = [row["kid"] for row in await self.postgres.do(select, self.database)]
        if active != [ring.active.kid]:
            found.append(f"active in the {ring.family} ring of the database: {active}")
        return found
