"""Domain values as JSON and back: one form for each kind of value, strict on the way in.

What was read is written as the same JSON again, and nothing else is read. Spans are microseconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, Final, Generic, TypeVar

from journal_keys.domain.errors import DomainError, JournalKeysError
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import SYMMETRIC, Family, KeyState, KeyVersion, parse_algorithm, parse_kid
from journal_keys.domain.ledger_clock import ClockReading

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")
E = TypeVar("E", bound=StrEnum)

_MICROSECOND: Final = timedelta(microseconds=1)
_DIGEST_CHARACTERS: Final = 64
_MOST_NUMBER: Final = 2**63 - 1
"""What a column of every database holds."""


class FormError(DomainError):
    """JSON is not what a form writes. The message names the member and what was expected, and quotes no content."""


@dataclass(frozen=True, slots=True)
class Form(Generic[T]):
    """How one kind of value is written, and how it is read: `read` raises FormError for what `write` never gives."""

    write: Callable[[T], object]
    read: Callable[[object], T]


def from_moment(moment: datetime) -> str:
    """Write ISO 8601 in UTC with microseconds, 32 characters."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def iso(moment: datetime) -> str:
    """Write it for people: ISO 8601 in UTC, to the second, `2026-01-31T17:05:09Z`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def to_moment(text: str) -> datetime:
    """Read exactly what `from_moment` writes.

    Raises:
        ValueError: another form or time zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() != timedelta(0) or from_moment(moment) != text:
        raise ValueError("a moment is ISO 8601 in UTC with microseconds")
    return moment


def to_digest(text: str) -> str:
    """Read 64 lower-case hex digits.

    Raises:
        ValueError: anything else.
    """
    if bytes.fromhex(text).hex() != text or len(text) != _DIGEST_CHARACTERS:
        raise ValueError("a digest is 64 lower-case hex digits")
    return text


def of_text(parse: Callable[[str], T], write: Callable[[T], str], expected: str) -> Form[T]:
    """Give the form of a value that has one text, which `parse` reads; it may raise ValueError or an own error."""

    def read(value: object) -> T:
        if not isinstance(value, str):
            raise FormError(f"expected {expected}")
        try:
            return parse(value)
        except (ValueError, JournalKeysError):
            raise FormError(f"expected {expected}") from None

    return Form(write, read)


def named(kind: type[E]) -> Form[E]:
    """Give the form of a value that stands under its name."""
    return of_text(kind, str, f"one of {', '.join(kind)}")


def optional(form: Form[T]) -> Form[T | None]:
    """Give the form of what may be absent, which is null then."""
    return Form(
        lambda value: None if value is None else form.write(value),
        lambda value: None if value is None else form.read(value),
    )


def items(form: Form[T]) -> Form[tuple[T, ...]]:
    """Give the form of values in their order."""

    def read(value: object) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise FormError("expected a list")
        return tuple(_read(form, one, str(position)) for position, one in enumerate(value))

    return Form(lambda values: [form.write(value) for value in values], read)


def table(keys: Form[K], values: Callable[[K], Form[V]]) -> Form[Mapping[K, V]]:
    """Give the form of values under keys, each of which says what form its value has."""

    def read(value: object) -> Mapping[K, V]:
        pairs = ((_read(keys, key, "a key"), one) for key, one in _object(value).items())
        return {key: _read(values(key), one, key if isinstance(key, StrEnum) else "a value") for key, one in pairs}

    return Form(lambda held: {str(keys.write(key)): values(key).write(value) for key, value in held.items()}, read)


def record(make: Callable[..., T], members: Mapping[str, Form[Any]], **written_as: str) -> Form[T]:
    """Give the form of a value with exactly these fields, each under its own name or the one that it is written as.

    `make` takes them by their names, and may raise an own error for those that do not go together.
    """
    names = {written_as.get(name, name): name for name in members}

    def write(value: T) -> object:
        return {written: members[name].write(getattr(value, name)) for written, name in names.items()}

    def read(value: object) -> T:
        held = _object(value)
        if held.keys() != names.keys():
            raise FormError(f"expected exactly the members {', '.join(names)}")
        fields = {name: _read(members[name], held[written], written) for written, name in names.items()}
        try:
            return make(**fields)
        except JournalKeysError as error:
            raise FormError(str(error)) from None

    return Form(write, read)


