"""What the server keeps: folders and secrets of one project."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.support.infisical import eras
from tests.support.infisical.eras import Era, Refusal

_JAVASCRIPT_BLANKS = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
MASK = "<hidden-by-infisical>"


def trimmed(value: str) -> str:
    """What is kept of a value: no blanks at either end, and one last newline if there was one."""
    return value.strip(_JAVASCRIPT_BLANKS) + ("\n" if value.endswith("\n") else "")


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
    _folders: dict[str, set[str]] = field(default_factory=dict)
    _secrets: dict[tuple[str, str], dict[str, Held]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self._folders = {environment: {"/"} for environment in self.environments}

    def has_folder(self, environment: str, path: str) -> bool:
        return path in self._folders.get(environment, set())

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
        if environment not in self._folders:
            raise eras.no_environment(self.era, environment)
        if " " in name:
            raise Refusal(500, "Something went wrong", "Find by secret path")
        segments = [segment for segment in parent.split("/") if segment] + [name]
        for depth in range(1, len(segments) + 1):
            self._folders[environment].add("/" + "/".join(segments[:depth]))
        return {"folder": {"id": str(next(self._numbers)), "name": name, "version": 1, "isReserved": False}}

    def folders_in(self, environment: str, path: str) -> dict[str, object]:
        parent = "/" if self.era is Era.JULY_2024 else path  # then the path was not looked at
        start = parent.rstrip("/") + "/"
        names = {
            folder.removeprefix(start) for folder in self._folders.get(environment, ()) if folder.startswith(start)
        }
        return {"folders": [{"id": name, "name": name} for name in sorted(names) if name and "/" not in name]}

    def drop_folder(self, environment: str, path: str) -> dict[str, object]:
        """Forget a folder and all in it."""
        self._folders[environment] = {
            folder for folder in self._folders[environment] if folder != path and not folder.startswith(path + "/")
        }
        for place in [place for place in self._secrets if place[0] == environment and place[1].startswith(path)]:
            del self._secrets[place]
        return {"folder": {"id": "0", "name": path.rsplit("/", 1)[1]}}

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
        return {
            "id": str(held.number),
            "_id": str(held.number),
            "workspace": self.project_id,
            "environment": environment,
            "version": held.version,
            "type": "shared",
            "secretKey": name,
            "secretValue": MASK if masks else held.value,
            "secretValueHidden": masks,
            "secretComment": "",
        }
