"""A stand-in for the Infisical server: the API calls that the CLI makes, with the rules and errors of the real one."""

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.infisical import eras
from tests.support.infisical.eras import Era, Refusal
from tests.support.infisical.identities import Identity, Registry
from tests.support.infisical.misdeeds import JSON, Deed, Misdeed, spoilt
from tests.support.infisical.shelves import Shelves

_MOST_BODY = 1024 * 1024
_LONGEST_NAME = 100  # of a member of a route
_PROJECT = "d01f583a-d833-4375-b359-c702a726ac4d"
SECRETS = "/api/v3/secrets/raw"
FOLDERS = "/api/v1/folders"
LOGIN = "/api/v1/auth/universal-auth/login"


@dataclass(frozen=True)
class Seen:
    """One request that came in."""

    method: str
    target: str
    status: int | None
    client_id: str | None


class InfisicalServer:
    """A context manager around a server on a free port of this machine.

    Newest servers have no rate limit here; that of July 2024 has one where `reads_per_minute` says so.
    """

    def __init__(
        self,
        *,
        era: Era = Era.NEWEST,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        reads_per_minute: int | None = None,
        lists_missing_folders: bool | None = None,
    ) -> None:
        self.era = era
        self.project_id = _PROJECT
        self.lock = threading.RLock()
        lists = era is Era.JULY_2024 if lists_missing_folders is None else lists_missing_folders
        self.shelves = Shelves(era, _PROJECT, {"dev", "prod"}, lists_missing_folders=lists)
        self.registry = Registry(era, clock, reads_per_minute)
        self.owner = self.registry.add(Identity())
        self.old_projects: set[str] = set()
        self.misdeeds: list[Misdeed] = []
        self.requests: list[Seen] = []
        self._gone = threading.Event()
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._http.stand_in = self
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def speak_tls(self, context: ssl.SSLContext) -> None:
        """Speak TLS from now on; `url` says so."""
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.url = self.url.replace("http:", "https:")

    def stop(self) -> None:
        """Stop listening; whoever still waits for an answer gets none."""
        self._gone.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def token(self, identity: Identity | None = None, *, ttl_s: float | None = None) -> str:
        """Give a fresh access token."""
        with self.lock:
            return self.registry.issue(identity or self.owner, ttl_s)

    def folder(self, path: str, environment: str = "dev") -> dict[str, str]:
        """What a folder holds."""
        with self.lock:
            return {name: held.value for name, held in self.shelves.content(environment, path).items()}

    def seed(self, path: str, values: dict[str, str], environment: str = "dev") -> None:
        """Make a folder with these secrets."""
        parent, _, name = path.rpartition("/")
        with self.lock:
            self.shelves.make_folder(environment, parent or "/", name)
            for secret, value in values.items():
                self.shelves.create(environment, path, secret, value)

    def misbehave(self, deed: Deed, method: str = "", path: str = "", **when: Any) -> Misdeed:  # noqa: ANN401 (as Misdeed)
        """Do wrong from now on."""
        misdeed = Misdeed(deed, method, path, **when)
        with self.lock:
            self.misdeeds.append(misdeed)
        return misdeed

    def behave(self) -> None:
        """Do nothing wrong from now on."""
        with self.lock:
            self.misdeeds.clear()

    def targets(self, methods: Iterable[str] = ("GET", "POST", "PATCH", "DELETE")) -> list[str]:
        """What was asked, as method and path."""
        with self.lock:
            return [f"{seen.method} {urlsplit(seen.target).path}" for seen in self.requests if seen.method in methods]

    def wait(self, seconds: float) -> None:
        """Let time pass, or the end come."""
        self._gone.wait(seconds)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    stand_in: InfisicalServer

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients go when they like."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each further request of a connection costs 40 ms
    server: _Http

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the overridden signature)
        """Say nothing."""

    def _handle(self) -> None:
        stand_in = self.server.stand_in
        with stand_in.lock:
            deeds = [one for one in stand_in.misdeeds if one.strikes(self.command, urlsplit(self.path).path)]
        misdeed = deeds[0] if deeds else None
        deed = misdeed.deed if misdeed else None
        raw = self._body()
        if deed is Deed.HANG:
            self._note(None, None)
            stand_in.wait(3600)
            self._close()
            return
        if deed in {Deed.DROP_BEFORE, Deed.RESET}:
            self._note(None, None)
            self._close(resets=deed is Deed.RESET)
            return
        if misdeed and deed is Deed.SLOW:
            stand_in.wait(misdeed.seconds)
        wrong = misdeed.answer(stand_in.era) if misdeed else None
        if wrong is not None:
            self._note(wrong[0], None)
            self._send(*wrong)
            return
        status, body, headers, client_id = self._right_answer(raw)
        self._note(status, client_id)
        if deed is Deed.DROP_AFTER:
            self._close()
            return
        self._send(status, spoilt(body, deed), headers)

    do_GET = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815 (names of the base class)

    def _right_answer(self, raw: bytes | None) -> tuple[int, bytes, dict[str, str], str | None]:
        stand_in = self.server.stand_in
        identity: Identity | None = None
        headers = dict(JSON)
        path = urlsplit(self.path).path
        with stand_in.lock:
            try:
                headers |= self._counted(path)
                if raw is None:
                    raise eras.too_large()
                if (self.command, path) == ("POST", LOGIN):
                    body = json.loads(raw)
                    answer = stand_in.registry.log_in(body["clientId"].strip(), body["clientSecret"].strip())
                elif (self.command, path) == ("GET", "/api/status"):
                    answer = {"date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "message": "Ok"}
                else:
                    identity = stand_in.registry.whose(self.headers.get("Authorization", ""))
                    answer = self._routed(stand_in, identity, path, json.loads(raw) if raw else {})
            except Refusal as refusal:
                client_id = identity.client_id if identity else None
                number = {"reqId": f"req-{len(stand_in.requests)}"} if stand_in.era is Era.NEWEST else {}
                body = json.dumps(number | refusal.body)
                return refusal.status, body.encode(), headers | refusal.headers, client_id
        return 200, json.dumps(answer).encode(), headers, identity.client_id if identity else None

    def _counted(self, path: str) -> dict[str, str]:
        """The budgets of the routes that are limited."""
        limited = next((start for start in (SECRETS, FOLDERS) if path.startswith(start)), None)
        return {} if limited is None else self.server.stand_in.registry.count(f"{self.command} {limited}")

    def _routed(
        self, stand_in: InfisicalServer, identity: Identity, path: str, body: dict[str, Any]
    ) -> dict[str, object]:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        told = {**query, **body}
        if told.get("workspaceId") in stand_in.old_projects:
            raise eras.project_too_old()
        if told.get("workspaceId") != stand_in.project_id:
            raise eras.no_project(stand_in.era, str(told.get("workspaceId")))
        action = {"GET": "read", "POST": "create", "PATCH": "edit", "DELETE": "delete"}[self.command]
        subject = "secret-folders" if path.startswith(FOLDERS) and stand_in.era is Era.NEWEST else "secrets"
        if not (identity.can_read if action == "read" else identity.can_write):
            raise eras.forbidden(stand_in.era, action, subject)
        if path.startswith(FOLDERS):
            return self._of_folders(stand_in.shelves, path, told)
        if path.startswith(SECRETS):
            return self._of_secrets(stand_in, identity, path, told)
        raise eras.no_route(self.command, self.path)

    def _of_secrets(
        self, stand_in: InfisicalServer, identity: Identity, path: str, told: dict[str, Any]
    ) -> dict[str, object]:
        shelves, environment, folder = stand_in.shelves, told["environment"], told["secretPath"]
        if self.command == "GET":
            secrets = shelves.listed(environment, folder, masks=identity.describes_only)
            return {"secrets": secrets, "imports": []}
        name = unquote(path.removeprefix(SECRETS + "/"))
        if len(name) > _LONGEST_NAME or "/" in path.removeprefix(SECRETS + "/"):
            raise eras.no_route(self.command, self.path)
        if told.get("type") == "personal":
            raise Refusal(400, "Must be user to create personal secret")
        if self.command == "POST":
            return shelves.create(environment, folder, name, told["secretValue"])
        if self.command == "PATCH":
            return shelves.update(environment, folder, name, told["secretValue"])
        return shelves.delete(environment, folder, name)

    def _of_folders(self, shelves: Shelves, path: str, told: dict[str, Any]) -> dict[str, object]:
        if self.command == "GET":
            return shelves.folders_in(told["environment"], told["directory"])
        if self.command == "POST":
            return shelves.make_folder(told["environment"], told["path"], told["name"])
        parent = "/" if shelves.era is Era.JULY_2024 else told["directory"]
        return shelves.drop_folder(told["environment"], parent.rstrip("/") + "/" + unquote(path.rsplit("/", 1)[1]))

    def _body(self) -> bytes | None:
        """The body; None where it is larger than the server takes."""
        length = int(self.headers.get("Content-Length", 0))
        raw = self.rfile.read(length)
        return raw if length <= _MOST_BODY else None

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _close(self, *, resets: bool = False) -> None:
        if resets:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR) if not resets else self.connection.close()

    def _note(self, status: int | None, client_id: str | None) -> None:
        stand_in = self.server.stand_in
        with stand_in.lock:
            stand_in.requests.append(Seen(self.command, self.path, status, client_id))
