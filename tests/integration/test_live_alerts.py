"""Debian's Prometheus with our rules beside a service: silent in rest, and what is broken on purpose is told."""

import json
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
import yaml  # type: ignore[import-untyped]

from journal_keys.entrypoints.http.doors import WEBHOOK
from tests.support.operator import Operator
from tests.support.prometheus_programs import NOT_CHECKED, PROMETHEUS
from tests.support.service import Served, serving, status

pytestmark = [pytest.mark.processes, pytest.mark.skipif(PROMETHEUS is None, reason=NOT_CHECKED)]

RULES: Final = Path(__file__).parents[2] / "deploy" / "prometheus" / "journal_keys.rules.yml"
LONGEST_S: Final = 120.0


class Prometheus:
    """Scrapes a service each second, and waits for no alert to last."""

    def __init__(self, folder: Path, service: Served) -> None:
        with closing(socket.socket()) as found:
            found.bind(("127.0.0.1", 0))
            place = f"127.0.0.1:{found.getsockname()[1]}"
        self.address = f"http://{place}"
        self._write(folder, service)
        self.command = [
            str(PROMETHEUS),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={place}",
            "--log.level=error",
        ]

    def _write(self, folder: Path, service: Served) -> None:
        rules = yaml.safe_load(RULES.read_text("utf-8"))
        for rule in rules["groups"][0]["rules"]:
            rule.pop("for", None)
        (folder / "rules.yml").write_text(yaml.safe_dump(rules), "utf-8")
        target = {"targets": [service.address.removeprefix("http://")]}
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [{"job_name": "journal", "static_configs": [target]}],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")

    def ask(self, path: str) -> Any:  # noqa: ANN401 (JSON)
        words = ["curl", "--silent", "--fail", f"{self.address}/api/v1/{path}"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return json.loads(done.stdout)["data"] if done.returncode == 0 else {}

    def alerts(self) -> set[str]:
        return {one["labels"]["alertname"] for one in self.ask("alerts").get("alerts", [])}

    def holds(self, expression: str) -> bool:
        return bool(self.ask(f"query?query={quote(expression)}").get("result"))


def wait_until(holds: Callable[[], bool], told: Callable[[], object]) -> None:
    ends_s = time.monotonic() + LONGEST_S
    while not holds():
        assert time.monotonic() < ends_s, told()
        time.sleep(0.2)


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    made = Operator(tmp_path)
    made.json("init")
    return made


@pytest.fixture
def service(operator: Operator) -> Iterator[Served]:
    with serving(operator, views_s=60) as served:
        yield served


@pytest.fixture
def prometheus(service: Served, tmp_path: Path) -> Iterator[Prometheus]:
    (folder := tmp_path / "prometheus").mkdir()
    made = Prometheus(folder, service)
    with subprocess.Popen(made.command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield made
        finally:
            process.terminate()


def change(ledger: Path, *statements: str) -> None:
    with closing(sqlite3.connect(ledger, timeout=30)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def encryptions(number: int) -> str:
    return (
        "INSERT INTO key_usage SELECT kid, 0 FROM key_versions WHERE family = 'aes' AND state = 'ACTIVE' "  # noqa: S608
        f"ON CONFLICT (kid) DO UPDATE SET encryptions = {number}"
    )


def test_a_healthy_service_makes_no_alert_and_what_is_broken_is_told_until_it_is_mended(
    operator: Operator, service: Served, prometheus: Prometheus
) -> None:
    seen = prometheus.alerts
    wait_until(lambda: prometheus.holds("journal_keys_audit_whole_timestamp_seconds > 0"), seen)
    wait_until(lambda: prometheus.holds('count_over_time(up{job="journal"}[1m]) > 5'), seen)
    assert seen() == set()

    ledger = operator.home / "ledger.sqlite3"
    with closing(sqlite3.connect(ledger)) as connection:
        ((reason,),) = connection.execute("SELECT reason FROM audit WHERE sequence = 1").fetchall()
    change(ledger, "UPDATE audit SET reason = 'another' WHERE sequence = 1", encryptions(0), encryptions(2**31 + 1))
    for _ in range(8):
        assert status(f"{service.address}{WEBHOOK}", "--data", "{}") == "401"
    broken = {"JournalKeysAuditBroken", "JournalKeysEncryptionBudget", "JournalKeysWebhooksRefused"}
    wait_until(lambda: seen() == broken, seen)

    change(ledger, f"UPDATE audit SET reason = '{reason}' WHERE sequence = 1", encryptions(1))  # noqa: S608 (our own)
    wait_until(lambda: seen() == {"JournalKeysWebhooksRefused"}, seen)
