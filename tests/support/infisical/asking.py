"""Requests to the stand-in server as they come, without a CLI."""

import http.client
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.support.infisical.recordings import Answer
from tests.support.infisical.server import FOLDERS, LOGIN, SECRETS, InfisicalServer


def send(server: InfisicalServer, method: str, target: str, body: str, token: str, timeout_s: float = 20) -> Answer:
    """Send one request over a connection of its own."""
    line = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=timeout_s)
    told = {"Content-Type": "application/json"} if body else {}
    try:
        line.request(method, target, body=body.encode() or None, headers={"Authorization": f"Bearer {token}", **told})
        got = line.getresponse()
        headers = {name.lower(): value for name, value in got.getheaders()}
        return Answer(got.status, headers, got.read().decode("utf-8", "surrogateescape"))
    finally:
        line.close()


class Asker:
    """Makes the calls of the API with one token."""

    def __init__(self, server: InfisicalServer, token: str | None = None, environment: str = "dev") -> None:
        self._server = server
        self._token = token or server.token()
        self._place = {"workspaceId": server.project_id, "environment": environment}

    def list(self, folder: str) -> Answer:
        return self._get(SECRETS, secretPath=folder)

    def create(self, folder: str, name: str, value: str, kind: str = "shared") -> Answer:
        return self._tell("POST", f"{SECRETS}/{name}", secretPath=folder, secretValue=value, type=kind)

    def update(self, folder: str, name: str, value: str) -> Answer:
        return self._tell("PATCH", f"{SECRETS}/{name}", secretPath=folder, secretValue=value, type="shared")

    def delete(self, folder: str, name: str, kind: str = "shared") -> Answer:
        return self._tell("DELETE", f"{SECRETS}/{name}", secretPath=folder, secretName=name, type=kind)

    def folders(self, parent: str) -> Answer:
        return self._get(FOLDERS, directory=parent)

    def make_folder(self, parent: str, name: str) -> Answer:
        return self._tell("POST", FOLDERS, path=parent, name=name)

    def drop_folder(self, parent: str, name: str) -> Answer:
        return self._tell("DELETE", f"{FOLDERS}/{name}", directory=parent, folderName=name)

    def _get(self, path: str, /, **query: str) -> Answer:
        return send(self._server, "GET", f"{path}?{urlencode(self._place | query)}", "", self._token)

    def _tell(self, method: str, path: str, /, **body: str) -> Answer:
        return send(self._server, method, path, json.dumps(self._place | body), self._token)


def log_in(server: InfisicalServer, client_id: str, client_secret: str) -> Answer:
    """Ask for a token."""
    return send(server, "POST", LOGIN, json.dumps({"clientId": client_id, "clientSecret": client_secret}), "")


def said(answer: Answer) -> dict[str, Any]:
    """The JSON of an answer."""
    told: dict[str, Any] = json.loads(answer.body)
    return told


def refusal(answer: Answer) -> tuple[int, str, object]:
    """Status, name and message of an error."""
    told = said(answer)
    return answer.status, told["error"], told["message"]
