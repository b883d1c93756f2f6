"""What the tests of settings share, and those that call the application."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from journal_keys.entrypoints.settings import Settings
from tests.support.serving import serving


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without any of our settings."""
    for field in Settings.model_fields:
        for name in (field, field.upper()):
            monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
async def caller(settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    """A direct caller of the application over the settings of the test's own file."""
    async with serving(settings) as client:
        yield client
