"""Tokens, whose they are, what they let do, and how a call stands in the audit trail."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from journal_keys.domain.access import (
    Caller,
    ForbiddenError,
    Grant,
    UnauthenticatedError,
    admin_called,
    caller_of,
    check_grant_name,
    digest_of,
    new_token,
)
from journal_keys.domain.changes import OF_NO_KEY, AuditFact
from journal_keys.domain.errors import InvalidNameError
from journal_keys.domain.ledger_clock import ClockReading
from journal_keys.domain.scopes import Scope

AT = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
NOTED: Mapping[str, str] = {"status": "200", "route": "POST /rotate"}
NO_NAMES = {
    "empty": "",
    "a capital": "Deploy",
    "a dash first": "-deploy",
    "too long": "a" * 65,
    "a blank": "a b",
    "no ASCII": "d\u00e9ploy",
    "a line break": "deploy\n",
    "of this machine": "loopback",
    "of nobody": "unknown",
}
RULE = r"the name of a token is \[a-z0-9\]\[a-z0-9\._-\]\{0,63\}, and not loopback or unknown\Z"


def token(number: int) -> str:
    return new_token(bytes([number]) * 32)


def grant(name: str, number: int, *scopes: Scope) -> Grant:
    return Grant(name=name, digest=digest_of(token(number)), scopes=frozenset(scopes))


def test_a_token_is_its_prefix_and_32_bytes_and_is_kept_as_its_sha_256() -> None:
    assert new_token(bytes(32)) == "jka_" + 43 * "A"
    assert new_token(b"\xff" * 32) == "jka_" + 42 * "_" + "8"
    assert digest_of("jka_x") == sha256(b"jka_x").hexdigest()


@pytest.mark.parametrize("name", ["a", "0", "deploy", "ci.eu-1_x", "a" * 64], ids=len)
def test_a_name_that_is_well_formed_is_given_back(name: str) -> None:
    assert check_grant_name(name) == name


@pytest.mark.parametrize("name", NO_NAMES.values(), ids=NO_NAMES)
def test_any_other_name_is_refused_and_the_rule_is_told(name: str) -> None:
    with pytest.raises(InvalidNameError, match=RULE):
        check_grant_name(name)
    with pytest.raises(InvalidNameError, match=RULE):
        Grant(name=name, digest=64 * "0", scopes=frozenset())


@pytest.mark.parametrize(
    "digest",
    ["", 63 * "0", 65 * "0", 64 * "A", 63 * "0" + "g", 64 * "0" + "\n"],
    ids=["empty", "short", "long", "capitals", "no hex", "a line break"],
)
def test_a_grant_without_a_digest_is_refused_and_named(digest: str) -> None:
    with pytest.raises(InvalidNameError, match=r"\Athe digest of token deploy is not 64 lower-case hex digits\Z"):
        Grant(name="deploy", digest=digest, scopes=frozenset())


def test_a_token_is_that_of_the_grant_with_its_digest() -> None:
    grants = [grant("deploy", 1, Scope.ROTATE), grant("watch", 2, Scope.READ), grant("other", 3)]
    assert caller_of(token(2), grants) == Caller(actor="http:watch", scopes=frozenset({Scope.READ}))
    assert caller_of(token(1), iter(grants)) == Caller(actor="http:deploy", scopes=frozenset({Scope.ROTATE}))


SHOWN = {
    "nothing": "",
    "a prefix": "jka_",
    "another": token(9),
    "cut short": token(1)[:-1],
    "longer": token(1) + "A",
    "with a line break": token(1) + "\n",
    "in capitals": token(1).upper(),
    "no ASCII": "\u00e9" + token(1)[1:],
}


@pytest.mark.parametrize("shown", SHOWN.values(), ids=SHOWN)
def test_what_is_nobody_s_token_or_none_at_all_is_refused_in_the_same_words(shown: str) -> None:
    with pytest.raises(UnauthenticatedError, match=r"\Athe bearer token is not known here\Z"):
        caller_of(shown, [grant("deploy", 1)])


def test_a_digest_that_is_that_of_no_token_is_nobody_s() -> None:
    odd = "\u00b5" + token(1)[1:]
    lets_nothing_in = Grant(name="odd", digest=sha256(odd.encode()).hexdigest(), scopes=frozenset(Scope))
    with pytest.raises(UnauthenticatedError):
        caller_of(odd, [lets_nothing_in])


def test_a_caller_may_do_what_its_scopes_say_and_nothing_else() -> None:
    caller = Caller(actor="http:deploy", scopes=frozenset({Scope.ROTATE}))
    caller.require(Scope.ROTATE)
    with pytest.raises(ForbiddenError, match=r"\Athis needs the scope rotate:force, which http:deploy does not have\Z"):
        caller.require(Scope.ROTATE_FORCE)


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("200", "admin_called"),
        ("202", "admin_called"),
        ("304", "admin_called"),
        ("401", "admin_refused"),
        ("429", "admin_refused"),
        ("500", "admin_failed"),
        ("503", "admin_failed"),
    ],
)
@pytest.mark.parametrize(("name", "actor"), [("deploy", "http:deploy"), (None, "http:unknown")])
def test_a_call_is_a_fact_that_says_who_when_and_what_became_of_it(
    status: str, action: str, name: str | None, actor: str
) -> None:
    caller = Caller(actor=f"http:{name}", scopes=frozenset()) if name else None
    reading = ClockReading(wall=AT, uptime=timedelta(0), boot="boot")
    detail = {**NOTED, "status": status}
    assert admin_called(reading, caller, detail) == AuditFact(
        at=AT, actor=actor, action=action, family=None, kid=None, reason="over HTTP", detail=detail
    )
    assert action in OF_NO_KEY, "a call of a service beside an empty ledger keeps nobody from a restore"
