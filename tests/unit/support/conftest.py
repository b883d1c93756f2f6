"""What tests of the stand-in beside the real CLI share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.infisical.calling import FOLDER, Caller
from tests.support.infisical.programs import BINARIES
from tests.support.infisical.server import InfisicalServer


@pytest.fixture
def server() -> Iterator[InfisicalServer]:
    with InfisicalServer() as made:
        made.seed(FOLDER, {"held": "v"})
        yield made


@pytest.fixture(params=list(BINARIES.values()), ids=list(BINARIES))
def call(request: pytest.FixtureRequest, server: InfisicalServer, tmp_path: Path) -> Caller:
    return Caller(request.param(tmp_path / "program"), server, tmp_path)