def _read(form: Form[T], value: object, name: str) -> T:
    try:
        return form.read(value)
    except FormError as error:
        raise FormError(f"{name}: {error}") from None


def _object(value: object) -> dict[Any, object]:
    if not isinstance(value, dict):
        raise FormError("expected an object")
    return value


def _to_text(text: str) -> str:
    text.encode()  # no database holds a lone surrogate
    return text


def _to_number(value: object) -> int:
    if type(value) is not int or not 0 <= value <= _MOST_NUMBER:  # True is an int, too
        raise FormError("expected a whole number from 0 to 2^63 - 1")
    return value


def _to_truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise FormError("expected true or false")
    return value


def _to_public_jwk(value: object) -> PublicJwk:
    members = _object(value)
    if not all(isinstance(name, str) for name in members):
        raise FormError("expected an object")
    try:
        return PublicJwk.from_members(members)
    except JournalKeysError as error:
        raise FormError(str(error)) from None


TEXT: Final = of_text(_to_text, str, "text")
NUMBER: Final[Form[int]] = Form(lambda number: number, _to_number)
TRUTH: Final[Form[bool]] = Form(lambda truth: truth, _to_truth)
MOMENT: Final = of_text(to_moment, from_moment, "a moment in ISO 8601, in UTC with microseconds")
SPAN: Final[Form[timedelta]] = Form(lambda span: span // _MICROSECOND, lambda value: _to_number(value) * _MICROSECOND)
DIGEST: Final = of_text(to_digest, str, "64 lower-case hex digits")
KID: Final = of_text(parse_kid, str, "a kid, [A-Za-z_][A-Za-z0-9_-]{0,63}")
FAMILY: Final = named(Family)
TEXTS: Final = table(TEXT, lambda _key: TEXT)
PUBLIC_JWK: Final[Form[PublicJwk]] = Form(lambda jwk: dict(jwk.members), _to_public_jwk)
CLOCK_READING: Final = record(ClockReading, {"wall": MOMENT, "uptime": SPAN, "boot": TEXT})


def _made(family: Family, **members: Any) -> KeyVersion:  # noqa: ANN401 (the forms of the members give their types)
    version = KeyVersion(family=family, **members)
    if (version.public_jwk is not None) is (version.algorithm in SYMMETRIC):
        raise FormError(f"a public key belongs to every algorithm but {', '.join(sorted(SYMMETRIC))}")
    return version


def _key_version(family: Family) -> Form[KeyVersion]:
    return record(
        partial(_made, family),
        {
            "kid": KID,
            "algorithm": of_text(partial(parse_algorithm, family=family), str, f"an algorithm of {family}"),
            "digest": DIGEST,
            "public_jwk": optional(PUBLIC_JWK),
            "state": named(KeyState),
            "created_at": MOMENT,
            "published_at": MOMENT,
            "activated_at": optional(MOMENT),
            "deactivated_at": optional(MOMENT),
            "compromised_at": optional(MOMENT),
            "destroyed_at": optional(MOMENT),
            "derived_kid": optional(KID),
        },
        algorithm="alg",
        public_jwk="jwk",
    )


KEY_VERSIONS: Final[Mapping[Family, Form[KeyVersion]]] = {family: _key_version(family) for family in Family}
"""The form of a version of each family, which is not written with it."""

RINGS: Final[Form[Mapping[Family, KeyRing]]] = table(
    FAMILY,
    lambda family: record(
        partial(KeyRing, family=family),
        {"generation": NUMBER, "changed_at": MOMENT, "versions": items(KEY_VERSIONS[family])},
    ),
)
