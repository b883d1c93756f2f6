"""What the service answers everybody, beside a bare Starlette route of the same body, while both rings rotate.

Both are processes of one worker on sockets of this machine, and so is wrk, which asks: they share its processors.
"""

import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.timing import Row, row
from journal_keys.entrypoints.http.doors import JWKS, ROTATE, WEBHOOK

ROUNDS: Final = 11
ROUND_S: Final = 2
CONNECTIONS: Final = 16
PAUSE_S: Final = 1.5
"""Between two rotations that are asked for: in each round both rings are rotated, or found waiting."""

JWKS_TARGET: Final = 1 / 0.9
WEBHOOK_TARGET: Final = 1 / 0.5
SECRET: Final = base64.b64encode(os.urandom(32)).decode("ascii")
_BODY: Final = "BENCHMARK_BODY"
_SETTINGS: Final = {
    "JOURNAL_KEYS_PROFILE": "embedded",
    "JOURNAL_JWKS_MAX_AGE": "1",
    "JOURNAL_INFISICAL_CACHE_TTL": "2",
    "JOURNAL_LEDGER_POLL": "1",
    "JOURNAL_CLOCK_SKEW": "0",
    "JOURNAL_RECONCILE_INTERVAL": "60",
    "JOURNAL_LOG_LEVEL": "WARNING",
    "JOURNAL_HTTP_RATE_JWKS": "1000000/second",
    "JOURNAL_HTTP_RATE_WEBHOOK": "1000000/second",
    "JOURNAL_INFISICAL_WEBHOOK_SECRET": SECRET,
}


def bare() -> Starlette:
    """One route, the body of which the environment names."""
    body = os.environ[_BODY].encode("ascii")

    async def answer(_request: Request) -> Response:
        return Response(body, media_type="application/jwk-set+json")

    return Starlette(routes=[Route(JWKS, answer)])


def http_rows() -> list[Row]:
    """Ask for the key set, and send a delivery again and again, each beside the bare route.

    A row has the microseconds per answer; none is given where there is no wrk.
    """
    if shutil.which("wrk") is None:
        print("not measured: the HTTP service. There is no wrk on PATH (Debian's package wrk).")
        return []
    with TemporaryDirectory() as made:
        home = Path(made)
        environment = {"PATH": os.environ["PATH"], "JOURNAL_KEYS_HOME": str(home / "keys"), **_SETTINGS}
        command = [sys.executable, "-m", "journal_keys"]
        subprocess.run([*command, "init"], env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 (ours)
        with running([*command, "serve", "--port"], environment) as ours:
            body = _get(ours, JWKS).decode("ascii")
            uvicorn = [
                "--factory",
                "--http",
                "httptools",
                "--loop",
                "uvloop",
                "--no-access-log",
                "--log-level",
                "warning",
            ]
            peer_command = [sys.executable, "-m", "uvicorn", "benchmarks.http:bare", *uvicorn, "--port"]
            with running(peer_command, environment | {_BODY: body}) as peer, rotating(ours):
                return _rows(ours, peer, _script(home, ours))


def _rows(ours: int, peer: int, script: Path) -> list[Row]:
    times: dict[str, list[float]] = {"key set": [], "webhook": [], "bare": []}
    _round(ours, JWKS), _round(peer, JWKS), _round(ours, WEBHOOK, "-s", str(script))  # until all of it runs at its pace
    for _ in range(ROUNDS):
        times["key set"].append(_round(ours, JWKS))
        times["bare"].append(_round(peer, JWKS))
        times["webhook"].append(_round(ours, WEBHOOK, "-s", str(script)))
    return [
        row("key set beside a bare Starlette route, rotating", times["key set"], times["bare"], target=JWKS_TARGET),
        row("webhook, sent again, beside the same, rotating", times["webhook"], times["bare"], target=WEBHOOK_TARGET),
    ]


def _round(port: int, path: str, *words: str) -> float:
    """Give the seconds per answer.

    Raises:
        RuntimeError: one of the answers was a refusal.
    """
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{ROUND_S}s", *words, f"http://127.0.0.1:{port}{path}"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 (from our constants)
    if "Non-2xx" in told or "Socket errors" in told:
        raise RuntimeError(told)
    rate = next(line.split()[1] for line in told.splitlines() if line.startswith("Requests/sec:"))
    return 1 / float(rate)


def _script(folder: Path, port: int) -> Path:
    """Send one signed delivery, which has its effect, and write what has wrk repeat it."""
    sent_ms = int(time.time() * 1000)
    project = {"workspaceId": "any", "environment": "dev", "secretPath": "/database"}
    body = json.dumps({"event": "secrets.modified", "project": project, "timestamp": sent_ms}, separators=(",", ":"))
    mac = hmac.new(SECRET.encode("ascii"), body.encode("ascii"), hashlib.sha256).hexdigest()
    _get(port, WEBHOOK, body.encode("ascii"), {"X-Infisical-Signature": f"t={sent_ms};{mac}"})
    script = folder / "delivery.lua"
    header = f"wrk.headers['x-infisical-signature'] = 't={sent_ms};{mac}'"
    script.write_text(f"wrk.method = 'POST'\nwrk.body = [[{body}]]\n{header}\n", encoding="ascii")
    return script


@contextmanager
def running(command: Sequence[str], environment: dict[str, str]) -> Iterator[int]:
    """Start a server on a free port, and give that once it answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([*command, str(port)], env=environment, stdout=subprocess.DEVNULL)  # noqa: S603 (ours)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@contextmanager
def rotating(port: int) -> Iterator[None]:
    """Have both rings rotate as soon as their windows allow, again and again."""
    ended, rotations = threading.Event(), list[int]()

    def rotate() -> None:
        asked = json.dumps({"rotation_type": "both", "force": True}).encode("ascii")
        while not ended.wait(PAUSE_S):
            with suppress(urllib.error.HTTPError):  # somebody else rotates it
                rotations.append(_get(port, ROTATE, asked).count(b'"rotated"'))

    thread = threading.Thread(target=rotate)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if not any(rotations):
        raise RuntimeError("nothing was rotated meanwhile")
    print(f"rotations while the service answered: {sum(rotations)}")


def _get(port: int, path: str, body: bytes | None = None, more: Mapping[str, str] | None = None) -> bytes:
    headers = {"Content-Type": "application/json", **(more or {})}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 (likewise)
        read: bytes = answer.read()
    return read
