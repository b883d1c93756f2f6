"""Callers are answered from memory while the ledger stands still; who cannot be shares one attempt with all others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dependency_injector import providers

from journal_keys import InfisicalKeyManager, InfisicalSecretsClient
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.container import Container
from journal_keys.domain.keys import Family
from journal_keys.domain.token import UnknownKidError
from journal_keys.entrypoints.http.dependencies import InstalledKeys
from journal_keys.entrypoints.renewal import KID_COOL_DOWN
from journal_keys.entrypoints.settings import Settings
from journal_keys.ports.ledger import LedgerUnavailableError
from tests.support.embedded import make_rings, settings_in
from tests.support.slow_store import SlowStore
from tests.support.stalled_ledger import StalledLedger

DAY_S = 86_400.0
SIGNS_S, VERIFIES_S = DAY_S, 2 * DAY_S
POLL_S = DAY_S / 2
A_MOMENT = timedelta(seconds=0.1)
HERE_AT_ONCE_S = 5.0
REFRESHING = {"journal_keys refresher", "journal_keys reader"}

Ask = Callable[[InfisicalKeyManager], Awaitable[object]]
ASKED: dict[str, Ask] = {
    "signer": lambda manager: manager.signer(),
    "verifier": lambda manager: manager.verifier(),
    "cipher": lambda manager: manager.get_token_cipher(),
}


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    made = settings_in(
        tmp_path,
        journal_keys_profile="standard",
        journal_ledger_poll=POLL_S,
        journal_infisical_cache_ttl=SIGNS_S,
        journal_verify_max_stale=VERIFIES_S,
        journal_jwt_rotation_interval=40 * DAY_S,
    )
    await make_rings(made)
    return made


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[InfisicalSecretsClient]:
    """A client with views, whose refresher looks and reads no more: whatever is asked here, a caller asks."""
    async with InfisicalSecretsClient(settings) as opened:
        await InfisicalKeyManager(client=opened).signer()
        refreshing = {task for task in asyncio.all_tasks() if task.get_name() in REFRESHING}
        for task in refreshing:
            task.cancel()
        await asyncio.wait(refreshing)
        yield opened


@pytest.fixture
async def ledger(client: InfisicalSecretsClient) -> AsyncIterator[StalledLedger]:
    """Its ledger, which stands still."""
    container = await client.container()
    stalled = StalledLedger(ledger=container.ledger())
    container.ledger.override(providers.Object(stalled))
    async with stalled.stopped():
        yield stalled


@pytest.fixture
async def clock(client: InfisicalSecretsClient) -> ManualClock:
    """The clock by which it is told how old views are and how long ago somebody looked."""
    container = await client.container()
    now = container.clock().read()
    manual = ManualClock(now.wall)
    manual.pass_time(now.uptime)
    container.clock.override(providers.Object(manual))
    client.clock = manual
    return manual


async def aged(client: InfisicalSecretsClient, age_s: float) -> Container:
    """The container, whose views were confirmed so long ago."""
    container = await client.container()
    board, now_s = container.board(), container.clock().uptime_s()
    assert board.signing is not None
    assert board.cipher is not None
    board.show(replace(board.signing, confirmed_s=now_s - age_s))
    board.show(replace(board.cipher, confirmed_s=now_s - age_s))
    return container


def begun(manager: InfisicalKeyManager, ask: Ask, number: int) -> list[asyncio.Future[object]]:
    return [asyncio.ensure_future(ask(manager)) for _ in range(number)]


async def passes() -> None:
    """Let everybody go on who can."""
    for _ in range(20):
        await asyncio.sleep(0)


def of_nobody() -> str:
    """A token whose kid no ring holds."""
    return jwt.encode({"sub": "x"}, Ed25519PrivateKey.generate(), "EdDSA", {"kid": "jwt_" + "x" * 22, "typ": "at+jwt"})


async def test_within_its_bound_a_view_answers_at_once_though_it_is_many_polls_old(
    client: InfisicalSecretsClient, ledger: StalledLedger
) -> None:
    manager = InfisicalKeyManager(client=client)
    token = (await manager.signer()).sign({"sub": "alice"})
    await aged(client, SIGNS_S - 60)
    async with asyncio.timeout(HERE_AT_ONCE_S):
        verified = await asyncio.gather(*(manager.verify(token) for _ in range(8)))
        cipher = await manager.get_token_cipher()
        assert (await manager.signer()).sign({})
    assert {claims["sub"] for claims in verified} == {"alice"}
    assert cipher.decrypt(cipher.encrypt("x")) == "x"
    assert ledger.asked == 0


@pytest.mark.parametrize("asked", ASKED)
async def test_a_view_past_its_bound_is_renewed_by_one_attempt_for_all_who_wait(
    client: InfisicalSecretsClient, ledger: StalledLedger, asked: str
) -> None:
    await aged(client, VERIFIES_S + 60)
    managers = InfisicalKeyManager(client=client), InfisicalKeyManager(client=client)
    waiting = [task for manager in managers for task in begun(manager, ASKED[asked], 3)]
    await passes()
    waiting[0].cancel()
    await passes()
    assert [task.done() for task in waiting] == [True] + 5 * [False]
    ledger.fail()
    async with asyncio.timeout(HERE_AT_ONCE_S):
        await asyncio.gather(*waiting[1:])
    assert ledger.asked == 1
    ledger.go_on()
    await ASKED[asked](managers[0])
    views = await client.container()
    assert views.signer().sign({})
    assert views.cipher().encrypt("x")


async def test_a_cipher_that_still_decrypts_is_waited_for_once_in_an_outage(
    client: InfisicalSecretsClient, ledger: StalledLedger, clock: ManualClock
) -> None:
    manager = InfisicalKeyManager(client=client)
    await aged(client, SIGNS_S + 60)
    first = begun(manager, ASKED["cipher"], 1)
    await passes()
    ledger.fail()
    await asyncio.wait(first)
    clock.pass_time(client.settings.poll + A_MOMENT)
    async with asyncio.timeout(HERE_AT_ONCE_S):
        await manager.get_token_cipher()
        await manager.verifier()
    assert ledger.asked == 1


async def test_without_any_view_each_call_tries_and_says_why_there_is_none(
    client: InfisicalSecretsClient, ledger: StalledLedger
) -> None:
    board = (await client.container()).board()
    board.signing = board.cipher = None
    manager = InfisicalKeyManager(client=client)
    for number in (1, 2):
        waiting = begun(manager, ASKED["signer"], 2)
        await passes()
        ledger.fail()
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(failure) for failure in told] == 2 * [LedgerUnavailableError]
        assert ledger.asked == number


async def test_an_attempt_whose_callers_have_hung_up_ends_with_the_client(
    client: InfisicalSecretsClient, ledger: StalledLedger
) -> None:
    await aged(client, VERIFIES_S + 60)
    manager = InfisicalKeyManager(client=client)
    gone, patient = begun(manager, ASKED["signer"], 2)
    await passes()
    gone.cancel()
    await passes()
    await client.aclose()
    assert ledger.asked == 1
    assert await patient
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "journal_keys renewal"]


@pytest.mark.parametrize("of", ["the library", "an installed application"])
async def test_random_kids_share_one_look_and_a_long_one_is_recent_when_it_ends(
    client: InfisicalSecretsClient, ledger: StalledLedger, clock: ManualClock, of: str
) -> None:
    container = await client.container()
    keys = InstalledKeys(lambda: container) if of != "the library" else InfisicalKeyManager(client=client)
    good = container.signer().sign({"sub": "alice"})
    clock.pass_time(KID_COOL_DOWN)
    waiting = [asyncio.ensure_future(keys.verify(of_nobody())) for _ in range(6)]
    await passes()
    assert (await keys.verify(good))["sub"] == "alice"
    clock.pass_time(15 * KID_COOL_DOWN)
    ledger.fail()
    async with asyncio.timeout(HERE_AT_ONCE_S):
        told = await asyncio.gather(*waiting, return_exceptions=True)
        with pytest.raises(UnknownKidError):
            await keys.verify(of_nobody())
    assert [type(refusal) for refusal in told] == 6 * [UnknownKidError]
    assert ledger.asked == 1
    clock.pass_time(KID_COOL_DOWN + A_MOMENT)
    late = asyncio.ensure_future(keys.verify(of_nobody()))
    await passes()
    ledger.fail()
    await asyncio.wait({late})
    assert isinstance(late.exception(), UnknownKidError)
    assert ledger.asked == 2


@pytest.mark.parametrize("of", ["the library", "an installed application"])
async def test_a_store_that_makes_its_readers_wait_keeps_nobody_waiting_whom_the_ledger_can_answer(
    client: InfisicalSecretsClient, of: str
) -> None:
    container, manager = await client.container(), InfisicalKeyManager(client=client)
    keys = manager if of == "the library" else InstalledKeys(lambda: container)
    ring = (await container.ledger().read(Family.AES)).ring
    assert ring is not None
    await container.compromise_key()(Family.AES, ring.active.kid, actor="test", reason="test")
    slow = SlowStore(container.read_material())
    container.read_material.override(providers.Object(slow))
    await aged(client, 3 * DAY_S)
    async with asyncio.timeout(HERE_AT_ONCE_S):
        await manager.signer()
        await manager.get_token_cipher()
        with pytest.raises(UnknownKidError):
            await keys.verify(of_nobody())
    assert slow.asked == []


async def test_a_signer_waits_for_its_key_where_the_ring_is_confirmed_and_the_key_not_read_yet(
    client: InfisicalSecretsClient,
) -> None:
    container, manager = await client.container(), InfisicalKeyManager(client=client)
    shown = container.board().signing
    assert shown is not None
    container.board().show(replace(shown, signing=None, signers={}, records={}, is_restored=True))
    assert (await container.refresh_views().confirm()).sought
    assert container.board().signing is not shown
    assert (await manager.get_current_signing_key()).kid == shown.ring.active.kid
