"""Processes that start with Infisical and Redis down: the real command and the façade, with a ledger and without."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from journal_keys.domain import base64url
from journal_keys.entrypoints.cli.exit_codes import ExitCode
from tests.support.a_life import PATH
from tests.support.canary.entropy import WatchedEntropy
from tests.support.infisical.programs import stand_in
from tests.support.infisical.server import InfisicalServer
from tests.support.operator import Operator
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.processes

KEY = base64url.encode(WatchedEntropy(405).token(32))
SECRET = "nats://canary-of-a-restart:4222"
ROOT = Path(__file__).parents[2]


class Site:
    """One host: what is shared goes away with `lose_stores`, and the ledger with `lose_ledger`."""

    def __init__(self, folder: Path, infisical: InfisicalServer, redis: RedisServer) -> None:
        self._infisical, self._redis = infisical, redis
        self.snapshot = folder / "snapshot.jks"
        self.operator = Operator(
            folder,
            JOURNAL_INFISICAL_ENABLED="true",
            JOURNAL_INFISICAL_SERVER_URL=infisical.url,
            JOURNAL_INFISICAL_PROJECT_ID=infisical.project_id,
            JOURNAL_INFISICAL_CLI_PATH=str(stand_in(folder)),
            JOURNAL_INFISICAL_REQUESTS_PER_MINUTE="100000",
            JOURNAL_INFISICAL_MAX_RETRIES="0",
            INFISICAL_UNIVERSAL_AUTH_CLIENT_ID=infisical.owner.client_id,
            INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET=infisical.owner.client_secret,
            JOURNAL_REDIS_URL=redis.url,
            JOURNAL_JWT_LONGEST_TOKEN="600",
            JOURNAL_VERIFY_MAX_STALE="600",
            JOURNAL_SNAPSHOT_FILE=str(self.snapshot),
            JOURNAL_SNAPSHOT_KEY=KEY,
            JOURNAL_SNAPSHOT_SECRETS=PATH,
        )

    def live(self, given: str = "", changes: Mapping[str, str] | None = None) -> dict[str, str]:
        """Run one life of the façade in a process of its own, and give what it says."""
        command = [sys.executable, "-m", "tests.support.a_life"]
        environment = {**self.operator.environment, **(changes or {})}
        done = subprocess.run(
            command, input=given + "\n", env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        said: dict[str, str] = json.loads(done.stdout)
        return said

    def made(self) -> str:
        """Give token and ciphertext of a process that ended when its snapshot was kept."""
        self.operator.json("init")
        done = self.operator.run("secrets", "set", PATH, given=SECRET.encode())
        assert done.returncode == 0, done.stderr
        return json.dumps(self.live(changes={"JOURNAL_INFISICAL_CACHE_TTL": "2", "JOURNAL_LEDGER_POLL": "0.1"}))

    def lose_stores(self) -> None:
        self._infisical.stop()
        self._redis.stop()

    def lose_ledger(self) -> None:
        for file in self.operator.home.glob("ledger*"):
            file.unlink()


@pytest.fixture
def site(tmp_path: Path, own_redis: RedisServer) -> Iterator[Site]:
    with InfisicalServer() as infisical:
        yield Site(tmp_path, infisical, own_redis)


LEDGERS = {
    "the ledger answers": (False, "20", "KeyUnavailableError"),  # also where a busy machine signs long after it looked
    "the ledger is gone": (True, "0.2", "ViewStaleError"),
}


@pytest.mark.parametrize(("is_lost", "view_s", "signed"), LEDGERS.values(), ids=LEDGERS)
def test_a_restart_verifies_decrypts_and_fetches_until_its_bound_and_is_then_refused(
    site: Site, *, is_lost: bool, view_s: str, signed: str
) -> None:
    given = site.made()
    site.lose_stores()
    if is_lost:
        site.lose_ledger()
    said = site.live(given, {"JOURNAL_INFISICAL_CACHE_TTL": view_s})
    assert said == {"verified": "x", "decrypted": "kept", "fetched": SECRET, "signed": signed, "health": "degraded"}
    late = site.live(given, {"JOURNAL_VERIFY_MAX_STALE": "0.2"})
    too_old = dict.fromkeys(("verified", "decrypted", "signed"), "SnapshotTooOldError")
    assert late == {**too_old, "fetched": "SecretStoreUnavailableError", "health": late["health"]}
    refused = site.operator.run("serve", "--port", "0", changes={"JOURNAL_VERIFY_MAX_STALE": "0.2"})
    assert refused.returncode == ExitCode.SNAPSHOT
    assert b"which is more than JOURNAL_VERIFY_MAX_STALE 0.2 s: nothing is verified or decrypted" in refused.stderr
