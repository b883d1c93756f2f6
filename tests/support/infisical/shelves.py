"""What the server keeps: folders and secrets of one project."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.support.infisical import eras
from tests.support.infisical.eras import Era, Refusal

_JAVASCRIPT_BLANKS = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
MASK = "<hidden-by-infisical>"
_LONG_AGO = "2026-01-02T03:04:05.678Z"


def trimmed(value: str) -> str:
    """What is kept of a value: no blanks at either end, and one last newline if there was one."""
    return value.strip(_JAVASCRIPT_BLANKS) + ("\n" if value.endswith("\n") else "")


def _id(number: int) -> str:
    return str(uuid.UUID(int=number))


def _below(parent: str, name: str) -> str:
    return parent.rstrip("/") + "/" + name


@dataclass
class Held:
    """One secret."""

    number: int
    value: str
    version: int = 1


@dataclass
class Shelves:
    """Folders, and secrets in folders; whoever calls holds the server's lock."""

    era: Era
    project_id: str
    environments: set[str]
    lists_missing_folders: bool
    forces_capitals: bool = False
    needs_approval: bool = False
    echoes: bool = False
    alters: Callable[[str], str] | None = None
    _folders: dict[str, dict[str, int]] = field(default_factory=dict)
    _secrets: dict[tuple[str, str], dict[str, Held]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self._folders = {environment: {"/": next(self._numbers)} for environment in self.environments}

    def has_folder(self, environment: str, path: str) -> bool:
        return path in self._folders.get(environment, {})

    def content(self, environment: str, path: str) -> dict[str, Held]:
        return self._secrets.get((environment, path), {})

    def listed(self, environment: str, path: str, *, masks: bool) -> list[dict[str, object]]:
        if not self.has_folder(environment, path) and not self.lists_missing_folders:
            raise eras.no_folder(self.era, environment, path)
        return [
            {**self._shown(environment, name, held, masks=masks), "secretPath": path}
            for name, held in self.content(environment, path).items()
        ]

    def create(self, environment: str, path: str, name: str, value: str) -> dict[str, object]:
        shelf = self._shelf(environment, path)
        if name in shelf:
            raise Refusal(400, "Secret already exist")
        if self.forces_capitals and name != name.upper():
            raise Refusal(400, "Secret name must be in UPPERCASE per project requirements. You can change this.")
        if self.needs_approval:
            return self._approval()
        shelf[name] = Held(next(self._numbers), self._kept(value))
        return {"secret": self._shown(environment, name, shelf[name])}

    def update(self, environment: str, path: str, name: str, value: str) -> dict[str, object]:
        shelf = self._shelf(environment, path)
        if name not in shelf:
            raise eras.no_secret(self.era, name)
        if self.needs_approval:
            return self._approval()
        shelf[name] = Held(shelf[name].number, self._kept(value), shelf[name].version + 1)
        return {"secret": self._shown(environment, name, shelf[name])}

    def delete(self, environment: str, path: str, name: str) -> dict[str, object]:
        shelf = self._shelf(environment, path)
        if name not in shelf:
            raise eras.no_secret(self.era, name)
        if self.needs_approval:
            return self._approval()
        return {"secret": self._shown(environment, name, shelf.pop(name))}

    def make_folder(self, environment: str, parent: str, name: str) -> dict[str, object]:
        folders = self._folders_of(environment)
        eras.check_folder_name(self.era, name)
        segments = [segment for segment in parent.split("/") if segment]
        paths = ["/" + "/".join(segments[:depth]) for depth in range(1, len(segments) + 1)]
        for path in (*paths, _below(paths[-1] if paths else "/", name)):
            folders.setdefault(path, next(self._numbers))
        return {"folder": self._shown_folder(environment, paths[-1] if paths else "/", name)}

    def folders_in(self, environment: str, path: str) -> dict[str, object]:
        folders = self._folders_of(environment)
        parent = "/" if self.era is Era.JULY_2024 else path  # then the path was not looked at
        start = _below(parent, "")
        names = sorted(folder.removeprefix(start) for folder in folders if folder.startswith(start))
        children = [name for name in names if name and "/" not in name]
        return {"folders": [self._shown_folder(environment, parent, name) for name in children]}

    def drop_folder(self, environment: str, path: str) -> dict[str, object]:
        """Forget a folder and all in it."""
        folders = self._folders_of(environment)
        if path not in folders:
            raise eras.no_folder(self.era, environment, path)
        parent, _, name = path.rpartition("/")
        shown = self._shown_folder(environment, parent or "/", name)
        for gone in [folder for folder in folders if f"{folder}/".startswith(f"{path}/")]:
            del folders[gone]
            self._secrets.pop((environment, gone), None)
        return {"folder": shown}

    def _folders_of(self, environment: str) -> dict[str, int]:
        if environment not in self._folders:
            raise eras.no_environment(self.era, environment)
        return self._folders[environment]

    def _shown_folder(self, environment: str, parent: str, name: str) -> dict[str, object]:
        folders = self._folders_of(environment)
        return {
            "id": _id(folders[_below(parent, name)]),
            "name": name,
            "version": 1,
            "createdAt": _LONG_AGO,
            "updatedAt": _LONG_AGO,
            "envId": str(uuid.uuid5(uuid.NAMESPACE_OID, environment)),
            "parentId": _id(folders[parent]),
            "isReserved": False,
        }

    def _shelf(self, environment: str, path: str) -> dict[str, Held]:
        if not self.has_folder(environment, path):
            raise eras.no_folder(self.era, environment, path)
        return self._secrets.setdefault((environment, path), {})

    def _kept(self, value: str) -> str:
        if self.echoes:
            raise Refusal(422, [{"code": "custom", "received": value, "path": ["secretValue"]}], "ValidationFailure")
        kept = trimmed(value)
        return self.alters(kept) if self.alters else kept

    def _approval(self) -> dict[str, object]:
        return {"approval": {"id": "1", "slug": "change-1", "status": "open"}}

    def _shown(self, environment: str, name: str, held: Held, *, masks: bool = False) -> dict[str, object]:
        hidden = {} if self.era is Era.JULY_2024 else {"secretValueHidden": masks}
        return {
            "id": _id(held.number),
            "_id": _id(held.number),
            "workspace": self.project_id,
            "environment": environment,
            "version": held.version,
            "type": "shared",
            "secretKey": name,
            "secretValue": MASK if masks else held.value,
            "secretComment": "",
            **hidden,
        }
