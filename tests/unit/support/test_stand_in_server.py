"""The stand-in server of today behaves as the project's own documents and source say."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from tests.support.infisical.asking import Asker, log_in, refusal, said
from tests.support.infisical.eras import Era
from tests.support.infisical.identities import Identity
from tests.support.infisical.server import InfisicalServer

FOLDER = "/auth/jwt"


@pytest.fixture
def server() -> Iterator[InfisicalServer]:
    with InfisicalServer() as made:
        made.seed(FOLDER, {"held": "v"})
        yield made


@pytest.fixture
def ask(server: InfisicalServer) -> Asker:
    return Asker(server)


@pytest.mark.parametrize(
    ("written", "kept"),
    {
        "blanks around it": ("  \t x \u00a0", "x"),
        "a byte order mark": ("\ufeffx\ufeff", "x"),
        "one last newline": ("x\n", "x\n"),
        "many last newlines": ("x\n\n\n", "x\n"),
        "a last newline and blanks": ("x\n  ", "x"),
        "newlines inside": ("a\r\nb", "a\r\nb"),
        "a next line, which is no blank of JavaScript": ("\x85x\x85", "\x85x\x85"),
        "nothing": ("", ""),
    }.values(),
)
def test_values_are_trimmed_but_for_one_last_newline(
    server: InfisicalServer, ask: Asker, written: str, kept: str
) -> None:
    assert ask.create(FOLDER, "new", written).status == 200
    assert ask.update(FOLDER, "held", written).status == 200
    assert server.folder(FOLDER) == {"held": kept, "new": kept}


def test_each_update_raises_the_version_and_keeps_the_id(ask: Asker) -> None:
    first = said(ask.create(FOLDER, "new", "a"))["secret"]
    second = said(ask.update(FOLDER, "new", "b"))["secret"]
    assert (first["version"], second["version"]) == (1, 2)
    assert first["id"] == second["id"]
    assert said(ask.list(FOLDER))["secrets"][-1]["version"] == 2


def test_a_name_is_created_once_and_changed_or_deleted_only_where_it_is(server: InfisicalServer, ask: Asker) -> None:
    assert refusal(ask.create(FOLDER, "held", "w")) == (400, "BadRequest", "Secret already exist")
    assert ask.update(FOLDER, "missing", "w").status == 404
    assert ask.delete(FOLDER, "missing").status == 404
    assert server.folder(FOLDER) == {"held": "v"}
    assert said(ask.delete(FOLDER, "held"))["secret"]["secretValue"] == "v"
    assert server.folder(FOLDER) == {}


def test_of_many_who_create_one_name_at_once_one_succeeds(server: InfisicalServer, ask: Asker) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: ask.create(FOLDER, "new", f"v{n}"), range(8)))
    assert sorted(answer.status for answer in answers) == [200] + [400] * 7
    winner = [answer.status for answer in answers].index(200)
    assert server.folder(FOLDER)["new"] == f"v{winner}"


def test_a_folder_has_to_be_there_before_a_write(ask: Asker) -> None:
    assert ask.create("/missing", "k", "v").status == 404
    assert ask.update("/missing", "k", "v").status == 404
    assert ask.delete("/missing", "k").status == 404


@pytest.mark.parametrize(("lists", "status"), [(True, 200), (False, 404)])
def test_a_missing_folder_and_a_missing_environment_read_as_empty_or_as_missing(lists: bool, status: int) -> None:  # noqa: FBT001 (a table of cases)
    with InfisicalServer(lists_missing_folders=lists) as server:
        for answer in (Asker(server).list("/missing"), Asker(server, environment="nope").list("/")):
            assert answer.status == status
            assert answer.status == 404 or said(answer) == {"secrets": [], "imports": []}


def test_folders_are_made_with_their_parents_and_stay_the_same_when_made_again(ask: Asker) -> None:
    first = said(ask.make_folder("/deep/er", "last"))["folder"]
    assert said(ask.make_folder("/deep/er", "last"))["folder"]["id"] == first["id"]
    assert [one["name"] for one in said(ask.folders("/"))["folders"]] == ["auth", "deep"]
    assert [one["name"] for one in said(ask.folders("/deep"))["folders"]] == ["er"]
    assert said(ask.folders("/nowhere")) == {"folders": []}


def test_a_folder_s_name_is_of_letters_digits_dashes_and_underscores(ask: Asker) -> None:
    assert ask.make_folder("/", "Az_0-9").status == 200
    for name in ("a b", "a/b", "ä", ""):
        status, error, message = refusal(ask.make_folder("/", name))
        assert (status, error) == (422, "ValidationFailure")
        assert isinstance(message, list)


def test_a_folder_that_is_deleted_takes_all_in_it_along(server: InfisicalServer, ask: Asker) -> None:
    server.seed("/auth/jwt/versions", {"k": "v"})
    server.seed("/auth/jwt-old", {"k": "v"})
    assert ask.drop_folder("/auth", "jwt").status == 200
    assert ask.drop_folder("/auth", "jwt").status == 404
    assert (server.folder(FOLDER), server.folder("/auth/jwt/versions")) == ({}, {})
    assert server.folder("/auth/jwt-old") == {"k": "v"}
    assert ask.create(FOLDER, "k", "v").status == 404


def test_environments_know_nothing_of_each_other(server: InfisicalServer) -> None:
    assert Asker(server, environment="prod").list("/").status == 200
    assert Asker(server, environment="prod").list(FOLDER).status == 404


def test_who_describes_without_reading_gets_masks(server: InfisicalServer) -> None:
    token = server.token(server.registry.add(Identity(describes_only=True)))
    (secret,) = said(Asker(server, token).list(FOLDER))["secrets"]
    assert (secret["secretKey"], secret["secretValue"], secret["secretValueHidden"]) == (
        "held",
        "<hidden-by-infisical>",
        True,
    )


def test_under_a_policy_writes_wait_for_approval_and_change_nothing(server: InfisicalServer, ask: Asker) -> None:
    server.shelves.needs_approval = True
    for answer in (ask.create(FOLDER, "new", "w"), ask.update(FOLDER, "held", "w"), ask.delete(FOLDER, "held")):
        assert (answer.status, list(said(answer))) == (200, ["approval"])
    assert server.folder(FOLDER) == {"held": "v"}


def test_forced_capitals_refuse_other_names(server: InfisicalServer, ask: Asker) -> None:
    server.shelves.forces_capitals = True
    assert ask.create(FOLDER, "lower", "v").status == 400
    assert ask.create(FOLDER, "UPPER_1", "v").status == 200


def test_a_machine_writes_no_personal_secrets(ask: Asker) -> None:
    assert ask.create(FOLDER, "mine", "v", kind="personal").status == 400
    assert ask.delete(FOLDER, "held", kind="personal").status == 400


def test_a_body_over_one_mebibyte_is_too_large(server: InfisicalServer, ask: Asker) -> None:
    assert ask.create(FOLDER, "near", "x" * 1_000_000).status == 200
    assert ask.create(FOLDER, "over", "x" * (1 << 20)).status == 413
    assert "over" not in server.folder(FOLDER)


def test_a_token_that_ended_is_told_from_one_that_was_never_good(server: InfisicalServer) -> None:
    ended, revoked = server.token(), server.token()
    server.registry.expire(ended)
    server.registry.revoke(revoked)
    assert refusal(Asker(server, ended).list(FOLDER)) == (
        403,
        "TokenError",
        "Your token has expired. Please re-authenticate.",
    )
    for token in (revoked, "garbage"):
        assert refusal(Asker(server, token).list(FOLDER))[:2] == (401, "UnauthorizedError")


def test_rights_are_looked_at_for_each_action(server: InfisicalServer) -> None:
    viewer = Asker(server, server.token(server.registry.add(Identity(can_write=False))))
    writer = Asker(server, server.token(server.registry.add(Identity(can_read=False))))
    assert viewer.list(FOLDER).status == 200
    denied = (viewer.create(FOLDER, "k", "v"), viewer.update(FOLDER, "held", "w"), viewer.delete(FOLDER, "held"))
    for answer in (*denied, viewer.make_folder("/", "x"), writer.list(FOLDER)):
        assert refusal(answer)[:2] == (403, "PermissionDenied")
    assert writer.create(FOLDER, "k", "v").status == 200
    assert server.folder(FOLDER) == {"held": "v", "k": "v"}


def test_a_project_of_somebody_else_is_not_found(server: InfisicalServer, ask: Asker) -> None:
    server.project_id = "another"
    assert ask.list(FOLDER).status == 404


def test_an_error_names_its_request_and_an_answer_its_date(ask: Asker) -> None:
    first, second = ask.delete(FOLDER, "missing"), ask.delete(FOLDER, "missing")
    assert said(first)["reqId"] != said(second)["reqId"]
    assert abs(parsedate_to_datetime(first.headers["date"]) - datetime.now(UTC)) < timedelta(seconds=5)


def test_what_was_asked_is_known_by_identity_and_never_by_token(server: InfisicalServer) -> None:
    token = server.token()
    Asker(server, token).list(FOLDER)
    (seen,) = server.requests
    assert (seen.method, seen.status, seen.client_id) == ("GET", 200, server.owner.client_id)
    assert token not in repr(server.requests)


@pytest.mark.parametrize("era", Era)
def test_one_era_or_the_other_a_login_gives_a_token_that_works_and_says_how_long(era: Era) -> None:
    with InfisicalServer(era=era) as server:
        identity = server.registry.add(Identity(token_ttl_s=90, uses=1))
        told = said(log_in(server, identity.client_id, identity.client_secret))
        assert (told["expiresIn"], told["accessTokenMaxTTL"], told["tokenType"]) == (90, 90, "Bearer")
        asker = Asker(server, told["accessToken"])
        assert [asker.folders("/").status, asker.folders("/").status] == [200, 400]
