"""One test under watch: what it was given and made is searched for in what it showed and in the files that it left."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from logging import LogRecord
from pathlib import Path
from typing import Final, NamedTuple

from journal_keys.domain.migration import DEFAULT_MAP
from tests.support.canary import files, vaults
from tests.support.canary.known import PLANTED_IN, Known
from tests.support.canary.shown import Shown

MASTER_VARIABLES: Final = (b"JOURNAL_KEYS_VAULT_MASTER_KEY", b"JOURNAL_SNAPSHOT_KEY")
SOURCES: Final = tuple(name.encode() for name in DEFAULT_MAP.variables())
"""Variables that an operator's keys stand in before they move in; what is there of them is his."""
_MOST_SHOWN: Final = 4 * 1024 * 1024


class Text(NamedTuple):
    """What is searched, and what to call it."""

    place: str
    data: bytes


@dataclass(slots=True)
class Watch:
    """One per process. What is shown while no test runs is nobody's."""

    known: Known = field(default_factory=Known)
    _shown: Shown = field(default_factory=Shown)
    _before: dict[Path, frozenset[str]] = field(default_factory=dict)
    _found: dict[str, None] = field(default_factory=dict)
    _is_on: bool = False

    def begin(self, *, own: Iterable[Path], shared: Iterable[Path]) -> None:
        """Watch a new test, with the files in its own folders, and with what will be new in shared ones."""
        self.known.forget()
        os.environ[PLANTED_IN] = self.known.plant()
        self._shown, self._found, self._is_on = Shown(), {}, True
        self._before = {folder: frozenset[str]() for folder in own}
        self._before |= {folder: files.entries(folder) for folder in shared}

    def watch_folder(self, folder: Path) -> None:
        """Watch a folder that this test made for itself."""
        if self._is_on:
            self._before[folder] = frozenset()

    def show(self, sink: str, data: bytes | str) -> None:
        """Note what went where others may read it; of very much, search the first part at once."""
        if self._is_on:
            self._shown.add(sink, data)
            if self._shown.size > _MOST_SHOWN:
                self._search(self._texts())

    def show_error(self, error: BaseException) -> None:
        """Note an exception that was caught."""
        if self._is_on:
            self._shown.add_error(error)

    def show_record(self, record: LogRecord) -> None:
        """Note a log record."""
        if self._is_on:
            self._shown.add_record(record)

    def show_child(self, argv: Iterable[bytes], environment: dict[bytes, bytes]) -> None:
        """Note what a child is started with, and what it may change soon."""
        self.show_start(argv, environment)
        self.look()

    def show_start(self, argv: Iterable[bytes], environment: dict[bytes, bytes]) -> None:
        """Note what a process was started with: what belongs into a variable may be in its own only."""
        for name in MASTER_VARIABLES:
            self.known.add_master(environment.pop(name, b""))
        for name in SOURCES:
            environment.pop(name, None)
        if environment.get(PLANTED_IN.encode()) == self.known.planted:
            del environment[PLANTED_IN.encode()]
        self.show("the arguments of a child", b"\0".join(argv))
        self.show("the environment of a child", b"\0".join(name + b"=" + value for name, value in environment.items()))

    def look(self) -> None:
        """Learn the keys in vaults, and note the write-ahead logs: both may be gone at the end."""
        for path in self._files():
            if path.name.endswith("-wal"):
                self.show("a write-ahead log of SQLite", files.content(path))
            elif not files.is_in_use(path):
                self.known.learn(path)

    def look_at_last(self, folder: Path) -> None:
        """Note what is in a folder that is about to be removed."""
        for path in files.files_in(folder) if self._is_on else ():
            self.known.learn(path)
            self.show(*self._file(path))

    def end(self) -> list[str]:
        """Search, and say in words what was found where."""
        self._is_on = False
        for path in self._files():
            self.known.learn(path)
        self._search(chain(self._texts(), map(self._file, self._files())))
        return list(self._found)

    def _files(self) -> Iterator[Path]:
        return files.new_files(self._before)

    def _file(self, path: Path) -> Text:
        """Give a file, its name included; the key file of a vault, which may hold its key, gives its name only."""
        data = files.content(path)
        return Text(
            f"the file {path.name}", os.fsencode(path) + (b"" if vaults.is_key_file(path, data) else b"\0" + data)
        )

    def _texts(self) -> Iterator[Text]:
        return (Text(sink, data) for sink, data in self._shown.taken())

    def _search(self, texts: Iterable[Text]) -> None:
        """Search all texts at once, and where something is found each for itself."""
        haystack, shown = self.known.haystack(), list(texts)
        if haystack.search(files.without_gaps(b"\0".join(text.data for text in shown))):
            for text in shown:
                self._found |= {f"{text.place} holds a secret: {form}": None for form in haystack.search(text.data)}


WATCH: Final = Watch()
