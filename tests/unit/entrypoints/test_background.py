"""The background tasks outlive whatever one of their steps runs into."""

import asyncio
import logging
from datetime import timedelta
from pathlib import Path

import pytest
from dependency_injector import providers

from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import ReconcileOutcome
from journal_keys.entrypoints.background import Background
from journal_keys.entrypoints.resources import open_container
from tests.support.embedded import make_rings, settings_in


class BrokenReconcile:
    """A use case with a fault that nobody foresaw."""

    def __init__(self) -> None:
        self.calls = 0
        self.was_tried_again = asyncio.Event()

    async def __call__(self, family: Family) -> ReconcileOutcome:
        self.calls += 1
        if self.calls > 1:
            self.was_tried_again.set()
        raise ZeroDivisionError(family)


async def test_a_step_that_breaks_is_logged_and_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = settings_in(tmp_path)
    await make_rings(settings)
    broken = BrokenReconcile()
    async with open_container(settings) as container:
        container.reconcile.override(providers.Object(broken))
        with caplog.at_level(logging.ERROR, logger="journal_keys"):
            async with Background(
                container=container, poll=timedelta(seconds=0.05), reconcile_interval=timedelta(milliseconds=1)
            ):
                async with asyncio.timeout(10):
                    await broken.was_tried_again.wait()
    assert "background_step_broken step=reconcile" in caplog.text
