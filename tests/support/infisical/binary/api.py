"""The calls of the API (`packages/api/api.go` v0.42.1): which request, and what is understood of its answer."""

from collections.abc import Mapping
from typing import NamedTuple

from tests.support.infisical.binary import failures, gojson, urls
from tests.support.infisical.binary.answers import Response
from tests.support.infisical.binary.failures import ApiError, CallError, Refusal
from tests.support.infisical.binary.urls import AddressError
from tests.support.infisical.binary.wire import Request, RequestError, Wire

_OLD_PROJECT = ("bot_not_found_error", "failed to find bot key", "bot is not active")
_CHECK_PLACE = "Please make sure your secret path, workspace and environment name are all correct."


class Secret(NamedTuple):
    """A secret as far as it is listed."""

    key: str
    value: str
    kind: str
    project: str
    folder: str = ""
    number: str = ""
    tags: tuple[Mapping[str, object], ...] | None = None
    encodes_newlines: bool = False


class Place(NamedTuple):
    """A folder of an environment of a project."""

    project: str
    environment: str
    path: str


class Api:
    """Calls with one token."""

    def __init__(self, base: str, wire: Wire, token: str, headers: Mapping[str, str]) -> None:
        self._base = base
        self._wire = wire
        self._headers = {
            "User-Agent": "cli",
            "Accept": "application/json",
            **headers,
            "Authorization": f"Bearer {token.strip()}",
        }
        self._asked = ("", "")

    def secrets(self, place: Place, extra: Mapping[str, str], *, with_imports: bool) -> list[Secret]:
        """List a folder; own secrets hide imported ones, later imports hide earlier ones."""
        members = {"workspaceId": place.project, "environment": place.environment, "secretPath": place.path, **extra}
        operation = "CallGetRawSecretsV3"
        response = self._call(operation, "GET", "/v3/secrets/raw", query=members)
        text = response.body.decode("utf-8", "replace").lower()
        if response.is_error and any(one in text for one in _OLD_PROJECT):
            raise self._error(operation, response, _too_old(place.project))
        told = self._decoded(operation, response)
        try:
            found = [_secret(one) for one in _items(told, "secrets")]
            return found + (_imported(told, {secret.key for secret in found}) if with_imports else [])
        except gojson.UnreadableError as error:
            raise _unable(operation, error) from None

    def create(self, place: Place, name: str, value: str, kind: str) -> None:
        body = {
            "workspaceId": place.project,
            "type": kind,
            "environment": place.environment,
            "secretPath": place.path,
            "secretValue": value,
        }
        operation = "CallCreateRawSecretsV3"
        self._checked(operation, self._call(operation, "POST", f"/v3/secrets/raw/{name}", body=_some(body)))

    def update(self, place: Place, name: str, value: str, kind: str) -> None:
        body = {
            "workspaceId": place.project,
            "environment": place.environment,
            "secretPath": place.path,
            "secretValue": value,
            "type": kind,
        }
        operation = "CallUpdateRawSecretsV3"
        self._checked(operation, self._call(operation, "PATCH", f"/v3/secrets/raw/{name}", body=body))

    def delete(self, place: Place, name: str, kind: str) -> None:
        body = {
            "secretName": name,
            "workspaceId": place.project,
            "environment": place.environment,
            "type": kind,
            "secretPath": place.path,
        }
        operation = "CallDeleteSecretsV3"
        response = self._call(operation, "DELETE", f"/v3/secrets/raw/{name}", body=body)
        if response.is_error:
            raise self._error(operation, response, _CHECK_PLACE)
        self._decoded(operation, response)

    def folders(self, place: Place) -> list[tuple[str, str]]:
        """Names and ids of the folders in a folder."""
        members = {"environment": place.environment, "workspaceId": place.project, "directory": place.path}
        operation = "CallGetFoldersV1"
        told = self._decoded(operation, self._call(operation, "GET", "/v1/folders", query=members))
        found = [gojson.strings_in(one, "name", "id") for one in _items(told, "folders")]
        return [(one["name"], one["id"]) for one in found]

    def create_folder(self, place: Place, name: str) -> None:
        body = {"name": name, "workspaceId": place.project, "environment": place.environment, "path": place.path}
        operation = "CallCreateFolderV1"
        self._decoded(operation, self._call(operation, "POST", "/v1/folders", body=body))

    def delete_folder(self, place: Place, name: str) -> None:
        body = {
            "folderName": name,
            "workspaceId": place.project,
            "environment": place.environment,
            "directory": place.path,
        }
        operation = "CallDeleteFolderV1"
        self._decoded(operation, self._call(operation, "DELETE", f"/v1/folders/{name}", body=body))

    def _call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, str] | None = None,
    ) -> Response:
        headers = self._headers | ({"Content-Type": "application/json"} if body else {})
        try:
            address = urls.parse(self._base + path)
            address = address.with_query(dict(query)) if query else address
            self._asked = method, address.text
            return self._wire.send(Request(method, address, headers, gojson.write(body).encode() if body else b""))
        except (AddressError, RequestError) as error:
            raise _unable(operation, error) from None

    def _checked(self, operation: str, response: Response) -> Response:
        if response.is_error:
            raise self._error(operation, response)
        return response

    def _decoded(self, operation: str, response: Response) -> object:
        """What a good answer says; one that is no JSON says nothing."""
        self._checked(operation, response)
        try:
            return read_result(response)
        except gojson.UnreadableError as error:
            raise _unable(operation, error) from None

    def _error(self, operation: str, response: Response, context: str = "") -> ApiError:
        told = failures.understood(response)
        method, url = self._asked
        refusal = Refusal(operation, method, url, response.status, told.message, told.request_id, context, told.details)
        return ApiError(refusal)


def read_result(response: Response) -> object:
    """Decode an answer below 300 that says that it is JSON (go-resty/resty v2 `middleware.go`)."""
    is_read = response.status < 300 and response.status != 204 and response.is_json
    return gojson.read(response.body) if is_read else {}


def _unable(operation: str, error: Exception) -> CallError:
    return CallError(f"{operation}: Unable to complete api request [err={error}]")


def _too_old(project: str) -> str:
    return (
        f"Project with id {project} is incompatible with your current CLI version. Upgrade your project by visiting"
        " the project settings page. If you're self-hosting and project upgrade option isn't yet available, contact"
        " your administrator to upgrade your Infisical instance to the latest release."
    )


def _some(members: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in members.items() if value}


def _items(told: object, name: str) -> list[object]:
    items = told.get(name) if isinstance(told, dict) else None
    return items if isinstance(items, list) else []


def _secret(told: object) -> Secret:
    text = gojson.strings_in(told, "secretKey", "secretValue", "type", "workspace", "secretPath")
    members = told if isinstance(told, dict) else {}
    tags = members.get("tags")
    return Secret(
        key=text["secretKey"],
        value=text["secretValue"],
        kind=text["type"],
        project=text["workspace"],
        folder=text["secretPath"],
        tags=tuple(tags) if isinstance(tags, list) else None,
        encodes_newlines=members.get("skipMultilineEncoding") is True,
    )


def _imported(told: object, taken: set[str]) -> list[Secret]:
    found = []
    for group in reversed(_items(told, "imports")):
        for one in _items(group, "secrets"):
            text = gojson.strings_in(one, "secretKey", "secretValue", "type", "workspace", "id")
            if text["secretKey"] not in taken:
                taken.add(text["secretKey"])
                found.append(
                    Secret(text["secretKey"], text["secretValue"], text["type"], text["workspace"], number=text["id"])
                )
    return found
