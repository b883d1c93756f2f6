"""What the tests of settings share."""

import pytest

from journal_keys.entrypoints.settings import Settings


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without any of our settings."""
    for field in Settings.model_fields:
        for name in (field, field.upper()):
            monkeypatch.delenv(name, raising=False)
    return monkeypatch
