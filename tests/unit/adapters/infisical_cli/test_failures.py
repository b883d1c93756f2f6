"""What the recorded standard errors mean, of the CLI 0.42.1 and of the newest."""

import pytest

from journal_keys.adapters.infisical_cli.failures import CallFailure, Failure, classify
from tests.support.infisical.recordings import Case, cases

OLD = cases("crafted-*.json", "real-*.json")
NEW = cases("v0.43.121/crafted-*.json")
BY_ENDING = {
    "401 json": Failure.TOKEN,
    "403 expired token": Failure.TOKEN,
    "403 permission with details": Failure.FORBIDDEN,
    "404 folder": Failure.NO_FOLDER,
    "400 duplicate": Failure.EXISTS,
    "422 array message": Failure.REFUSED,
    "(update fails) 400": Failure.NO_SECRET,
    "(create fails) 302 to login page": Failure.SERVER,
    "429 retry-after": Failure.BUSY,
    "500 json": Failure.SERVER,
    "502 html": Failure.SERVER,
    "503 html": Failure.SERVER,
    "302 to login page": Failure.TRANSPORT,
    "200 empty body": Failure.TRANSPORT,
    "200 truncated json": Failure.TRANSPORT,
}
OF_LOGIN = {
    "429 retry-after": Failure.BUSY,
    "500 json": Failure.SERVER,
    "502 html": Failure.SERVER,
    "503 html": Failure.SERVER,
    "302 to login page": Failure.TRANSPORT,
    "200 empty body": Failure.TRANSPORT,
    "200 truncated json": Failure.TRANSPORT,
}
"""Every other refusal of a login is one of the credentials."""


def failing(recorded: list[Case]) -> list[Case]:
    return [case for case in recorded if case.exit == 1 and case.file.endswith("crafted-errors")]


def expected(case: Case) -> Failure:
    ending = next(words for words in BY_ENDING if case.name.endswith(words))
    return OF_LOGIN.get(ending, Failure.CREDENTIALS) if case.name.startswith("login") else BY_ENDING[ending]


@pytest.mark.parametrize("case", [*failing(OLD), *failing(NEW)], ids=lambda case: case.id)
def test_each_crafted_refusal_is_told_from_the_others(case: Case) -> None:
    found = classify(case.stderr.encode())
    assert found.kind is expected(case)
    assert (found.wait_s == 7) == (found.kind is Failure.BUSY)


REAL = {
    "expired token reads": Failure.TOKEN,
    "expired token writes": Failure.TOKEN,
    "token with two uses, use 3": Failure.TOKEN,
    "garbage token": Failure.TOKEN,
    "jwt with a wrong signature": Failure.TOKEN,
    "missing": Failure.NO_SECRET,
    "missing folder": Failure.NO_FOLDER,
    "default type (personal)": Failure.REFUSED,
    "viewer writes": Failure.FORBIDDEN,
    "viewer updates": Failure.FORBIDDEN,
    "viewer deletes": Failure.FORBIDDEN,
    "viewer creates folder": Failure.FORBIDDEN,
    "no-access reads": Failure.FORBIDDEN,
    "missing project": Failure.NO_PROJECT,
    "project id not a uuid": Failure.NO_PROJECT,
    "old (version 1) project": Failure.NO_PROJECT,
    "wrong secret": Failure.CREDENTIALS,
    "unknown client id": Failure.CREDENTIALS,
    "client id not a uuid": Failure.CREDENTIALS,
    "create of a name that appeared meanwhile": Failure.EXISTS,
    "2 MiB value": Failure.REFUSED,
}


def real_failures() -> list[Case]:
    return [case for case in OLD if case.exit == 1 and case.file.startswith("real-") and case.name in REAL]


@pytest.mark.parametrize("case", real_failures(), ids=lambda case: case.id)
def test_each_refusal_of_the_server_of_2024_is_told_from_the_others(case: Case) -> None:
    assert classify(case.stderr.encode()).kind is REAL[case.name]


