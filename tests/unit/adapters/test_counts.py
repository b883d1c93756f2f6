"""Counts that are read back: what was counted where, of this process or of all."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from prometheus_client import CollectorRegistry

from journal_keys.adapters.prometheus.counts import counted_in, counts
from journal_keys.adapters.prometheus.meter import PrometheusMeter
from journal_keys.domain.keys import Family
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.webhooks import Ignored, WebhookRefusedError
from journal_keys.ports.meter import Source
from journal_keys.ports.secret_store import SecretHiddenError
from tests.support.figures import FIGURES

ONE, OTHER = SecretPath.parse("/database/db_url_async"), SecretPath.parse("/infrastructure/redis_url")


def test_counts_are_summed_over_everything_but_what_they_are_shown_by() -> None:
    registry = CollectorRegistry()
    meter = PrometheusMeter(registry)
    for path in (ONE, OTHER):
        meter.fetched(path, Source.STORE, 0.1)
        meter.failed(path, SecretHiddenError("hidden"))
        meter.hits(path).count += 2
    meter.heard(Ignored(event="test", because="a test"))
    meter.heard(WebhookRefusedError("no"))
    meter.questions()["hit"] += 5
    meter.old_formats()["fernet"] += 6
    meter.publish()
    found = counted_in(registry.collect())
    assert found.fetches == {"store": 2, "memory": 4}
    assert found.failures == {"SecretHiddenError": 2}
    assert found.webhooks == {"ignored": 1, "refused": 1}
    assert (found.redis, found.old_formats) == ({"hit": 5}, {"fernet": 6})


def test_nothing_was_counted_where_nothing_happened() -> None:
    registry = CollectorRegistry()
    PrometheusMeter(registry)
    found = counted_in(registry.collect())
    assert not any((found.fetches, found.failures, found.webhooks, found.redis, found.old_formats, found.held))


def test_what_a_process_holds_is_told_ring_by_ring() -> None:
    registry = CollectorRegistry()
    meter = PrometheusMeter(registry)
    for family, generation in ((Family.JWT, 3), (Family.AES, 1)):
        meter.show(replace(FIGURES, family=family, generation=generation))
    assert counted_in(registry.collect()).held == ({Family.JWT: 3, Family.AES: 1},)


COUNTING = """
from journal_keys.adapters.prometheus.meter import process_meter
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.meter import Source
from tests.support.figures import FIGURES
process_meter().fetched(SecretPath.parse("/database/db_url_async"), Source.STORE, 0.1)
process_meter().show(FIGURES)
"""


def test_those_of_all_processes_are_in_the_folder(tmp_path: Path) -> None:
    for _ in range(2):
        command = [sys.executable, "-W", "error", "-c", COUNTING]
        subprocess.run(command, env={"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}, check=True)
    found = counts(folder=tmp_path)
    assert (found.fetches, found.held) == ({"store": 2}, ({Family.JWT: 3}, {Family.JWT: 3}))
