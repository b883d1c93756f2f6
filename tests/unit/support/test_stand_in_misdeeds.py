"""Each misdeed of the stand-in server is what its name says."""

import http.client
import json
import time
from collections.abc import Iterator

import pytest

from tests.support.infisical.asking import Asker, refusal, said, send
from tests.support.infisical.misdeeds import Deed
from tests.support.infisical.recordings import Answer
from tests.support.infisical.server import FOLDERS, SECRETS, InfisicalServer

FOLDER = "/auth"


@pytest.fixture
def server() -> Iterator[InfisicalServer]:
    with InfisicalServer() as made:
        made.seed(FOLDER, {"held": "v"})
        yield made


def read(server: InfisicalServer) -> Answer:
    return Asker(server).list(FOLDER)


@pytest.mark.parametrize(
    ("deed", "status"),
    {
        Deed.SIGN_IN_PAGE: 200,
        Deed.HTML_500: 500,
        Deed.HTML_502: 502,
        Deed.HTML_503: 503,
    }.items(),
    ids=lambda value: value.value if isinstance(value, Deed) else str(value),
)
def test_a_page_comes_instead_of_json(server: InfisicalServer, deed: Deed, status: int) -> None:
    server.misbehave(deed)
    answer = read(server)
    assert (answer.status, answer.headers["content-type"]) == (status, "text/html")
    assert "<html>" in answer.body
    assert server.requests[-1].status == status


def test_nothing_at_all_comes_with_success(server: InfisicalServer) -> None:
    server.misbehave(Deed.EMPTY)
    answer = read(server)
    assert (answer.status, answer.body, answer.headers.get("content-type")) == (200, "", None)


def test_a_redirect_leads_to_a_sign_in_page(server: InfisicalServer) -> None:
    server.misbehave(Deed.REDIRECT)
    answer = read(server)
    assert (answer.status, answer.headers["location"]) == (302, "/login")


def test_half_of_the_json_is_no_json(server: InfisicalServer) -> None:
    whole = read(server).body
    server.misbehave(Deed.TRUNCATED)
    half = read(server).body
    assert whole.startswith(half)
    with pytest.raises(json.JSONDecodeError):
        json.loads(half)


def test_a_member_that_repeats_hides_the_first_one(server: InfisicalServer) -> None:
    server.misbehave(Deed.DUPLICATE_KEYS)
    pairs: list[tuple[str, object]] = json.loads(read(server).body, object_pairs_hook=list)
    assert [name for name, _ in pairs] == ["secrets", "imports", "secrets"]
    assert pairs[-1][1] == []


def test_bytes_that_are_no_utf_8_stand_in_the_value(server: InfisicalServer) -> None:
    server.misbehave(Deed.NOT_UTF8)
    raw = read(server).body.encode("utf-8", "surrogateescape")
    with pytest.raises(UnicodeDecodeError):
        raw.decode("utf-8")
    assert b'"secretValue": "\xff\xfev"' in raw


def test_the_right_answer_comes_late(server: InfisicalServer) -> None:
    server.misbehave(Deed.SLOW, seconds=0.15)
    started_at = time.monotonic()
    assert said(read(server))["secrets"][0]["secretValue"] == "v"
    assert time.monotonic() - started_at >= 0.15


def test_an_answer_never_comes(server: InfisicalServer) -> None:
    server.misbehave(Deed.HANG)
    with pytest.raises(TimeoutError):
        send(server, "GET", SECRETS, "", server.token(), timeout_s=0.1)
    assert server.requests[-1].status is None


@pytest.mark.parametrize(("deed", "has_effect"), [(Deed.DROP_BEFORE, False), (Deed.DROP_AFTER, True)])
def test_the_connection_closes_before_or_after_the_effect(
    server: InfisicalServer,
    deed: Deed,
    has_effect: bool,  # noqa: FBT001 (a table of cases)
) -> None:
    server.misbehave(deed)
    with pytest.raises(http.client.RemoteDisconnected):
        Asker(server).create(FOLDER, "new", "v")
    assert ("new" in server.folder(FOLDER)) is has_effect


def test_the_connection_is_reset_without_an_effect(server: InfisicalServer) -> None:
    server.misbehave(Deed.RESET)
    with pytest.raises(ConnectionResetError):
        Asker(server).create(FOLDER, "new", "v")
    assert server.folder(FOLDER) == {"held": "v"}


def test_a_busy_server_says_how_long_to_wait(server: InfisicalServer) -> None:
    server.misbehave(Deed.BUSY, seconds=7)
    answer = read(server)
    assert refusal(answer) == (429, "RateLimitExceeded", "Rate limit exceeded. Please try again in 7 seconds")
    assert answer.headers["retry-after"] == "7"


def test_a_value_is_kept_otherwise_than_it_was_written(server: InfisicalServer) -> None:
    server.shelves.alters = str.upper
    assert Asker(server).create(FOLDER, "new", "abc").status == 200
    assert server.folder(FOLDER)["new"] == "ABC"


def test_a_misdeed_is_done_at_the_planned_requests_only(server: InfisicalServer) -> None:
    misdeed = server.misbehave(Deed.HTML_500, "GET", SECRETS, skip=1, times=2)
    ask = Asker(server)
    assert [ask.list(FOLDER).status for _ in range(4)] == [200, 500, 500, 200]
    assert ask.folders("/").status == ask.update(FOLDER, "held", "w").status == 200
    assert misdeed.done == 2


def test_a_server_that_behaves_again_has_forgotten_its_plans(server: InfisicalServer) -> None:
    server.misbehave(Deed.HTML_500)
    server.misbehave(Deed.HTML_502, path=FOLDERS)
    assert read(server).status == 500
    server.behave()
    assert read(server).status == 200
