"""Every command and block of the README does what it says."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from journal_keys.domain.migration import DEFAULT_MAP
from journal_keys.entrypoints.cli.exit_codes import MEANINGS
from journal_keys.entrypoints.settings import Settings
from tests.proof.__main__ import NAMES

pytestmark = pytest.mark.processes
ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def lines(*prefixes: str) -> list[str]:
    return [line for block in blocks("console") for line in block.splitlines() if line.startswith(prefixes)]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"PATH": path, "JOURNAL_KEYS_HOME": str(tmp_path / "home")}


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


@pytest.fixture
def service(environment: dict[str, str], port: int) -> Iterator[subprocess.Popen[str]]:
    subprocess.run(["journal-keys", "init"], env=environment, check=True, capture_output=True)
    command = ["journal-keys", "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield process
    process.kill()
    process.communicate()


def test_the_curl_lines_work_as_printed(service: subprocess.Popen[str], port: int) -> None:
    commands = lines("curl ")
    assert len(commands) == 6
    for command in commands:
        here = command.replace("localhost:8000", f"localhost:{port}") + " --silent --show-error --fail"
        done = subprocess.run(["bash", "-c", here], capture_output=True, check=False, text=True)
        assert done.returncode == 0, (command, done.stderr)
        assert done.stdout.startswith("# HELP " if command.endswith("/metrics") else "{")
    assert service.poll() is None


def test_the_service_prints_its_address_and_three_commands_and_ends_within_5_s_of_sigterm(
    service: subprocess.Popen[str], port: int
) -> None:
    taken = subprocess.run(
        [sys.executable, "-m", "journal_keys", "serve", "--port", str(port)],
        capture_output=True,
        check=False,
        text=True,
    )
    assert taken.returncode == 13
    assert f"port {port} of 127.0.0.1 is taken" in taken.stderr
    started_s = time.monotonic()
    service.send_signal(signal.SIGTERM)
    shown, log = service.communicate(timeout=10)
    assert time.monotonic() - started_s < 5
    assert f"serves on http://127.0.0.1:{port}" in shown
    assert shown.count("  curl ") == 3
    assert "Traceback" not in log


def test_the_service_does_not_serve_other_machines(environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["journal-keys", "serve", "--host", "0.0.0.0"],  # noqa: S104 (that it is refused is the point)
        env=environment,
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 6
    assert "loopback" in done.stderr


def test_the_library_example_runs(environment: dict[str, str]) -> None:
    subprocess.run(["journal-keys", "init"], env=environment, check=True, capture_output=True)
    (example,) = (block for block in blocks("python") if "asyncio.run" in block)
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", example]
    done = subprocess.run(command, env=environment, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "alice"
    assert done.stdout.splitlines()[1].startswith("a refresh token ")
    assert done.stdout.splitlines()[2] == "redis://localhost:6379/0"


def test_the_example_of_an_application_signs_verifies_and_encrypts(
    environment: dict[str, str], port: int, tmp_path: Path
) -> None:
    subprocess.run(["journal-keys", "init"], env=environment, check=True, capture_output=True)
    (example,) = (block for block in blocks("python") if "install(app)" in block)
    assert len(example.splitlines()) <= 30
    (tmp_path / "example.py").write_text(example, encoding="utf-8")
    command = [sys.executable, "-W", "error", "-m", "uvicorn", "example:app", "--port", str(port)]
    with subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as server:
        try:
            with httpx2.Client(base_url=f"http://localhost:{port}") as caller:
                until_s = time.monotonic() + 30
                while True:
                    try:
                        token = caller.post("/login/alice").json()
                        break
                    except httpx2.ConnectError:
                        assert time.monotonic() < until_s
                        time.sleep(0.1)
                shown = {"Authorization": f"Bearer {token}"}
                assert caller.get("/me", headers=shown).json() == "alice"
                assert caller.post("/notes/hello", headers=shown).json().startswith("jk2.")
                assert caller.get("/me").status_code == 401
                assert caller.get("/.well-known/jwks.json").json()["keys"]
        finally:
            server.send_signal(signal.SIGTERM)
            assert "Traceback" not in server.communicate()[1]


def test_the_command_lines_run_in_their_order(environment: dict[str, str]) -> None:
    for command in lines("journal-keys ", "printf "):
        shorter = command.replace("--seconds 10", "--seconds 2")
        done = subprocess.run(["bash", "-c", shorter], env=environment, capture_output=True, check=False, text=True)
        waits = "rotate" in command and done.returncode == 3
        assert done.returncode == 0 or waits, (command, done.stderr)


def test_the_table_of_exit_codes_is_the_code_s_own() -> None:
    rows = [f"| {code.value} | {meaning} |" for code, meaning in MEANINGS.items()]
    assert "\n".join(["| code | meaning |", "|---|---|", *rows]) in README


def test_every_proof_has_its_row_in_the_table_of_proofs() -> None:
    table = README.partition("| proof | what it tries |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `([a-z_]+)`", table, re.MULTILINE)
    assert sorted(rows) == sorted(NAMES)


def test_every_setting_that_is_named_is_one() -> None:
    named = set(re.findall(r"`(JOURNAL_[A-Z_]+[A-Z])(?:=[^`]*)?`", README))
    read = {name.upper() for name in Settings.model_fields} | set(DEFAULT_MAP.variables())
    assert named
    assert named - read == {"JOURNAL_ADMIN_TOKEN"}  # that one is read by the Makefile


def test_both_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make ([a-z]+)", "\n".join(blocks("console")), re.MULTILINE):
        assert f"\n{target}: " in makefile


def test_make_run_makes_rings_and_serves_them(environment: dict[str, str], tmp_path: Path) -> None:
    command, log = ["make", "--no-print-directory", "run", "PORT=0"], tmp_path / "log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        assert process.stdout is not None
        try:
            lines = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stdout)
            address = next((found[0] for found in lines if found), "")
            assert address, log.read_text()
            assert httpx2.get(f"{address}/readyz").status_code == 200
            assert len(httpx2.get(f"{address}/.well-known/jwks.json").json()["keys"]) == 2
        finally:
            process.terminate()
            process.communicate()  # until the service has closed it, too
    assert process.returncode == -signal.SIGTERM
