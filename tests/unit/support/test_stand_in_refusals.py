"""What the stand-in CLI does not stand in for, it says, and it is what it was installed as."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.infisical.calling import Caller
from tests.support.infisical.server import InfisicalServer
from tests.support.infisical.standin import install

pytestmark = pytest.mark.processes


@pytest.fixture
def call(tmp_path: Path) -> Iterator[Caller]:
    with InfisicalServer() as server:
        yield Caller(install(tmp_path / "program"), server, tmp_path)


REFUSED = {
    "a command": ["run", "--", "env"],
    "a template": ["export", "--template=x"],
    "YAML tags": ["secrets", "set", "--file=v.yaml"],
    "a service token": ["export", "--token=st.a.b.c"],
    "debug lines": ["export", "--log-level=debug"],
    "a login of another kind": ["login", "--method=kubernetes"],
}


@pytest.mark.parametrize("argv", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_stood_in_for_is_refused_and_never_guessed(call: Caller, argv: list[str]) -> None:
    done = call(*argv, stdin=b"k: !!binary dg==\n") if argv[0] not in {"run", "login"} else call.bare(*argv)
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr.startswith("the stand-in does not stand in for ")


def test_the_version_is_the_one_that_was_installed(tmp_path: Path) -> None:
    program = install(tmp_path, version="0.43.121")
    assert os.access(program, os.X_OK)
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "infisical version 0.43.121\n"
