"""What the running test has put where others may read it, by kind of place."""

import logging
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from logging import LogRecord
from typing import Final

from journal_keys.entrypoints import log_chain
from tests.support.canary import errors

_FORMATTERS: Final = [logging.Formatter(), *(log_chain.formatter(readable=readable) for readable in (False, True))]
"""What an application makes of a record, and what the service does."""


@dataclass(slots=True)
class Shown:
    """Texts, each kept once."""

    size: int = 0
    _texts: dict[str, dict[bytes, None]] = field(default_factory=dict)
    _records: list[LogRecord] = field(default_factory=list)
    _places: set[errors.Place] = field(default_factory=set)

    def add(self, sink: str, data: bytes | str) -> None:
        """Note what went there."""
        raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        texts = self._texts.setdefault(sink, {})
        if raw not in texts:
            texts[raw] = None
            self.size += len(raw)

    def add_error(self, error: BaseException) -> None:
        """Note what an exception shows; its traceback once for each place where it was raised."""
        for one in errors.family(error):
            self.add("an exception", errors.words(one))
        if errors.place(error) not in self._places:
            self._places.add(errors.place(error))
            self.add("a traceback", errors.rendered(error))

    def add_record(self, record: LogRecord) -> None:
        """Note a log record; it is formatted later, when nothing more is added to it."""
        self._records.append(record)

    def taken(self) -> Iterator[tuple[str, bytes]]:
        """Give everything, the texts of one kind of place as one, and forget it."""
        for record in self._records:
            self._format(record)
        for sink, texts in self._texts.items():
            yield sink, b"\0".join(texts)
        self._texts, self._records, self.size = {}, [], 0

    def _format(self, record: LogRecord) -> None:
        self.add("a log record", repr(vars(record)))
        for formatter in _FORMATTERS:
            self.add("a log line", formatter.format(copy(record)))
        if record.exc_info and record.exc_info[1]:
            self.add_error(record.exc_info[1])
