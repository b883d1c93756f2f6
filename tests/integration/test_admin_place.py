"""The admin plane on a port or a Unix socket of its own: there and nowhere else."""

import socket
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from journal_keys.domain.scopes import Scope
from journal_keys.entrypoints.cli.exit_codes import ExitCode
from journal_keys.entrypoints.http.doors import HEALTH, JWKS, KEYS, STATUS
from tests.support.operator import Operator
from tests.support.service import serving, status
from tests.support.tokens import give_token

pytestmark = pytest.mark.processes


@pytest.fixture
def path() -> Iterator[Path]:
    """A path that is short enough for a socket, wherever the tests keep their files."""
    with TemporaryDirectory(prefix="jk-admin-", dir="/tmp") as folder:
        yield Path(folder) / "admin.sock"


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("workers", ["1", "2"])
def test_on_a_port_of_its_own(operator: Operator, workers: str) -> None:
    port = free_port()
    operator.environment["JOURNAL_ADMIN_LISTEN"] = f"127.0.0.1:{port}"
    with serving(operator, "--workers", workers) as served:
        address, admin = served.address, f"http://127.0.0.1:{port}"
        for _ in range(4):
            assert [status(address + path) for path in (JWKS, HEALTH, KEYS, STATUS)] == ["200", "200", "404", "404"]
            assert [status(admin + path) for path in (JWKS, HEALTH, KEYS, STATUS)] == ["200"] * 4
        assert status(address + KEYS, "--header", f"Host: 127.0.0.1:{port}") == "404"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_on_a_unix_socket_that_only_its_owner_may_open_and_by_token(
    operator: Operator, workers: str, path: Path
) -> None:
    operator.environment["JOURNAL_ADMIN_LISTEN"] = f"unix:{path}"
    token = give_token(operator.home / "admin-tokens.json", "deploy", Scope.READ)
    with serving(operator, "--workers", workers) as served:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        through = ("--unix-socket", str(path))
        assert status(served.address + KEYS, token=token) == "404"
        assert status(f"http://localhost{KEYS}", *through, token=token) == "200"
        assert status(f"http://localhost{KEYS}", *through) == "403"
        assert status(f"http://localhost{JWKS}", *through) == "200"


def test_a_socket_that_a_former_service_left_is_no_hindrance(operator: Operator, path: Path) -> None:
    operator.environment["JOURNAL_ADMIN_LISTEN"] = f"unix:{path}"
    with closing(socket.socket(socket.AF_UNIX)) as left:
        left.bind(str(path))
    assert path.exists()
    with serving(operator) as served:
        assert status(served.address + JWKS) == "200"


def test_a_place_that_is_taken_stays_as_it_is(operator: Operator, path: Path) -> None:
    operator.environment["JOURNAL_ADMIN_LISTEN"] = f"unix:{path}"
    path.write_text("a letter")
    done = operator.run("serve", "--port", "0")
    assert (done.returncode, path.read_text()) == (ExitCode.PORT_TAKEN, "a letter")
    path.unlink()
    with closing(socket.socket(socket.AF_UNIX)) as other:
        other.bind(str(path))
        other.listen()
        assert operator.run("serve", "--port", "0").returncode == ExitCode.PORT_TAKEN
        assert path.exists()
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        operator.environment["JOURNAL_ADMIN_LISTEN"] = f"127.0.0.1:{other.getsockname()[1]}"
        assert operator.run("serve", "--port", "0").returncode == ExitCode.PORT_TAKEN


@pytest.mark.parametrize(
    "text",
    ["", "9001", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "0.0.0.0:9001", "x:9001", "unix:", "unix:a"],
)
def test_what_is_no_place_stops_the_start_by_its_name(operator: Operator, text: str) -> None:
    operator.environment["JOURNAL_ADMIN_LISTEN"] = text
    done = operator.run("serve", "--port", "0")
    assert done.returncode == ExitCode.SETTINGS
    assert b"JOURNAL_ADMIN_LISTEN" in done.stderr
