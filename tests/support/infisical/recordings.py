"""Recorded calls of the real CLI: see `tests/data/infisical/README.md`."""

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "data" / "infisical"
_CUT = re.compile(r"…\((\d+) characters(?: in all)?\)")


@dataclass(frozen=True)
class Answer:
    """What the server sent."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True)
class Exchange:
    """One request, and its answer if there was one."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: str
    answer: Answer | None
    is_crafted: bool


@dataclass(frozen=True)
class Case:
    """One call."""

    file: str
    name: str
    argv: tuple[str, ...]
    env: dict[str, str]
    stdin: str
    exit: int
    stdout: str
    stderr: str
    timed_out: bool
    exchanges: tuple[Exchange, ...] = field(repr=False)

    @property
    def id(self) -> str:
        """A name for the test of it."""
        return f"{self.file}: {self.name}"


def cases(*patterns: str) -> list[Case]:
    """Give all cases of the files that match."""
    paths = (path for pattern in patterns for path in sorted(DATA.glob(pattern)))
    return [case for path in paths for case in _cases(path)]


@functools.cache
def _cases(path: Path) -> tuple[Case, ...]:
    told = json.loads(path.read_text(encoding="utf-8"))
    return tuple(_case(str(path.relative_to(DATA).with_suffix("")), one) for one in told["cases"])


def _case(file: str, told: Mapping[str, Any]) -> Case:
    return Case(
        file=file,
        name=told["name"],
        argv=tuple(told["argv"]),
        env=told["env"],
        stdin=told["stdin"] or "",
        exit=told["exit"],
        stdout=told["stdout"],
        stderr=told["stderr"],
        timed_out=told["timed_out"],
        exchanges=tuple(map(_exchange, told["http"])),
    )


def _exchange(told: Mapping[str, Any]) -> Exchange:
    request, response = told["request"], told.get("response")
    answer = response and Answer(response["status"], response["headers"], response["body"] or "")
    return Exchange(
        method=request["method"],
        target=request["target"],
        headers=request["headers"],
        body=request["body"] or "",
        answer=answer,
        is_crafted=told.get("crafted", False),
    )


def whole(text: str, end: str) -> str:
    """Give a cut text back its length: what was cut out of it repeats its last letter, before `end`."""
    cut = _CUT.search(text)
    if cut is None:
        return text
    head = text[: cut.start()]
    return head + head[-1] * (int(cut[1]) - len(head) - len(end)) + end


def replaced(text: str, by: Iterable[tuple[str, str]]) -> str:
    """Exchange stand-ins of the text for what they stand for, or the other way round."""
    for old, new in by:
        text = text.replace(old, new)
    return text
