"""Secret paths: parsed, rebuilt, compared segment by segment."""

import pytest

from journal_keys.domain.errors import InvalidPathError
from journal_keys.domain.paths import (
    KNOWN_SECRETS,
    SecretPath,
    by_name,
    is_name,
    is_owned,
    owned_folders,
    parse_pattern,
)

GOOD = ["/auth/jwt", "/a", "/_x/y-z/A0", "/" + "/".join(["s"] * 8), "/" + "x" * 64, ("/" + "x" * 64) * 8]
ABSOLUTE = "a secret path is absolute: it starts with '/'"
LONG = "a secret path has at most 520 characters"


def segment(number: int) -> str:
    return f"segment {number} of the secret path is not [A-Za-z_][A-Za-z0-9_-]{{0,63}}"


BAD = {
    "empty": ("", ABSOLUTE),
    "root": ("/", segment(1)),
    "relative": ("auth/jwt", ABSOLUTE),
    "trailing slash": ("/auth/", segment(2)),
    "doubled slash": ("/auth//jwt", segment(2)),
    "dot": ("/auth/./jwt", segment(2)),
    "parent": ("/auth/../jwt", segment(2)),
    "percent": ("/auth/%2e", segment(2)),
    "NUL": ("/auth/\x00", segment(2)),
    "newline at the end": ("/auth/jwt\n", segment(2)),
    "control": ("/auth/\x1bx", segment(2)),
    "blank": ("/auth/a b", segment(2)),
    "leading digit": ("/auth/1", segment(2)),
    "leading dash": ("/auth/-x", segment(2)),
    "non-ASCII letter": ("/auth/\u00e9", segment(2)),
    "non-ASCII digit": ("/auth/a\u0661", segment(2)),
    "nine segments": ("/" + "/".join(["s"] * 9), "a secret path has 1 to 8 segments, not 9"),
    "65 characters": ("/" + "x" * 65, segment(1)),
    "very long": ("/" + "x" * 100_000, LONG),
    "backslash": ("/auth\\jwt", segment(1)),
    "question mark": ("/auth/a?b", segment(2)),
}


@pytest.mark.parametrize("text", ["a", "_x", "db_url", "A0-_z", "x" * 64])
def test_a_name_of_one_segment_has_a_path(text: str) -> None:
    assert is_name(text)
    assert SecretPath.parse(f"/auth/{text}").segments[-1] == text


@pytest.mark.parametrize("text", ["", "a/b", "1", "-x", "a b", "a\n", "\u00e9", "x" * 65])
def test_any_other_name_has_none(text: str) -> None:
    assert not is_name(text)


@pytest.mark.parametrize("text", GOOD)
def test_a_good_path_is_rebuilt_as_it_was(text: str) -> None:
    assert str(SecretPath.parse(text)) == text


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD.keys())
def test_a_bad_path_is_refused_with_what_was_expected(text: str, said: str) -> None:
    with pytest.raises(InvalidPathError) as caught:
        SecretPath.parse(text)
    assert str(caught.value) == said


def test_what_is_no_text_and_what_has_no_segment_is_no_path() -> None:
    with pytest.raises(InvalidPathError, match="absolute"):
        SecretPath.parse(5)  # type: ignore[arg-type]
    with pytest.raises(InvalidPathError, match="1 to 8 segments, not 0"):
        SecretPath(())


@pytest.mark.parametrize(
    ("path", "folder", "within"),
    [
        ("/auth/jwt", "/auth/jwt", True),
        ("/auth/jwt/x", "/auth/jwt", True),
        ("/auth/jwtx", "/auth/jwt", False),
        ("/auth", "/auth/jwt", False),
    ],
)
def test_within_goes_by_segments(path: str, folder: str, within: bool) -> None:  # noqa: FBT001
    assert SecretPath.parse(path).is_within(SecretPath.parse(folder)) is within


def test_a_secret_in_the_root_has_no_folder() -> None:
    with pytest.raises(InvalidPathError) as caught:
        _ = SecretPath.parse("/x").folder
    assert str(caught.value) == "/x lies in the root: a secret's path has a folder, like /database/db_url_async"


def test_a_path_has_a_folder_a_name_and_children() -> None:
    path = SecretPath.parse("/auth/jwt/x")
    assert (str(path.folder), path.name, str(path.child("y"))) == ("/auth/jwt", "x", "/auth/jwt/x/y")


@pytest.mark.parametrize("family", ["jwt", "aes"])
def test_a_ring_has_three_folders(family: str) -> None:
    base = f"/auth/{family}"
    assert [str(path) for path in owned_folders(family)] == [base, f"{base}/versions", f"{base}/compromised"]


@pytest.mark.parametrize(
    ("text", "owned"),
    [
        ("/auth/jwt/current_private_key", True),
        ("/auth/aes/keys_map", True),
        ("/auth/aes/versions/aes_x", True),
        ("/auth/aes/compromised/aes_x", True),
        ("/database/_journal_keys", True),
        ("/auth/jwt/new_key", False),
        ("/auth/jwt/keys_map", False),
        ("/auth/webhooks/infisical_secret", False),
        ("/database/db_url_async", False),
        ("/auth/jwtx/current_private_key", False),
        ("/auth/aes/versions", True),
        ("/auth/versions/aes_x", False),
        ("/auth/aes/x/keys_map", False),
    ],
)
def test_a_ring_owns_its_projections_material_tombstones_and_every_marker(text: str, owned: bool) -> None:  # noqa: FBT001
    assert is_owned(SecretPath.parse(text)) is owned


def test_the_tree_has_the_guide_s_fourteen_secrets() -> None:
    assert len({str(path) for path in KNOWN_SECRETS}) == 14


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/*", None),
        ("/auth/*", SecretPath.parse("/auth")),
        ("/auth/jwt/active_kid", SecretPath.parse("/auth/jwt/active_kid")),
    ],
)
def test_a_pattern_is_a_path_all_below_one_or_everything(text: str, expected: SecretPath | None) -> None:
    assert parse_pattern(text) == expected


@pytest.mark.parametrize("text", ["", "*", "auth/*", "/auth/**", "/*/x", "/auth*", "//*", "/*/*"])
def test_another_pattern_is_refused(text: str) -> None:
    with pytest.raises(InvalidPathError):
        parse_pattern(text)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/database/x", "/database/x"),
        ("active_kid", "/auth/aes/active_kid"),
        ("db_url_async", "/database/db_url_async"),
        ("infisical_secret", "/auth/webhooks/infisical_secret"),
        ("test_secret", "/application/test_secret"),
    ],
)
def test_a_bare_name_is_a_known_secret_or_one_of_the_application(text: str, path: str) -> None:
    assert str(by_name(text)) == path


@pytest.mark.parametrize("text", ["", "a/b", "a b", "1x"])
def test_what_is_neither_path_nor_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidPathError):
        by_name(text)
