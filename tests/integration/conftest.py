"""What the tests of the store in Infisical share."""

from pathlib import Path

import pytest

from tests.support.infisical.programs import BINARIES


@pytest.fixture(params=list(BINARIES.values()), ids=list(BINARIES))
def binary(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stand-in for the CLI, and the real one where it is there."""
    found: Path = request.param(tmp_path_factory.mktemp("bin"))
    return found
