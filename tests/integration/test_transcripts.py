"""The stand-in CLI, and the real one where it is there, do what the real one was recorded to do."""

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.support.infisical.programs import BINARIES
from tests.support.infisical.recordings import Case, cases
from tests.support.infisical.replay import HEADERS, Sent, Told, plain, run

pytestmark = pytest.mark.processes
CASES = cases("crafted-*.json", "real-*.json")
CUT = re.compile(r"…\((\d+) characters(?: in all)?\)$")
WHICH_OF_TWO = re.compile(r"'k[12]'(?= must be a string)")
WRITES = frozenset({"POST", "PATCH"})


PROGRAMS = [
    pytest.param(name, case, id=case.id if name == "stand-in" else f"{name}-{case.id}")
    for name in BINARIES
    for case in CASES
]


def writes_several(case: Case) -> bool:
    return len({one.target for one in case.exchanges if one.method in WRITES}) > 1


def comparable(text: str, case: Case) -> object:
    """Lines without blanks at their ends; the CLI chooses the order of several names anew each time."""
    lines = [WHICH_OF_TWO.sub("one of two", line.rstrip()) for line in plain(text).split("\n")]
    return Counter(lines) if writes_several(case) else lines


def assert_printed(printed: str, recorded: str, case: Case) -> None:
    cut = CUT.search(recorded)
    if cut is None:
        assert comparable(printed, case) == comparable(recorded, case)
    else:
        assert len(printed) == int(cut[1])
        assert printed.startswith(recorded[: cut.start()])


def token_of(case: Case) -> str:
    names = ("INFISICAL_UNIVERSAL_AUTH_ACCESS_TOKEN", "INFISICAL_TOKEN", "TOKEN")
    return next((case.env[name].strip() for name in names if case.env.get(name)), "")


def recorded_requests(case: Case) -> list[Sent]:
    return [Sent(one.method, one.target, _headers(one.headers), one.body) for one in case.exchanges]


def sent_requests(told: Told, case: Case) -> list[Sent]:
    token = token_of(case)
    sent = []
    for one in told.requests:
        headers = _headers({name: value for name, value in one.headers.items() if name in HEADERS})
        if headers.get("authorization") == f"Bearer {token}":
            headers["authorization"] = "Bearer <token>"
        assert int(one.headers.get("content-length", "0")) == len(one.body.encode())
        sent.append(Sent(one.method, one.target, headers, one.body))
    return sent


def _headers(told: object) -> dict[str, str]:
    assert isinstance(told, dict)
    return told | ({"content-length": "as the body"} if "content-length" in told else {})


def key(sent: Sent) -> tuple[str, str]:
    return sent.method, sent.target


def assert_same_request(sent: Sent, recorded: Sent) -> None:
    cut = CUT.search(recorded.body)
    assert (sent.method, sent.target, sent.headers) == (recorded.method, recorded.target, recorded.headers)
    if cut is None:
        assert sent.body == recorded.body
    else:
        assert len(sent.body) == int(cut[1])
        assert sent.body.startswith(recorded.body[: cut.start()])


def assert_requested(told: Told, case: Case) -> None:
    sent, recorded = sent_requests(told, case), recorded_requests(case)
    if writes_several(case):
        assert [key(one) for one in sent[:1]] == [key(one) for one in recorded[:1]]
        if case.exit == 0:
            assert len(sent) == len(recorded)
        wanted = {key(one): one for one in recorded}
        for one in sent:
            assert_same_request(one, wanted[key(one)])
    else:
        assert [key(one) for one in sent] == [key(one) for one in recorded]
        for one, other in zip(sent, recorded, strict=True):
            assert_same_request(one, other)


@pytest.mark.parametrize(("program", "case"), PROGRAMS)
def test_transcript(program: str, case: Case, tmp_path: Path) -> None:
    told = run(BINARIES[program](tmp_path), case, tmp_path / "work")
    assert told.exit == case.exit, told.stderr
    assert_printed(told.stdout, case.stdout, case)
    assert_printed(told.stderr, case.stderr, case)
    assert_requested(told, case)


def test_all_264_recorded_transcripts_are_replayed() -> None:
    assert len({case.id for case in CASES}) == len(CASES) == 264
