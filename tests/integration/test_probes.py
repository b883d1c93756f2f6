"""What orchestrators are told by a real service, while ledger and store are gone or say nothing."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from journal_keys.entrypoints.http.doors import HEALTH, LIVE, READY
from tests.support.away import ledger_away
from tests.support.infisical.misdeeds import Deed
from tests.support.infisical.server import InfisicalServer
from tests.support.operator import Operator
from tests.support.service import serving

pytestmark = pytest.mark.processes
LONGEST_S: Final = 60
BOUND_S: Final = 1.0
ALIVE: Final = (200, {"status": "alive"})


def asked(address: str) -> tuple[int, dict[str, object]]:
    try:
        with urllib.request.urlopen(address, timeout=LONGEST_S) as answer:  # noqa: S310 (our own address)
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as failure:
        with failure:
            return failure.code, json.load(failure)


def becomes(address: str, code: int) -> dict[str, object]:
    until_s = time.monotonic() + LONGEST_S
    while (found := asked(address))[0] != code:
        assert time.monotonic() < until_s, found
        time.sleep(0.05)
    return found[1]


def test_without_ledger_and_vault_a_service_lives_and_is_not_ready_until_they_are_back(tmp_path: Path) -> None:
    pace = {"JOURNAL_LEDGER_POLL": "0.5", "JOURNAL_RECONCILE_INTERVAL": "1"}  # nobody reads its log meanwhile
    operator = Operator(tmp_path, JOURNAL_INFISICAL_CACHE_TTL="2", **pace)
    operator.json("init")
    vault = operator.home / "vault.jkv"
    with serving(operator, views_s=2) as served:
        assert becomes(served.address + READY, 200) == {"status": "ready"}
        vault.rename(vault.with_suffix(".away"))
        with ledger_away(operator.home):
            assert becomes(served.address + READY, 503) == {"status": "not ready"}
            assert asked(served.address + LIVE) == ALIVE
            body = becomes(served.address + HEALTH, 503)
            assert body["overall_status"] == "unhealthy"
            assert "was not confirmed within 2 s" in str(body["readiness"])
        vault.with_suffix(".away").rename(vault)
        becomes(served.address + READY, 200)
        becomes(served.address + HEALTH, 200)
    assert any("not_ready" in line for line in served.logged)


@pytest.fixture
def server() -> Iterator[InfisicalServer]:
    with InfisicalServer() as made:
        yield made


def test_while_probes_of_the_store_hang_all_callers_wait_for_one_of_them_and_the_process_lives(
    tmp_path: Path, server: InfisicalServer, binary: Path
) -> None:
    operator = Operator(
        tmp_path,
        JOURNAL_INFISICAL_ENABLED="true",
        JOURNAL_INFISICAL_SERVER_URL=server.url,
        JOURNAL_INFISICAL_PROJECT_ID=server.project_id,
        JOURNAL_INFISICAL_CLI_PATH=str(binary),
        JOURNAL_INFISICAL_REQUESTS_PER_MINUTE="100000",
        JOURNAL_INFISICAL_HEALTH_TIMEOUT=str(BOUND_S),
        JOURNAL_RECONCILE_INTERVAL="3600",
        INFISICAL_UNIVERSAL_AUTH_CLIENT_ID=server.owner.client_id,
        INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET=server.owner.client_secret,
    )
    operator.json("init")
    with serving(operator, views_s=60) as served, ThreadPoolExecutor(32) as crowd:
        assert becomes(served.address + READY, 200)
        server.misbehave(Deed.HANG, "GET")
        server.requests.clear()
        begun_s = time.monotonic()
        health = [crowd.submit(asked, served.address + HEALTH) for _ in range(30)]
        while not server.targets(["GET"]):
            assert time.monotonic() - begun_s < LONGEST_S
            time.sleep(0.02)
        alive_s = time.monotonic()
        assert asked(served.address + LIVE) == ALIVE
        assert asked(served.address + READY) == (200, {"status": "ready"})
        assert time.monotonic() - alive_s < BOUND_S, "neither waits for a probe"
        codes = {one.result()[0] for one in health}
        assert codes <= {200, 503}
        assert time.monotonic() - begun_s < 10 * BOUND_S
        assert len(server.targets(["GET"])) <= 2, "one look, however many ask"
