"""Tests that leak on purpose, one for each place and form: each must fail. `canaries` runs them in a run of its own.

`python -m tests.proof.canary_leaks FILE` runs them all and writes, as JSON, what the canaries said of each. As a part
of the suite they would break it: their file's name does not begin with `test_`.
"""

import asyncio
import base64
import json
import logging
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import ExitStack, contextmanager
from functools import partial
from hashlib import sha256
from multiprocessing import util
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote_from_bytes
from urllib.request import urlopen

import httpx2
import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest

from journal_keys.adapters.embedded import files
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.errors import JournalKeysError
from journal_keys.entrypoints.log_lines import FileHandler
from journal_keys.entrypoints.settings import Settings
from tests.support.canary.entropy import WatchedEntropy
from tests.support.read_log import read_log
from tests.support.terminal import in_terminal

LOG = logging.getLogger("journal_keys")


class Leaks:
    """One method for each place; `text` and `data` are the secret in some form."""

    def __init__(self, data: bytes, folder: Path, request: pytest.FixtureRequest) -> None:
        self.data, self.text = data, data.decode("latin-1")
        self.folder, self.request = folder, request

    def log_message(self) -> None:
        LOG.error(self.text)

    def log_of_what_was_planted(self) -> None:
        LOG.error(self.text)

    def log_of_seeded_bytes(self) -> None:
        LOG.error(self.text)

    def log_extra(self) -> None:
        LOG.error("with a value of its own: %s", "x", extra={"detail": self.text})

    def log_of_an_exception(self) -> None:
        logging.getLogger("sqlalchemy").error("failed", exc_info=JournalKeysError(self.text))

    def standard_output(self) -> None:
        sys.stdout.write(self.text)

    def standard_error(self) -> None:
        os.write(2, self.data)

    def output_that_the_test_read(self) -> None:
        capture: pytest.CaptureFixture[str] = self.request.getfixturevalue("capfd")
        sys.stderr.write(self.text)
        capture.readouterr()

    def bytes_in_an_exception(self) -> None:
        with pytest.raises(JournalKeysError):
            raise JournalKeysError(self.data)

    def traceback(self) -> None:
        with pytest.raises(JournalKeysError):
            raise JournalKeysError(self.text)

    def cause(self) -> None:
        with pytest.raises(JournalKeysError):
            raise JournalKeysError("harmless") from ValueError(self.text)

    def suppressed_context(self) -> None:
        with pytest.raises(JournalKeysError):
            fail_without_cause(self.text)

    def note(self) -> None:
        error = JournalKeysError("harmless")
        error.add_note(self.text)
        with pytest.raises(JournalKeysError):
            raise error

    def member_of_a_group(self) -> None:
        with pytest.raises(ExceptionGroup):
            raise ExceptionGroup("harmless", [JournalKeysError(self.text)])

    @contextmanager
    def _grandchild(self, *words: bytes) -> Iterator["subprocess.Popen[bytes]"]:
        """A child that does not know what it is to start, and has started it; that lives as long as this."""
        (self.folder / "words").write_bytes(b"\0".join(words))
        command, pipe = ["xargs", "-0", "-a", str(self.folder / "words"), "env"], subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True) as child:
            assert child.stdout is not None
            child.stdout.readline()
            yield child

    async def http_body(self) -> None:
        await answer_with(self.data, b"harmless")

    async def http_header(self) -> None:
        await answer_with(b"harmless", self.data)

    def body_to_a_plain_client(self) -> None:
        with answering(self.data, b"harmless") as address, httpx2.Client() as caller:
            caller.get(address)

    def header_to_a_plain_client(self) -> None:
        with answering(b"harmless", self.data) as address:
            httpx2.get(address)

    def body_to_the_standard_library(self) -> None:
        with answering(self.data, b"harmless") as address, urlopen(address) as answer:  # noqa: S310 (our own address)
            answer.read()

    def header_to_the_standard_library(self) -> None:
        with answering(b"harmless", self.data) as address, urlopen(address):  # noqa: S310 (our own address)
            pass

    async def figure(self) -> None:
        registry = CollectorRegistry()
        Counter("journal_keys_leaks", "Leaks.", ["key"], registry=registry).labels(self.text).inc()
        await answer_with(generate_latest(registry), b"harmless")

    def log_file(self) -> None:
        handler = FileHandler(self.folder / "journal.log", lambda _failure: None)
        self.request.addfinalizer(handler.close)
        handler.handle(logging.LogRecord("any", logging.ERROR, "", 0, self.text, (), None))

    def log_of_a_service(self) -> None:
        command = ["sh", "-c", "cat >&2"]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stderr=pipe) as child:
            assert child.stdin is not None
            assert child.stderr is not None
            with read_log(child.stderr), child.stdin:
                child.stdin.write(self.data)

    def terminal(self) -> None:
        (self.folder / "shown").write_bytes(self.data)
        command = ["sh", "-c", 'stty -opost; cat "$1"; rm "$1"', "sh", str(self.folder / "shown")]
        with in_terminal(command, os.environ) as terminal:
            terminal.end()

    def sqlite_file(self) -> None:
        with sqlite3.connect(self.folder / "ledger.sqlite3") as database:
            write_row(database, self.data)
        database.close()

    def write_ahead_log(self) -> None:
        database = sqlite3.connect(self.folder / "ledger.sqlite3")
        self.request.addfinalizer(database.close)
        database.execute("PRAGMA journal_mode=WAL")
        write_row(database, self.data)

    def vault_file(self) -> None:
        files.write_private(self.folder / "vault.jkv", b"JKV1" + self.data, replace=False)

    def leftover_of_the_vault(self) -> None:
        (self.folder / ".vault.jkv.1.new").write_bytes(self.data)

    def system_temporary_folder(self) -> None:
        Path(tempfile.gettempdir(), f"left behind by {self.folder.name}").write_bytes(self.data)

    def temporary_folder_that_is_gone(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "held.txt").write_bytes(self.data)

    def removed_folder(self) -> None:
        removed = self.folder / "removed"
        removed.mkdir()
        (removed / "held.txt").write_bytes(self.data)
        shutil.rmtree(removed)

    def folder_of_several_tests(self) -> None:
        shared: Path = self.request.getfixturevalue("shared_folder")
        (shared / f"shared by {self.folder.name}").write_bytes(self.data)

    def folder_of_the_factory(self) -> None:
        factory: pytest.TempPathFactory = self.request.getfixturevalue("tmp_path_factory")
        (factory.mktemp("further") / "made.txt").write_bytes(self.data)

    def arguments(self) -> None:
        subprocess.run([b"true", self.data], check=True)

    def arguments_by_posix_spawn(self) -> None:
        os.waitpid(os.posix_spawn("/bin/true", [b"true", self.data], {}), 0)

    def arguments_by_multiprocessing(self) -> None:
        os.waitpid(util.spawnv_passfds(b"/bin/true", [b"true", self.data], ()), 0)

    async def arguments_in_a_loop(self) -> None:
        await (await asyncio.create_subprocess_exec("true", self.data)).wait()

    def arguments_of_an_operator(self) -> None:
        from tests.support.operator import Operator  # it imports plugins of pytest, which that has to import first

        Operator(self.folder).run(os.fsdecode(self.data))

    def arguments_of_a_killed_grandchild(self) -> None:
        with self._grandchild(b"sh", b"-c", b"echo; read end", self.data) as child:
            child.kill()

    def environment_of_a_killed_grandchild(self) -> None:
        with self._grandchild(b"SOME_NAME=" + self.data, b"sh", b"-c", b"echo; read end") as child:
            os.killpg(child.pid, signal.SIGKILL)

    def arguments_of_a_grandchild(self) -> None:
        running = ExitStack()
        running.enter_context(self._grandchild(b"sh", b"-c", b"echo; read end", self.data))
        self.request.addfinalizer(running.close)

    def environment(self) -> None:
        subprocess.run(["true"], env={b"SOME_NAME": self.data}, check=True)

    def inherited_environment(self) -> None:
        patch: pytest.MonkeyPatch = self.request.getfixturevalue("monkeypatch")
        patch.setenv("SOME_NAME", os.fsdecode(self.data))
        subprocess.run(["true"], check=True)

    def output_of_a_child(self) -> None:
        subprocess.run(["cat"], input=self.data, stdout=subprocess.PIPE, check=True)

    def error_of_a_child(self) -> None:
        subprocess.run(["sh", "-c", "cat >&2"], input=self.data, stderr=subprocess.PIPE, check=True)

    async def output_in_a_loop(self) -> None:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec("cat", stdin=pipe, stdout=pipe)
        await process.communicate(self.data)


