"""Secret paths: parsed, rebuilt, compared segment by segment."""

import pytest

from journal_keys.domain.errors import InvalidPathError
from journal_keys.domain.paths import KNOWN_SECRETS, SecretPath, is_owned

GOOD = ["/auth/jwt", "/a", "/_x/y-z/A0", "/" + "/".join(["s"] * 8), "/" + "x" * 64]
BAD = {
    "empty": "",
    "root": "/",
    "relative": "auth/jwt",
    "trailing slash": "/auth/",
    "doubled slash": "/auth//jwt",
    "dot": "/auth/./jwt",
    "parent": "/auth/../jwt",
    "percent": "/auth/%2e",
    "NUL": "/auth/\x00",
    "newline at the end": "/auth/jwt\n",
    "control": "/auth/\x1bx",
    "blank": "/auth/a b",
    "leading digit": "/auth/1",
    "leading dash": "/auth/-x",
    "non-ASCII letter": "/auth/\u00e9",
    "non-ASCII digit": "/auth/a\u0661",
    "nine segments": "/" + "/".join(["s"] * 9),
    "65 characters": "/" + "x" * 65,
    "very long": "/" + "x" * 100_000,
    "backslash": "/auth\\jwt",
    "question mark": "/auth/a?b",
}


@pytest.mark.parametrize("text", GOOD)
def test_a_good_path_is_rebuilt_as_it_was(text: str) -> None:
    assert str(SecretPath.parse(text)) == text


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_a_bad_path_is_refused(text: str) -> None:
    with pytest.raises(InvalidPathError):
        SecretPath.parse(text)


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
    with pytest.raises(InvalidPathError, match="/x lies in the root"):
        _ = SecretPath.parse("/x").folder


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
    ],
)
def test_a_ring_owns_its_projections_material_tombstones_and_every_marker(text: str, owned: bool) -> None:  # noqa: FBT001
    assert is_owned(SecretPath.parse(text)) is owned


def test_the_tree_has_the_guide_s_fourteen_secrets() -> None:
    assert len({str(path) for path in KNOWN_SECRETS}) == 14
