"""Whatever is asked of the HTTP service, it answers what its OpenAPI document declares, and never a 5xx.

`python -m tests.proof http_schema` makes 2,000 cases for each operation, and so does `--nightly`; `--quick` 200. Half
of them fit the document, half do not, and beside one of five stands what no document describes. Where an operation
takes nothing that could be malformed, that stands beside the whole second half. Every 250 cases begin with a home that
nobody used: rings and audit trail stay as short as those of a service that somebody runs.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.result import Ok

from journal_keys.entrypoints.http.doors import OPENAPI
from tests.proof.http_schemas.judge import Tally
from tests.proof.http_schemas.service import NOTHING, Flaw, Served, as_it_is, serving
from tests.proof.http_schemas.wishes import Wish, planted, wishes
from tests.proof.verdict import Verdict

CASES: Final = 2_000
A_FEW: Final = 50
"""For each operation, in every test run."""
SEED: Final = 20261124
_ROUND: Final = 250


@dataclass(slots=True)
class Search:
    """The cases of one operation. Where it takes nothing that could be malformed, none is negative."""

    operation: APIOperation[Any, Any, Any, Any]
    flaw: Flaw
    tally: Tally = field(init=False)
    _seed: int = SEED
    _takes_nothing: bool = False

    def __post_init__(self) -> None:
        self.tally = Tally(self.operation.label)

    def run(self, cases: int) -> None:
        """Make so many, half of them positive."""
        while self.tally.cases < cases:
            with serving(self.flaw) as served:
                part = min(_ROUND, cases - self.tally.cases)
                self._make(part // 2, served, GenerationMode.POSITIVE)
                self._make_others(part - part // 2, served)

    def _make_others(self, cases: int, served: Served) -> None:
        if not self._takes_nothing:
            try:
                self._make(cases, served, GenerationMode.NEGATIVE)
            except Unsatisfiable:
                self._takes_nothing = True
        if self._takes_nothing:
            self._make(cases, served, None)

    def _make(self, cases: int, served: Served, mode: GenerationMode | None) -> None:
        until = self.tally.cases + cases
        strategy = self.operation.as_strategy(generation_mode=mode or GenerationMode.POSITIVE)
        while (missing := until - self.tally.cases) > 0:
            self._seed += 1
            self._round(served, missing, strategy, mode)
            if self.tally.cases == until - missing:
                raise AssertionError(f"{self.operation.label}: no more cases can be made")

    def _round(
        self, served: Served, cases: int, strategy: st.SearchStrategy[Case[Any]], mode: GenerationMode | None
    ) -> None:
        @seed(self._seed)
        @settings(
            max_examples=cases,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy, wishes(is_strange=mode is None))
        def tried(case: Case[Any], wish: Wish) -> None:
            self._try(served, case, wish, mode)

        tried()

    def _try(self, served: Served, case: Case[Any], wish: Wish, mode: GenerationMode | None) -> None:
        beside = planted(wish, case, served)
        served.doorstep.planted = beside
        response = case.call(session=served.client)
        self.tally.positive += mode is GenerationMode.POSITIVE
        self.tally.negative += mode is GenerationMode.NEGATIVE
        self.tally.strange += mode is None
        label = f"seed {self._seed}, with {beside}" if beside is not NOTHING else f"seed {self._seed}"
        self.tally.judge(case, response, label=label, is_as_generated=beside is NOTHING)


def search(cases: int, *, flaw: Flaw = as_it_is, only: Callable[[str], bool] = bool) -> list[Tally]:
    """Make so many cases for each operation of the document, or only for those whose name is wanted."""
    with _quiet():
        searches = [Search(operation, flaw) for operation in _operations() if only(operation.label)]
        for one in searches:
            one.run(cases)
    return [one.tally for one in searches]


@lru_cache(maxsize=1)
def _operations() -> tuple[APIOperation[Any, Any, Any, Any], ...]:
    """Read the document as it is served."""
    with serving() as served:
        document = schemathesis.openapi.from_asgi(OPENAPI, served.doorstep)
    found = tuple(document.get_all_operations())
    return tuple(one.ok() for one in found if isinstance(one, Ok))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the service's warnings, thousands of them, from a log that nobody has set up."""
    log, nowhere = logging.getLogger("journal_keys"), logging.NullHandler()
    log.addHandler(nowhere)
    try:
        yield
    finally:
        log.removeHandler(nowhere)


def run(*, nightly: bool, cases: int = CASES) -> Verdict:
    """Try every operation; nightly never by fewer cases than are asked for."""
    return verdict(search(max(cases, CASES) if nightly else cases))


def verdict(tallies: list[Tally]) -> Verdict:
    """Sum up what became of all operations."""
    lines = [line for tally in tallies for line in (tally.summary, *tally.findings)]
    cases, broken, breaches = (
        sum(counts) for counts in zip(*((one.cases, one.broken, one.breaches) for one in tallies), strict=True)
    )
    lines.append(f"schema: {len(tallies)} operations, {cases} cases, {broken} answers of 5xx, {breaches} breaches")
    return Verdict(lines=tuple(lines), holds=all(tally.holds for tally in tallies))
