"""The waits: worked figures, and contradictions that show their arithmetic."""

from dataclasses import replace
from datetime import timedelta

import pytest

from journal_keys.domain.errors import PolicyError
from journal_keys.domain.keys import Algorithm, Family
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.windows import Windows


def s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


STANDARD = Windows(
    jwks_max_age=s(600), view_ttl=s(300), poll=s(15), longest_token=timedelta(days=14), leeway=s(60), skew=s(60)
)
EMBEDDED = Windows(jwks_max_age=s(2), view_ttl=s(1), poll=s(0.25), longest_token=s(10), leeway=s(0.5), skew=s(0.2))


@pytest.mark.parametrize(
    ("windows", "w1", "w2"),
    [
        pytest.param(STANDARD, s(675), timedelta(days=14) + s(435), id="standard"),
        pytest.param(EMBEDDED, s(2.45), s(11.95), id="embedded"),
        pytest.param(replace(STANDARD, jwks_max_age=s(10)), s(375), timedelta(days=14) + s(435), id="view over JWKS"),
    ],
)
def test_the_windows_are_the_design_s_figures(windows: Windows, w1: timedelta, w2: timedelta) -> None:
    assert (windows.publish_to_promote, windows.promote_to_retire) == (w1, w2)


@pytest.mark.parametrize("name", ["jwks_max_age", "view_ttl", "poll", "longest_token", "leeway", "skew"])
def test_every_part_lengthens_a_window_and_none_shortens_one(name: str) -> None:
    longer = replace(STANDARD, **{name: getattr(STANDARD, name) + s(1)})
    assert longer.publish_to_promote >= STANDARD.publish_to_promote
    assert longer.promote_to_retire >= STANDARD.promote_to_retire
    grew = longer.publish_to_promote + longer.promote_to_retire
    assert grew > STANDARD.publish_to_promote + STANDARD.promote_to_retire


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("jwks_max_age", 0, "JWKS max-age is 0 s, not > 0 s"),
        ("view_ttl", 0, "view TTL is 0 s, not > 0 s"),
        ("poll", 0, "poll interval is 0 s, not > 0 s"),
        ("longest_token", -1, "longest token lifetime is -1 s, not > 0 s"),
        ("leeway", -1, "leeway is -1 s, not ≥ 0 s"),
        ("skew", -0.5, "clock skew is -0.5 s, not ≥ 0 s"),
        (
            "poll",
            151,
            "twice the poll interval 151 s = 302 s is more than the view TTL 300 s: one missed poll would stop signing",
        ),
    ],
)
def test_an_impossible_duration_is_named(name: str, value: float, said: str) -> None:
    with pytest.raises(PolicyError) as caught:
        replace(STANDARD, **{name: s(value)})
    assert str(caught.value) == said


def test_signing_on_an_old_view_delays_retirement_by_as_much_and_nothing_else() -> None:
    longer = replace(STANDARD, sign_max_stale=s(3600))
    assert longer.signs_through_outages
    assert longer.promote_to_retire == STANDARD.promote_to_retire + s(3300)
    assert longer.publish_to_promote == STANDARD.publish_to_promote
    assert replace(STANDARD, sign_max_stale=s(300)).promote_to_retire == STANDARD.promote_to_retire
    assert not replace(STANDARD, sign_max_stale=s(300)).signs_through_outages
    assert not STANDARD.signs_through_outages


def test_signing_cannot_stop_before_the_view_ttl_ends() -> None:
    with pytest.raises(PolicyError) as caught:
        replace(STANDARD, sign_max_stale=s(299))
    assert str(caught.value) == (
        "signing stops 299 s after the last confirmation, before the view TTL 300 s ends: leave JOURNAL_SIGN_MAX_STALE"
        " out, or set it to no less"
    )


def test_the_shortest_durations_are_possible() -> None:
    tick = timedelta(microseconds=1)
    for name in ("jwks_max_age", "poll", "longest_token"):
        assert getattr(replace(STANDARD, **{name: tick}), name) == tick
    assert replace(STANDARD, leeway=s(0), skew=s(0)).publish_to_promote == s(615)
    assert replace(STANDARD, poll=s(150)).poll * 2 == STANDARD.view_ttl


def policy(family: Family, interval: timedelta) -> RotationPolicy:
    algorithm = Algorithm.EDDSA if family is Family.JWT else Algorithm.A256GCM
    return RotationPolicy(family=family, interval=interval, algorithm=algorithm)


@pytest.mark.parametrize("family", list(Family))
def test_an_interval_shorter_than_w1_shows_the_sum(family: Family) -> None:
    STANDARD.check(policy(family, s(1_000_000)))
    with pytest.raises(PolicyError) as caught:
        STANDARD.check(policy(family, s(674)))
    assert str(caught.value) == (
        f"the {family} rotation interval 674 s is shorter than W1 = 675 s = verifier view 600 s + poll 15 s"
        " + skew 60 s: a successor could never be ready in time"
    )


def test_an_interval_of_w1_is_long_enough() -> None:
    STANDARD.check(policy(Family.AES, s(675)))


W2 = STANDARD.promote_to_retire


def test_an_interval_that_would_keep_too_many_signing_keys_shows_the_sum() -> None:
    interval = W2 / 64
    assert interval * 64 == W2
    STANDARD.check(policy(Family.JWT, interval))
    with pytest.raises(PolicyError) as caught:
        STANDARD.check(policy(Family.JWT, interval - timedelta(microseconds=1)))
    assert str(caught.value) == (
        "W2 = 1.21004e+06 s = signer view 300 s + poll 15 s + longest token 1.2096e+06 s + leeway 60 s + skew 60 s"
        " is more than 64 times the jwt rotation interval 18906.8 s: the JWK Set would grow past 64 keys"
    )
    STANDARD.check(policy(Family.AES, s(700)))


@pytest.mark.parametrize(
    ("family", "algorithm", "interval", "said"),
    [
        (
            Family.JWT,
            Algorithm.A256GCM,
            s(1),
            "A256GCM is no algorithm of ring jwt: expected ES256, EdDSA, RS256",
        ),
        (Family.AES, Algorithm.EDDSA, s(1), "EdDSA is no algorithm of ring aes: expected A256GCM"),
        (Family.AES, Algorithm.A256GCM, s(0), "the rotation interval of ring aes is 0:00:00, not > 0"),
    ],
)
def test_a_policy_takes_its_family_s_algorithms_and_a_positive_interval_only(
    family: Family, algorithm: Algorithm, interval: timedelta, said: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        RotationPolicy(family=family, interval=interval, algorithm=algorithm)
    assert str(caught.value) == said


def test_the_shortest_interval_is_positive() -> None:
    assert policy(Family.AES, timedelta(microseconds=1)).interval
