"""Claims and headers as tables: who is refused, and what the refusal says."""

from datetime import timedelta

import pytest

from journal_keys.domain.token import TokenProfile, TokenRefusedError, check_claims, check_header

NOW = 1_000_000
LEEWAY = 60
LONGEST = 3_600
YEAR_9999 = 253_402_300_799
PROFILE = TokenProfile(
    issuer="journal",
    audience="readers",
    token_type="at+JWT",
    longest_token=timedelta(seconds=LONGEST),
    leeway=timedelta(seconds=LEEWAY),
)
GOOD: dict[str, object] = {"iss": "journal", "aud": "readers", "iat": NOW, "exp": NOW + 600}
LONG_AGO: dict[str, object] = {"iat": NOW - 1_000, "exp": NOW - LEEWAY}


def claims(changes: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in (GOOD | changes).items() if value is not ...}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="as they are"),
        pytest.param({"aud": ["others", "readers"]}, id="one audience of several"),
        pytest.param({"exp": NOW + LONGEST}, id="the longest life"),
        pytest.param({"exp": NOW + 1}, id="a life of one second"),
        pytest.param({"iat": NOW - 1_000, "exp": NOW - LEEWAY + 1}, id="a second before the leeway is over"),
        pytest.param({"iat": NOW + LEEWAY}, id="issued at the leeway's end"),
        pytest.param({"nbf": NOW + LEEWAY}, id="valid from the leeway's end"),
        pytest.param({"nbf": 0}, id="valid since 1970"),
        pytest.param({"nbf": NOW - 5.5, "iat": NOW - 0.5}, id="fractions of seconds"),
        pytest.param({"sub": "alice", "jti": "7", "x": 1}, id="other claims"),
    ],
)
def test_good_claims_are_given_as_they_are(changes: dict[str, object]) -> None:
    assert check_claims(claims(changes), PROFILE, now_s=NOW) == claims(changes)


def test_a_token_of_the_first_second_and_one_of_the_last_are_judged() -> None:
    assert check_claims(claims({"iat": 0, "exp": 600}), PROFILE, now_s=0)
    assert check_claims(claims({"iat": YEAR_9999 - 600, "exp": YEAR_9999}), PROFILE, now_s=YEAR_9999 - 1)


ISSUER = "iss of the token is not the issuer expected here"
AUDIENCE = "aud of the token does not name this audience"
LIFE = "exp of the token is not after iat, or further than the longest lifetime"
EARLY = "the token is not valid yet"


def no_date(name: str) -> str:
    return f"{name} of a token is a NumericDate (RFC 7519 §2)"


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "no issuer": ({"iss": ...}, ISSUER),
    "other issuer": ({"iss": "readers"}, ISSUER),
    "no audience": ({"aud": ...}, AUDIENCE),
    "other audience": ({"aud": "journal"}, AUDIENCE),
    "audiences without us": ({"aud": ["others"]}, AUDIENCE),
    "audiences that are no texts": ({"aud": ["readers", 1]}, AUDIENCE),
    "part of our audience": ({"aud": "reader"}, AUDIENCE),
    "no iat": ({"iat": ...}, no_date("iat")),
    "no exp": ({"exp": ...}, no_date("exp")),
    "exp text": ({"exp": str(NOW + 1)}, no_date("exp")),
    "exp true": ({"iat": 0, "exp": True}, no_date("exp")),
    "nbf text": ({"nbf": "0"}, no_date("nbf")),
    "nbf null": ({"nbf": None}, no_date("nbf")),
    "nbf before 1970": ({"nbf": -1}, no_date("nbf")),
    "exp after the year 9999": ({"exp": YEAR_9999 + 1}, no_date("exp")),
    "a second too long": ({"exp": NOW + LONGEST + 1}, LIFE),
    "no life": ({"exp": NOW}, LIFE),
    "an end before the beginning": ({"exp": NOW - 1}, LIFE),
    "past the leeway": (LONG_AGO, "the token has expired"),
    "issued a second past the leeway": ({"iat": NOW + LEEWAY + 1}, EARLY),
    "valid from a second past the leeway": ({"nbf": NOW + LEEWAY + 1}, EARLY),
    "issued later than valid": ({"iat": NOW + LEEWAY + 1, "nbf": NOW}, EARLY),
    "sub no text": ({"sub": 1}, "sub of a token is text"),
    "sub null": ({"sub": None}, "sub of a token is text"),
    "jti no text": ({"jti": ["x"]}, "jti of a token is text"),
}


@pytest.mark.parametrize(("changes", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_other_claims_are_refused_with_what_was_expected(changes: dict[str, object], said: str) -> None:
    with pytest.raises(TokenRefusedError) as caught:
        check_claims(claims(changes), PROFILE, now_s=NOW)
    assert str(caught.value) == said


def test_claims_that_are_no_object_are_refused() -> None:
    with pytest.raises(TokenRefusedError) as caught:
        check_claims(["iss"], PROFILE, now_s=NOW)
    assert str(caught.value) == "the claims of a token are one JSON object"


HEADER: dict[str, object] = {"alg": "EdDSA", "kid": "jwt_x", "typ": "at+jwt"}


@pytest.mark.parametrize("token_type", ["at+JWT", "at+jwt", "AT+JWT"])
def test_a_good_header_gives_algorithm_and_kid_whatever_the_case_of_its_typ(token_type: str) -> None:
    assert check_header(HEADER | {"typ": token_type}, PROFILE) == ("EdDSA", "jwt_x")


MEMBERS = "a token's header has exactly the members alg, kid and typ"
TEXTS = "alg and kid of a token are text"
TYPE = "typ of a token is at+JWT"


@pytest.mark.parametrize(
    ("header", "said"),
    [
        pytest.param([], MEMBERS, id="a list"),
        pytest.param({"alg": "EdDSA", "kid": "jwt_x"}, MEMBERS, id="a member less"),
        pytest.param(HEADER | {"crit": []}, MEMBERS, id="a member more"),
        pytest.param(HEADER | {"alg": None}, TEXTS, id="alg no text"),
        pytest.param(HEADER | {"kid": 1}, TEXTS, id="kid no text"),
        pytest.param(HEADER | {"typ": 1}, TYPE, id="typ no text"),
        pytest.param(HEADER | {"typ": "JWT"}, TYPE, id="another typ"),
    ],
)
def test_another_header_is_refused_with_what_was_expected(header: object, said: str) -> None:
    with pytest.raises(TokenRefusedError) as caught:
        check_header(header, PROFILE)
    assert str(caught.value) == said
