"""The bodies of requests and answers."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel
from pydantic.json_schema import models_json_schema

from journal_keys.domain.changes import MOST_REASON, check_reason
from journal_keys.domain.errors import InvalidNameError, JournalKeysError
from journal_keys.domain.keys import Family
from journal_keys.domain.outcomes import AlreadyRotated, NotDue, Rotated, RotationOutcome, Waiting
from journal_keys.entrypoints.http.problems import MEDIA_TYPE

_REFERENCE: Final = "#/components/schemas/{model}"
_UNPROCESSABLE: Final = 422


class RotationType(StrEnum):
    """Which rings to rotate."""

    JWT = "jwt"
    AES = "aes"
    BOTH = "both"

    @property
    def families(self) -> tuple[Family, ...]:
        """The families of this type."""
        return tuple(Family) if self is RotationType.BOTH else (Family(self.value),)


def _as_reason(text: str) -> str:
    try:
        return check_reason(text)
    except InvalidNameError as refused:
        raise ValueError(str(refused)) from None


_Reason = Annotated[
    str,
    Field(
        strict=True,
        json_schema_extra={"minLength": 1, "maxLength": MOST_REASON, "pattern": r"^[^\u0000-\u001f\u007f-\u00a0]+$"},
    ),
    AfterValidator(_as_reason),
]
"""What can be said of it in a pattern that every reader understands: what is printable is Unicode's matter."""


class RotateBody(BaseModel):
    """What a caller asks for."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    rotation_type: RotationType
    force: Annotated[bool, Field(strict=True)] = False
    reason: _Reason = "Manual rotation"


class CompromiseBody(BaseModel):
    """Which key is to be taken out of use, and why."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kid: Annotated[
        str, Field(strict=True, max_length=64, json_schema_extra={"pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,63}$"})
    ]
    reason: _Reason


class Invalidated(BaseModel):
    """How many cached values were forgotten."""

    invalidated: int


class RotationResult(BaseModel):
    """What became of one ring."""

    outcome: str
    old_kid: str | None = None
    new_kid: str | None = None
    generation: int | None = None
    ready_at: datetime | None = None
    due_at: datetime | None = None
    because: str | None = None
    error: str | None = None


class RotateAnswer(BaseModel):
    """What became of a request: `done`, `waiting`, `partial` or `failed`."""

    status: str
    rotation_type: RotationType
    force: bool
    submitted_at: datetime
    results: dict[Family, RotationResult]

    @property
    def http_status(self) -> int:
        """200, 202 while something waits and nothing failed, 503 where everything failed."""
        return {"waiting": 202, "failed": 503}.get(self.status, 200)

    @property
    def is_final(self) -> bool:
        """Whether nothing waits and nothing failed, so that asking again would change nothing."""
        return self.status == "done"


class WebhookAnswer(BaseModel):
    """What became of a delivery: `taken`, `already seen` or `ignored`, and why."""

    status: str
    because: str | None = None


class PartStatus(BaseModel):
    """One part's status; why it is not well is told to who has the scope `read`."""

    status: str
    reason: str | None = None


class AesStatus(PartStatus):
    """The aes ring's status."""

    active_kid: str | None


class HealthAnswer(BaseModel):
    """The guide's health answer, as of `timestamp`; `readiness` is told to who has the scope `read`."""

    overall_status: str
    jwt_system: PartStatus
    aes_system: AesStatus
    infisical_connection: PartStatus
    timestamp: datetime
    readiness: PartStatus | None = None


class KeyAnswer(BaseModel):
    """One key version, without its material."""

    ring: Family
    kid: str
    algorithm: str
    state: str
    published_at: datetime
    since: datetime


class AuditAnswer(BaseModel):
    """One audit entry."""

    sequence: int
    at: datetime
    actor: str
    action: str
    ring: Family | None
    kid: str | None
    reason: str
    detail: dict[str, str]
    hash: str


class Outcome(BaseModel):
    """What became of one ring, in words; `unfinished` is what reconcile has to do."""

    outcome: str
    repairs: tuple[str, ...] | None = None
    ring: Family | None = None
    kid: str | None = None
    active_kid: str | None = None
    since: datetime | None = None
    generation: int | None = None
    unfinished: str | None = None


class Outcomes(RootModel[dict[Family, Outcome]]):
    """What became of each ring."""

    @property
    def http_status(self) -> int:
        """200, 503 where everything failed."""
        return 503 if all(outcome.outcome == "failed" for outcome in self.root.values()) else 200

    @property
    def is_final(self) -> bool:
        """Whether nothing failed."""
        return all(outcome.outcome != "failed" for outcome in self.root.values())


class Problem(BaseModel):
    """Problem Details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


class Fault(BaseModel):
    """Where a request is malformed, what kind of error that is, and what was expected."""

    where: str
    what: str
    expected: str


class Malformed(Problem):
    """Problem Details of a request that cannot be read."""

    errors: list[Fault]


PROBLEM_SCHEMAS: Final[Mapping[str, Any]] = models_json_schema(
    [(Problem, "serialization"), (Malformed, "serialization")], ref_template=_REFERENCE
)[1]["$defs"]
"""What `problems` refers to, by name: the framework knows models of its own media type only."""


def problems(texts: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """Give what the OpenAPI document says of these statuses, and of the one that every request may be refused with."""
    return {
        status: {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": _REFERENCE.format(model=name)}}}}
        for status, text in {431: "the head is too large", **texts}.items()
        for name in [Malformed.__name__ if status == _UNPROCESSABLE else Problem.__name__]
    }


def or_problem(model: Any, problem: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 (as the framework takes it)
    """Give what the document says of a status whose answer is this model or, where nothing could be found out, that."""
    return {"model": model, **problem}


def result_of(outcome: RotationOutcome | JournalKeysError) -> RotationResult:
    """Give the wire form of one ring's outcome."""
    match outcome:
        case Rotated(old_kid=old, new_kid=new, generation=generation, unfinished=unfinished):
            return RotationResult(
                outcome="rotated", old_kid=old, new_kid=new, generation=generation, because=unfinished
            )
        case AlreadyRotated(old_kid=old, new_kid=new, generation=generation):
            return RotationResult(outcome="already_rotated", old_kid=old, new_kid=new, generation=generation)
        case NotDue(active_kid=active, generation=generation, due_at=due_at):
            return RotationResult(outcome="not_due", old_kid=active, generation=generation, due_at=due_at)
        case Waiting(active_kid=active, staged_kid=staged, generation=generation, until=until, because=because):
            return RotationResult(
                outcome="waiting",
                old_kid=active,
                new_kid=staged,
                generation=generation,
                ready_at=until,
                because=because,
            )
        case JournalKeysError():
            return RotationResult(outcome="failed", error=str(outcome))


def overall_status(results: Mapping[Any, RotationResult]) -> str:
    """Sum up what became of all rings."""
    outcomes = [result.outcome for result in results.values()]
    if all(outcome == "failed" for outcome in outcomes):
        return "failed"
    if "failed" in outcomes:
        return "partial"
    return "waiting" if "waiting" in outcomes else "done"
