"""What the stand-in server counts over time: refused logins, requests, the lives of tokens."""

import pytest

from tests.support.infisical.asking import Asker, log_in, refusal
from tests.support.infisical.eras import Era
from tests.support.infisical.server import InfisicalServer


class Clock:
    """Shows the time that it was set to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def statuses(server: InfisicalServer, secrets: list[str]) -> list[int]:
    return [log_in(server, server.owner.client_id, secret).status for secret in secrets]


def test_three_refused_logins_lock_an_identity_for_five_minutes(clock: Clock) -> None:
    with InfisicalServer(clock=clock) as server:
        right = server.owner.client_secret
        assert statuses(server, ["wrong", "wrong", right, "wrong", "wrong", "wrong", right]) == [
            401, 401, 200, 401, 401, 401, 401,
        ]  # fmt: skip
        assert "temporarily locked" in str(refusal(log_in(server, server.owner.client_id, right))[2])
        clock.now += 299
        assert statuses(server, [right]) == [401]
        clock.now += 1
        assert statuses(server, [right]) == [200]


def test_refused_logins_are_forgotten_after_half_a_minute(clock: Clock) -> None:
    with InfisicalServer(clock=clock) as server:
        assert statuses(server, ["wrong", "wrong"]) == [401, 401]
        clock.now += 30
        assert statuses(server, ["wrong", server.owner.client_secret]) == [401, 200]


def test_a_server_of_2024_never_locks(clock: Clock) -> None:
    with InfisicalServer(era=Era.JULY_2024, clock=clock) as server:
        assert statuses(server, ["wrong"] * 5 + [server.owner.client_secret]) == [403] * 5 + [200]


@pytest.mark.parametrize(
    ("era", "refused"),
    [
        (Era.NEWEST, (403, "TokenError", "Your token has expired. Please re-authenticate.")),
        (Era.JULY_2024, (500, "Internal Server Error", "jwt expired")),
    ],
)
def test_a_token_ends_with_its_life(era: Era, refused: tuple[int, str, str], clock: Clock) -> None:
    with InfisicalServer(era=era, clock=clock) as server:
        ask = Asker(server, server.token(ttl_s=60))
        clock.now += 59
        assert ask.list("/").status == 200
        clock.now += 1
        assert refusal(ask.list("/")) == refused


@pytest.mark.parametrize(
    ("era", "told"),
    [
        (Era.NEWEST, ("RateLimitExceeded", "Rate limit exceeded. Please try again in 50 seconds")),
        (Era.JULY_2024, ("Too Many Requests", "Rate limit exceeded, retry in 1 minute")),
    ],
)
def test_a_spent_budget_is_told_with_the_wait_and_comes_back_within_a_minute(
    era: Era, told: tuple[str, str], clock: Clock
) -> None:
    with InfisicalServer(era=era, clock=clock, reads_per_minute=2) as server:
        ask = Asker(server)
        assert [ask.list("/").headers["x-ratelimit-remaining"] for _ in range(2)] == ["1", "0"]
        clock.now += 10
        busy = ask.list("/")
        assert refusal(busy) == (429, *told)
        assert busy.headers["retry-after"] == busy.headers["x-ratelimit-reset"] == "50"
        assert ask.folders("/").status == ask.create("/", "k", "v").status == 200, "other routes have their own"
        clock.now += 50
        assert ask.list("/").status == 200


def test_the_newest_server_counts_nothing_unless_it_is_told_to(clock: Clock) -> None:
    with InfisicalServer(clock=clock) as server:
        answers = [Asker(server).list("/") for _ in range(70)]
    assert {answer.status for answer in answers} == {200}
    assert not any("x-ratelimit-limit" in answer.headers for answer in answers)