def test_all_named_refusals_of_that_server_were_looked_at() -> None:
    assert {case.name for case in real_failures()} == set(REAL)


@pytest.mark.parametrize("carries_value", [False, True])
@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("5 minutes", ""),
        ("301 seconds", "it wants to be left alone for 301 s"),
        ("999999 minutes", "it wants to be left alone for 59999940 s"),
    ],
)
def test_a_wait_that_is_too_long_is_told(words: str, told: str, *, carries_value: bool) -> None:
    printed = f"Response Code: 429 Too Many Requests\nMessage: Rate limit exceeded. Please try again in {words}\n"
    found = classify(printed.encode(), carries_value=carries_value)
    assert found.kind is Failure.BUSY
    assert found.reason.endswith(told)
    assert ("left alone" in found.reason) == bool(told)


def test_the_wait_of_that_server_is_a_minute() -> None:
    busy = [case for case in OLD if case.file == "real-rate-limit" and case.exit == 1]
    assert [(classify(case.stderr.encode()).kind, classify(case.stderr.encode()).wait_s) for case in busy] == [
        (Failure.BUSY, 60.0)
    ] * 2


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("export connection refused", Failure.TRANSPORT, "refuses the connection"),
        ("set connection refused", Failure.TRANSPORT, "refuses the connection"),
        ("export dns failure", Failure.TRANSPORT, "does not resolve"),
        ("export tls to a plain port", Failure.TRANSPORT, "TLS handshake failed"),
        ("export no scheme", Failure.TRANSPORT, "malformed"),
        ("export connection dropped", Failure.TRANSPORT, "broke off"),
        ("set create dropped (unknown outcome)", Failure.TRANSPORT, "broke off"),
        ("login connection refused (retries)", Failure.TRANSPORT, "refuses the connection"),
        ("export unknown flag", Failure.USAGE, "does not know these arguments"),
        ("secrets list", Failure.USAGE, "does not know these arguments"),
        ("locked out", Failure.CREDENTIALS, "locked for some minutes"),
        ("no token at all", Failure.UNKNOWN, "words that are not known"),
        ("custom headers malformed", Failure.UNKNOWN, "words that are not known"),
    ],
)
def test_other_failures_are_told_in_words(name: str, kind: Failure, reason: str) -> None:
    found = [classify(case.stderr.encode()) for case in OLD if case.name == name]
    assert found
    assert all(one.kind is kind and reason in one.reason for one in found)


def test_colours_do_not_hide_the_status() -> None:
    coloured = [case for case in OLD if case.name == "error, CLICOLOR_FORCE"]
    assert [classify(case.stderr.encode()).status for case in coloured] == [401]


@pytest.mark.parametrize(
    "case", [case for case in [*OLD, *NEW] if case.argv[:2] == ("secrets", "set")], ids=lambda c: c.id
)
def test_of_a_call_that_carries_a_value_no_word_is_passed_on(case: Case) -> None:
    told = str(classify(case.stderr.encode() + b'\nMessage: the-value\n[message="the-value"]', carries_value=True))
    assert "the-value" not in told
    assert "Unsuccessful" not in told


def test_what_is_settled_is_what_certainly_had_no_effect() -> None:
    unsettled = {kind for kind in Failure if not CallFailure(kind=kind, status=None, reason="").is_settled}
    assert unsettled == {Failure.SERVER, Failure.TRANSPORT, Failure.SILENT, Failure.UNKNOWN}


@pytest.mark.parametrize(
    ("stderr", "status"),
    [
        (b'error: x [err=y [GET u] [status-code=503] [message="[status-code=401]"]]', 503),
        (b"Request: GET u\nResponse Code: 503 Service Unavailable\nMessage: Response Code: 401\n", 503),
        (b"Message: Response Code: 401", None),
        (b"response code: 401", None),
        (b"\xff\xfeResponse Code: 401", None),
        (b"", None),
    ],
)
def test_the_status_is_taken_from_the_anchors_only(stderr: bytes, status: int | None) -> None:
    assert classify(stderr).status == status
