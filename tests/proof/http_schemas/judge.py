"""Whether an answer is one that the document declares, and what became of the cases of one operation."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from schemathesis import Case, Response
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

_DECLARED: Final = [status_code_conformance, content_type_conformance, response_schema_conformance]
_BROKEN: Final = 500
_MALFORMED: Final = frozenset({400, 422})
_KEPT: Final = 5
_MOST_SHOWN: Final = 600


@dataclass(slots=True)
class Tally:
    """What became of one operation's cases. The first few findings are kept."""

    operation: str
    positive: int = 0
    negative: int = 0
    strange: int = 0
    """Those of no mode of generation that the operation has: it takes nothing that could be malformed."""
    statuses: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    breaches: int = 0
    findings: tuple[str, ...] = ()

    @property
    def cases(self) -> int:
        """How many requests were made."""
        return self.positive + self.negative + self.strange

    @property
    def summary(self) -> str:
        """The figures in words."""
        kinds = {"positive": self.positive, "negative": self.negative, "undeclared extras": self.strange}
        made = ", ".join(f"{name} {number}" for name, number in kinds.items() if number)
        told = ", ".join(f"{number} x {status}" for status, number in sorted(self.statuses.items()))
        return f"{self.operation}: cases {self.cases} ({made}), answers {told}"

    @property
    def holds(self) -> bool:
        """Whether nothing was found, by cases of which some did what the operation is for."""
        return self.broken == self.breaches == 0 and any(200 <= status < 300 for status in self.statuses)

    def judge(self, case: Case[Any], response: Response, *, label: str, is_as_generated: bool) -> None:
        """Count the answer, and what is wrong with it."""
        self.statuses[int(response.status_code)] += 1
        if response.status_code >= _BROKEN:
            self.broken += 1
            self._keep(label, case, response, "a 5xx")
        for breach in _breaches(case, response, is_as_generated=is_as_generated):
            self.breaches += 1
            self._keep(label, case, response, breach)

    def _keep(self, label: str, case: Case[Any], response: Response, what: str) -> None:
        if len(self.findings) < _KEPT:
            shown = f"{what}; answer {int(response.status_code)} {response.text_lossy()[:200]!r} to {case!r}"
            self.findings += (f"{self.operation}, {label}: {shown[:_MOST_SHOWN]}",)


def _breaches(case: Case[Any], response: Response, *, is_as_generated: bool) -> Iterator[str]:
    """Say where answer and document differ; whether a case fits the document is known where nothing is planted."""
    checks = [*_DECLARED, negative_data_rejection] if is_as_generated else _DECLARED
    try:
        case.validate_response(response, checks=checks)
    except FailureGroup as failures:
        for failure in failures.exceptions:
            yield f"{type(failure).__name__}: {' '.join(str(failure).split())}"
    if is_as_generated and _is_refused_wrongly(case, response):
        yield "a refusal of what fits the document"


def _is_refused_wrongly(case: Case[Any], response: Response) -> bool:
    """Whether a case that fits is malformed all the same; which reasons are printable, no document can say."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in _MALFORMED:
        return False
    reason = case.body.get("reason") if isinstance(case.body, dict) else None
    return not isinstance(reason, str) or reason.isprintable()