def fail_without_cause(text: str) -> None:
    """Read what is no JSON: the suppressed error keeps the whole text in an attribute."""
    try:
        json.loads(text + "]")
    except ValueError:
        raise JournalKeysError("harmless") from None


async def answer_with(body: bytes, header: bytes) -> None:
    """Ask an application that answers with these."""

    async def app(
        _scope: MutableMapping[str, Any], _receive: object, send: Callable[[MutableMapping[str, Any]], Awaitable[None]]
    ) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-key", header)]})
        await send({"type": "http.response.body", "body": body})

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://localhost") as caller:
        await caller.get("/")


@contextmanager
def answering(body: bytes, header: bytes) -> Iterator[str]:
    """A server that gives one answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with server.accept()[0] as line:
                line.recv(65_536)
                length = b"Content-Length: %d" % len(body)
                line.sendall(b"\r\n".join((b"HTTP/1.1 200 OK", b"X-Key: " + header, length, b"", body)))

        thread = Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()


def write_row(database: sqlite3.Connection, value: bytes) -> None:
    database.execute("CREATE TABLE leaked (value BLOB)")
    database.execute("INSERT INTO leaked VALUES (?)", (value,))
    database.commit()


def encoded(last_two: bytes, offset: int, secret: bytes) -> bytes:
    """Base64 of a text in which the secret does not stand first."""
    return base64.b64encode(b"x" * offset + secret, altchars=last_two)


def random_secret() -> bytes:
    while not set(secret := SystemEntropy().token(32)).isdisjoint(b"\0\n\v\f\r"):
        pass  # neither an argument nor a variable can hold NUL, nor a header the ends of lines
    return secret


def planted_secret() -> bytes:
    """Give what this test holds without having made any."""
    held = Settings().infisical_universal_auth_client_secret
    assert held is not None
    return held.get_secret_value().encode()


SECRETS: dict[str, Callable[[], bytes]] = {
    "log_of_what_was_planted": planted_secret,
    "log_of_seeded_bytes": lambda: WatchedEntropy(1).token(32),
}
"""What is leaked instead of random bytes."""
PLACES: dict[str, str] = {
    "log_message": "a log line",
    "log_of_what_was_planted": "a log line",
    "log_of_seeded_bytes": "a log line",
    "log_extra": "a log record",
    "log_of_an_exception": "a log line",
    "standard_output": "Captured stdout call",
    "standard_error": "Captured stderr call",
    "output_that_the_test_read": "captured output",
    "bytes_in_an_exception": "an exception",
    "traceback": "a traceback",
    "cause": "an exception",
    "suppressed_context": "an exception",
    "note": "an exception",
    "member_of_a_group": "an exception",
    "http_body": "the body of an HTTP answer",
    "http_header": "the headers of an HTTP answer",
    "body_to_a_plain_client": "the body of an HTTP answer",
    "header_to_a_plain_client": "the headers of an HTTP answer",
    "body_to_the_standard_library": "the body of an HTTP answer",
    "header_to_the_standard_library": "the headers of an HTTP answer",
    "figure": "the body of an HTTP answer",
    "log_file": "the file journal.log",
    "log_of_a_service": "the log of a service",
    "terminal": "a terminal",
    "sqlite_file": "the file ledger.sqlite3",
    "write_ahead_log": "a write-ahead log of SQLite",
    "vault_file": "the file vault.jkv",
    "leftover_of_the_vault": "the file .vault.jkv.1.new",
    "system_temporary_folder": "the file left behind",
    "temporary_folder_that_is_gone": "the file held.txt",
    "removed_folder": "the file held.txt",
    "folder_of_several_tests": "the file shared by",
    "folder_of_the_factory": "the file made.txt",
    "arguments": "the arguments of a child",
    "arguments_by_posix_spawn": "the arguments of a child",
    "arguments_by_multiprocessing": "the arguments of a child",
    "arguments_in_a_loop": "the arguments of a child",
    "arguments_of_an_operator": "the arguments of a child",
    "arguments_of_a_killed_grandchild": "the arguments of a child",
    "environment_of_a_killed_grandchild": "the environment of a child",
    "arguments_of_a_grandchild": "the arguments of a child",
    "environment": "the environment of a child",
    "inherited_environment": "the environment of a child",
    "output_of_a_child": "the standard output of a child",
    "error_of_a_child": "the standard error of a child",
    "output_in_a_loop": "the standard output of a child",
}
"""What the canaries call the place of each leak."""
FORMS: dict[str, Callable[[bytes], bytes]] = {
    "raw": bytes,
    "hex": lambda secret: secret.hex().encode(),
    "capital hex": lambda secret: secret.hex().upper().encode(),
    **{f"base64 {n}": partial(encoded, b"+/", n) for n in range(3)},
    **{f"base64url {n}": partial(encoded, b"-_", n) for n in range(3)},
    "URL": lambda secret: quote_from_bytes(secret).encode(),
    "JSON": lambda secret: json.dumps(secret.decode("latin-1")).encode(),
    "repr": lambda secret: repr(secret).encode(),
}
NO_SECRET = "digest"
"""A control: what may be shown, in the same places."""


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.mark.processes
@pytest.mark.usefixtures("shared_folder")
@pytest.mark.parametrize("form", [*FORMS, NO_SECRET])
@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_leak(place: str, form: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    secret = SECRETS.get(place, random_secret)()
    shown = FORMS[form](secret) if form in FORMS else sha256(secret).hexdigest().encode()
    done = getattr(Leaks(shown, tmp_path, request), place)()
    if done is not None:
        await done


class Collector:
    """Keeps what was said at the end of each test."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a report."""
        if report.when == "teardown":
            name = report.nodeid.partition("[")[2].removesuffix("]")
            self.said[name] = report.longreprtext if report.failed else ""
        elif report.failed:
            self.said[f"{report.nodeid} {report.when}"] = report.longreprtext


if __name__ == "__main__":
    collector = Collector()
    pytest.main([__file__, "-qq", "-p", "no:randomly", "-p", "no:cacheprovider", "--no-summary"], plugins=[collector])
    Path(sys.argv[1]).write_text(json.dumps(collector.said))
