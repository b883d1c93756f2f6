"""A server that answers as recorded, and a run of a program against it."""

import contextlib
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from tests.support.infisical.recordings import Case, Exchange, replaced, whole

HEADERS = ("user-agent", "content-length", "accept", "authorization", "content-type")
_CLOCK = re.compile(r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}|^\x1b\[90m\d{1,2}:\d\d[AP]M\x1b\[0m", re.MULTILINE)
_NO_NAME = re.compile(r" on \S+:53: (no such host|server misbehaving|(dial|read) udp .*?)(?=\])")
_LOST_PATIENCE_S = 1.0
_NEVER_S = 60.0


@dataclass(frozen=True)
class Sent:
    """A request as it came in."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Told:
    """What a call told the world, in the words of the recordings."""

    exit: int
    stdout: str
    stderr: str
    requests: tuple[Sent, ...]


@dataclass
class ReplayServer:
    """Answers each request with the first unused answer for its method and target, otherwise with the next one."""

    case: Case
    seen: list[Sent] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._left = list(self.case.exchanges)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.replay = self
        self.place = f"127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def next_for(self, sent: Sent) -> Exchange | None:
        """Note a request and give what was recorded of it."""
        with self._lock:
            self.seen.append(sent)
            same = (one for one in self._left if (one.method, one.target) == (sent.method, sent.target))
            found = next(same, None)
            if found is not None:
                self._left.remove(found)
            return found

    def keep_silent(self) -> None:
        """Say nothing until the case is over."""
        self._over.wait(_NEVER_S)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    replay: ReplayServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients go when they like."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each further request of a connection costs 40 ms
    server: _Http

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the overridden signature)
        """Say nothing."""

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        exchange = self.server.replay.next_for(Sent(self.command, self.path, headers, body))
        answer = exchange.answer if exchange else None
        if answer is None:
            if exchange and self.server.replay.case.timed_out:
                self.server.replay.keep_silent()
            self.close_connection = True
            return
        raw = whole(answer.body, '","secretComment":""}}').encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815 (names of the base class)


@contextlib.contextmanager
def _closed_port() -> Iterator[str]:
    """A port that nobody else can take, and that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def run(program: Path, case: Case, folder: Path) -> Told:
    """Call the program as recorded, in a folder that is as recorded."""
    _furnish(folder, case)
    with ReplayServer(case) as server, _closed_port() as closed:
        names = (("SERVER", server.place), ("CLOSED_PORT", closed), ("WORKDIR", str(folder)))
        env = {name: replaced(value, names) for name, value in (case.env | _refused_to_others(case)).items()}
        done = _call([str(program), *(replaced(one, names) for one in case.argv)], env, case, folder)
        back = tuple((new, old) for old, new in names)
        return Told(
            exit=done.returncode,
            stdout=plain(replaced(done.stdout.decode(), back)),
            stderr=plain(replaced(done.stderr.decode(), back)),
            requests=tuple(server.seen),
        )


def _refused_to_others(case: Case) -> dict[str, str]:
    """Where the CLI asks for its updates, the network refused it, as it has to again."""
    asks = "update check on" in case.name
    return {"HTTPS_PROXY": "http://CLOSED_PORT"} if asks else {}


def _call(argv: list[str], env: dict[str, str], case: Case, folder: Path) -> "subprocess.CompletedProcess[bytes]":
    end = '"}' if case.stdin.startswith("{") else '"\n'
    with subprocess.Popen(
        argv, cwd=folder, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        limit_s = _LOST_PATIENCE_S if case.timed_out else _NEVER_S
        try:
            out, err = child.communicate(whole(case.stdin, end).encode(), timeout=limit_s)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
        return subprocess.CompletedProcess(argv, child.returncode, out, err)


def _furnish(folder: Path, case: Case) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "v.yaml").symlink_to("/proc/self/fd/0")
    if "@file.txt" in " ".join(case.argv):
        (folder / "file.txt").write_text("content of a file")
    if "in a parent" in case.name:
        told = '{"workspaceId": "hostile-project", "defaultEnvironment": "prod", "gitBranchToEnvironmentMapping": null}'
        (folder.parent / ".infisical.json").write_text(told)
    if "HOME" in case.env:
        config = folder / "home" / ".infisical" / "infisical-config.json"
        config.parent.mkdir(parents=True)
        config.write_text('{"loggedInUserEmail": "human@example.org", "LoggedInUserDomain": "http://127.0.0.1:9/api"}')


def plain(text: str) -> str:
    """Leave out what is different each time, and with each network."""
    return _NO_NAME.sub(" on RESOLVER:53: no such host", _CLOCK.sub("CLOCK", text))
