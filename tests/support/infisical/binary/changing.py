"""`secrets delete` and `secrets folders …` (`packages/cmd/{secrets,folder}.go`, `packages/util/folders.go` v0.42.1)."""

from collections.abc import Callable

from tests.support.infisical.binary import failures
from tests.support.infisical.binary.api import Api, Place
from tests.support.infisical.binary.failures import CallError, StoppedError
from tests.support.infisical.binary.flags import Called
from tests.support.infisical.binary.opening import open_api, refuse_without_token
from tests.support.infisical.binary.surroundings import Surroundings
from tests.support.infisical.binary.tables import table

_NO_PROJECT = "Please either run infisical init to connect to a project or pass in project id with --projectId flag"


def delete(called: Called, around: Surroundings) -> str:
    """Delete one name after the other, up to the first that fails."""
    place, kind = _place(called, around), called.text("type")

    def done(api: Api) -> None:
        for name in called.arguments:
            api.delete(place, name, kind)

    more = "Unable to complete your delete request"
    _with_api(called, around, done, more, "Unable to get resty client with custom headers")
    return f"secret name(s) [{', '.join(called.arguments)}] have been deleted from your project \n"


def create_folder(called: Called, around: Surroundings) -> str:
    name, place = _folder_name(called), _place(called, around)
    more = "Unable to create folder"
    _with_api(called, around, lambda api: api.create_folder(place, name), more, more)
    return f"folder named `{name}` created in path {place.path}\n"


def delete_folder(called: Called, around: Surroundings) -> str:
    name, place = _folder_name(called), _place(called, around)
    more = "Unable to delete folder"
    _with_api(called, around, lambda api: api.delete_folder(place, name), more, more)
    return f"folder named `{name}` deleted in path {place.path}\n"


def list_folders(called: Called, around: Surroundings) -> str:
    refuse_without_token(around.token(called), around)
    place = Place(called.text("projectId"), around.environment(called), called.text("path"))
    if not place.project:
        raise StoppedError("Project ID is required when using machine identity")
    found: list[tuple[str, str]] = []
    more = "Unable to get folders"
    _with_api(called, around, lambda api: found.extend(api.folders(place)), more, more)
    return table(("FOLDER NAME", "PATH", "FOLDER ID"), [(name, place.path, number) for name, number in found])


def _with_api(
    called: Called, around: Surroundings, deed: Callable[[Api], None], more: str, more_of_headers: str
) -> None:
    token = around.token(called)
    try:
        api = open_api(called, around, token)
    except ValueError as error:
        raise StoppedError(f"error: {error}", more_of_headers) from None
    refuse_without_token(token, around)
    try:
        deed(api)
    except CallError as error:
        raise failures.stopped(error, (more,), around.colours) from None


def _folder_name(called: Called) -> str:
    if not called.text("name"):
        raise StoppedError("error: invalid folder name, folder name cannot be empty")
    return called.text("name")


def _place(called: Called, around: Surroundings) -> Place:
    """These commands look into the project file when the flag for the project is missing."""
    environment, project = around.environment(called), called.text("projectId")
    if not project:
        told = around.project_file()
        if not told:
            raise StoppedError(_NO_PROJECT)
        project = str(told.get("workspaceId") or "")
    return Place(project, environment, called.text("path"))
