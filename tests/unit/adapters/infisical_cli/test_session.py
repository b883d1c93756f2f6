"""Tokens: when one is asked for, and when it is not."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from journal_keys.adapters.infisical_cli import wire
from journal_keys.adapters.infisical_cli.failures import CallFailedError, CallFailure, Failure
from journal_keys.adapters.infisical_cli.session import FixedToken, Login, lifetime_s
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.domain import base64url
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.secret_store import SecretStoreDeniedError, SecretStoreProtocolError

START = datetime(2026, 1, 1, tzinfo=UTC)


def jwt(claims: object) -> KeyMaterial:
    return KeyMaterial(f"e30.{base64url.encode(json.dumps(claims).encode())}.c2ln".encode())


class Server:
    """Gives tokens, refuses, or answers with what is no token."""

    def __init__(self) -> None:
        self.logins = 0
        self.refusal: CallFailure | None = None
        self.is_garbled = False
        self.life_s = 1000

    async def log_in(self) -> KeyMaterial:
        self.logins += 1
        if self.refusal is not None:
            raise CallFailedError(self.refusal)
        if self.is_garbled:
            return wire.parse_token(b"\n")
        return jwt({"iat": self.logins, "exp": self.logins + self.life_s})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def login(server: Server, clock: ManualClock) -> Login:
    return Login(log_in=server.log_in, clock=clock)


def refuses(kind: Failure, wait_s: float | None = None) -> CallFailure:
    return CallFailure(kind=kind, status=401, reason="no", wait_s=wait_s)


async def test_a_token_is_kept_for_four_fifths_of_its_life(login: Login, server: Server, clock: ManualClock) -> None:
    first = await login.token()
    clock.pass_time(timedelta(seconds=799))
    assert await login.token() is first
    clock.pass_time(timedelta(seconds=1))
    assert await login.token() is not first
    assert server.logins == 2


async def test_a_token_in_its_last_fifth_serves_while_no_new_one_is_to_be_had(
    login: Login, server: Server, clock: ManualClock
) -> None:
    first = await login.token()
    clock.pass_time(timedelta(seconds=801))
    server.refusal = refuses(Failure.CREDENTIALS)
    assert await login.token() is first


async def test_a_login_that_fails_holds_up_one_reader_of_a_crowd_and_the_next_half_a_minute_later(
    login: Login, server: Server, clock: ManualClock
) -> None:
    first = await login.token()
    clock.pass_time(timedelta(seconds=801))
    server.refusal = CallFailure(kind=Failure.BUSY, status=429, reason="slow down")
    for tries in (2, 2, 3, 3):
        assert await asyncio.gather(*(login.token() for _ in range(20))) == [first] * 20
        assert server.logins == tries
        clock.pass_time(timedelta(seconds=15))
    server.refusal = None
    assert await login.token() is not first


async def test_a_token_in_its_last_fifth_serves_while_logins_are_garbled_and_these_are_far_apart(
    login: Login, server: Server, clock: ManualClock
) -> None:
    first = await login.token()
    clock.pass_time(timedelta(seconds=801))
    server.is_garbled = True
    tries = []
    for _ in range(100):
        assert await login.token() is first
        tries.append(server.logins)
        clock.pass_time(timedelta(seconds=1))
    assert (tries[0], tries[59], tries[60], tries[99]) == (2, 2, 3, 3)
    server.is_garbled = False
    clock.pass_time(timedelta(minutes=2))
    assert await login.token() is not first


async def test_without_a_token_a_garbled_login_is_told_as_what_it_is_also_while_none_is_tried(
    login: Login, server: Server, clock: ManualClock
) -> None:
    server.is_garbled = True
    for _ in range(2):
        with pytest.raises(SecretStoreProtocolError, match=r"printed no access token.*tried again in"):
            await login.token()
        clock.pass_time(timedelta(seconds=1))
    assert server.logins == 1


async def test_a_refused_token_is_renewed_once_for_all_who_hold_it(login: Login, server: Server) -> None:
    first = await login.token()
    second = await login.renewed(first)
    assert second is not first
    assert await login.renewed(first) is second
    assert server.logins == 2


async def test_a_refused_login_is_not_tried_again_for_a_minute_and_then_for_longer(
    login: Login, server: Server, clock: ManualClock
) -> None:
    server.refusal = refuses(Failure.CREDENTIALS)
    tries = []
    for _ in range(400):
        with pytest.raises(SecretStoreDeniedError, match="login is refused"):
            await login.token()
        tries.append(server.logins)
        clock.pass_time(timedelta(seconds=1))
    assert (tries[0], tries[59], tries[60], tries[179], tries[180], tries[399]) == (1, 1, 2, 2, 3, 3)


@pytest.mark.parametrize(
    ("told_s", "after_s", "logins"),
    [(300, 299, 1), (300, 301, 2), (59_999_940, 299, 1), (59_999_940, 301, 2)],
    ids=["while it is locked", "behind that", "five minutes at the most: before", "and behind"],
)
async def test_a_locked_identity_is_left_alone_for_as_long_as_it_is_locked_and_five_minutes_at_the_most(
    login: Login, server: Server, clock: ManualClock, told_s: float, after_s: float, logins: int
) -> None:
    server.refusal = refuses(Failure.CREDENTIALS, wait_s=told_s)
    for _ in range(2):
        with pytest.raises(SecretStoreDeniedError):
            await login.token()
        clock.pass_time(timedelta(seconds=after_s))
    assert server.logins == logins


async def test_a_login_that_failed_for_another_reason_is_not_held(login: Login, server: Server) -> None:
    server.refusal = CallFailure(kind=Failure.TRANSPORT, status=None, reason="gone")
    with pytest.raises(CallFailedError):
        await login.token()
    server.refusal = None
    await login.token()


async def test_an_outage_of_any_length_does_not_count_as_logins(login: Login, server: Server) -> None:
    server.refusal = CallFailure(kind=Failure.TRANSPORT, status=None, reason="gone")
    for _ in range(30):
        with pytest.raises(CallFailedError):
            await login.token()
    server.refusal = None
    await login.token()


async def test_tokens_that_are_refused_as_soon_as_they_are_given_end_in_a_refusal(
    login: Login, server: Server, clock: ManualClock
) -> None:
    token = await login.token()
    for _ in range(9):
        token = await login.renewed(token)
    with pytest.raises(SecretStoreDeniedError, match="again and again"):
        await login.renewed(token)
    assert server.logins == 10
    clock.pass_time(timedelta(minutes=1))
    await login.token()


async def test_a_token_that_was_handed_in_cannot_be_renewed() -> None:
    session = FixedToken(KeyMaterial(b"t"))
    token = await session.token()
    assert expose(token) == b"t"
    with pytest.raises(SecretStoreDeniedError, match="INFISICAL_TOKEN"):
        await session.renewed(token)


@pytest.mark.parametrize(
    ("token", "seconds"),
    [
        (jwt({"iat": 100, "exp": 160}), 60),
        (jwt({"iat": 100, "exp": 100}), float("inf")),
        (jwt({"exp": 160}), float("inf")),
        (jwt({"iat": "x", "exp": 160}), float("inf")),
        (jwt([1]), float("inf")),
        (KeyMaterial(b"st.x.y.z"), float("inf")),
        (KeyMaterial(b"a.b.c"), float("inf")),
        (KeyMaterial(b"a.!.c"), float("inf")),
    ],
)
def test_a_lifetime_is_what_the_token_says_of_itself_or_endless(token: KeyMaterial, seconds: float) -> None:
    assert lifetime_s(token) == seconds
