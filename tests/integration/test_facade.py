"""The names and calls of the integration guide, on the embedded profile."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from dependency_injector import providers
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from journal_keys import (
    EnvelopeError,
    InfisicalKeyManager,
    InfisicalSecretsClient,
    TokenRefusedError,
)
from journal_keys.adapters.crypto.key_crypto import JwsSigningKey
from journal_keys.adapters.sql.engine import ledger_engine
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.errors import InvalidPathError, UnencodableTextError
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.outcomes import NotDue, Rotated, RotationOutcome
from journal_keys.entrypoints.facade import PartlyRotatedError
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings, SettingsError
from journal_keys.ports.ledger import LedgerError, LedgerUnavailableError
from journal_keys.ports.secret_store import SecretNotFoundError, SecretStoreError
from journal_keys.use_cases.check_health import HealthStatus
from journal_keys.use_cases.store_secret import OwnedPathError
from tests.support.embedded import make_rings, settings_in, w1_s
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.ledger_contract import fact

DATABASE = "/database/db_url_async"
QUICK = {
    "journal_jwks_max_age": 0.01,
    "journal_infisical_cache_ttl": 0.1,
    "journal_sign_max_stale": 60,  # a busy machine's pauses refuse nothing
    "journal_ledger_poll": 0.001,
    "journal_clock_skew": 0,
}


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    made = settings_in(tmp_path)
    await make_rings(made)
    return made


async def may_rotate(folder: Path) -> Settings:
    """Make rings whose staged keys have waited for W1."""
    made = settings_in(folder, **QUICK)
    await make_rings(made)
    await asyncio.sleep(w1_s(made))
    return made


async def test_a_stored_secret_is_fetched_and_a_missing_one_is_not_found(settings: Settings) -> None:
    async with InfisicalSecretsClient(settings) as client:
        await client.store_secret("/infrastructure/otlp_endpoint", "http://localhost:4317")
        assert await client.fetch_secret("/infrastructure/otlp_endpoint") == "http://localhost:4317"
        with pytest.raises(SecretNotFoundError, match="/infrastructure/redis_url"):
            await client.fetch_secret("/infrastructure/redis_url")


async def test_the_guide_s_paths_of_keys_are_read_and_never_written_by_hand(settings: Settings) -> None:
    async with InfisicalSecretsClient(settings) as client:
        assert (await client.fetch_secret("/auth/jwt/current_private_key")).startswith("-----BEGIN PRIVATE KEY-----")
        await client.store_secret("/auth/jwt/new_key", "the guide's own example")
        assert await client.fetch_secret("/auth/jwt/new_key") == "the guide's own example"
        for path in ("/auth/jwt/current_private_key", "/auth/aes/versions/x", "/auth/aes/_journal_keys"):
            with pytest.raises(OwnedPathError):
                await client.store_secret(path, "x")


async def test_a_cached_secret_survives_the_loss_of_the_vault_within_its_bound(settings: Settings) -> None:
    async with InfisicalSecretsClient(settings) as client:
        await client.store_secret("/infrastructure/nats_url", "nats://localhost")
        await client.fetch_secret("/infrastructure/nats_url")
        settings.vault_file.unlink()
        assert await client.fetch_secret("/infrastructure/nats_url") == "nats://localhost"
        with pytest.raises(SecretStoreError):
            await client.fetch_secret("/infrastructure/redis_url")


async def test_health_is_a_value(settings: Settings) -> None:
    async with InfisicalSecretsClient(settings) as client:
        assert (await client.health_check()).overall is HealthStatus.HEALTHY


async def test_the_signing_key_signs_for_whoever_uses_pyjwt(settings: Settings) -> None:
    async with InfisicalSecretsClient(settings) as client:
        key = await InfisicalKeyManager(client=client).get_current_signing_key()
        assert isinstance(key, JwsSigningKey)
        token = jwt.encode({"sub": "x"}, key.key, algorithm=key.algorithm, headers={"kid": key.kid})
        assert jwt.decode(token, key.key.public_key(), algorithms=[key.algorithm]) == {"sub": "x"}


async def test_tokens_and_ciphertexts_outlive_a_rotation(tmp_path: Path) -> None:
    settings = await may_rotate(tmp_path)
    async with InfisicalSecretsClient(settings) as client:
        manager = InfisicalKeyManager(client=client)
        token = (await manager.signer()).sign({"sub": "alice"})
        ciphertext = (await manager.get_token_cipher()).encrypt("x", context=b"row 1")
        outcomes = await manager.rotate_keys(force=True)
        assert {type(outcome) for outcome in outcomes.values()} == {Rotated}
        assert (await manager.get_current_signing_key()).kid == outcomes[Family.JWT].new_kid  # type: ignore[union-attr]
        assert (await manager.verify(token))["sub"] == "alice"
        cipher = await manager.get_token_cipher()
        assert cipher.needs_rewrap(ciphertext)
        assert cipher.decrypt(cipher.rewrap(ciphertext, context=b"row 1"), context=b"row 1") == "x"


async def test_a_rotation_that_is_not_due_is_said_to_be_so(settings: Settings) -> None:
    async with InfisicalSecretsClient(settings) as client:
        outcomes = await InfisicalKeyManager(client=client).rotate_keys()
        assert {type(outcome) for outcome in outcomes.values()} == {NotDue}


async def test_another_process_s_rotation_is_seen_and_its_tokens_are_accepted(tmp_path: Path) -> None:
    settings = await may_rotate(tmp_path)
    async with InfisicalSecretsClient(settings) as here, InfisicalSecretsClient(settings) as there:
        verifying, rotating = InfisicalKeyManager(client=here), InfisicalKeyManager(client=there)
        await verifying.verifier()
        outcomes = await rotating.rotate_keys(force=True)
        assert {type(outcome) for outcome in outcomes.values()} == {Rotated}
        token = (await rotating.signer()).sign({"sub": "bob"})
        assert (await verifying.verify(token))["sub"] == "bob"


async def test_forged_input_is_refused_with_the_documented_errors(settings: Settings) -> None:
    async with InfisicalSecretsClient(settings) as client:
        manager = InfisicalKeyManager(client=client)
        for token in ("", "a.b.c", "x" * 10_000):
            with pytest.raises(TokenRefusedError):
                await manager.verify(token)
        with pytest.raises(EnvelopeError):
            (await manager.get_token_cipher()).decrypt("jk2.nobody." + "A" * 40)


async def test_a_session_of_the_application_names_the_ledger(settings: Settings) -> None:
    elsewhere = settings.model_copy(
        update={"journal_db_url_async": SecretStr("sqlite+aiosqlite:////nonexistent/ledger")}
    )
    async with ledger_engine(settings.ledger_url) as engine, AsyncSession(engine) as session:
        manager = InfisicalKeyManager(session, None, InfisicalSecretsClient(elsewhere))
        assert (await manager.get_current_signing_key()).kid.startswith("jwt_")
        await manager.aclose()


async def test_a_plain_engine_of_the_application_loses_no_count_and_no_audit_entry(tmp_path: Path) -> None:
    settings = await may_rotate(tmp_path)
    plain = create_async_engine(settings.ledger_url)
    async with open_container(settings, engine=plain) as container:
        before = (await container.trail().head()).sequence
        await asyncio.gather(
            *(container.usage().add(Kid("aes_counted"), 1) for _ in range(40)),
            *(container.trail().append(fact()) for _ in range(40)),
        )
        assert await container.usage().add(Kid("aes_counted"), 0) == 40
        assert (await container.trail().head()).sequence == before + 40
        await container.verify_audit()()
    await plain.dispose()


async def test_five_rotations_at_once_on_a_plain_engine_promote_each_ring_once(tmp_path: Path) -> None:
    settings = await may_rotate(tmp_path)
    plain = create_async_engine(settings.ledger_url)
    async with AsyncSession(plain) as session:
        manager = InfisicalKeyManager(session, None, InfisicalSecretsClient(settings))
        outcomes = await asyncio.gather(*(manager.rotate_keys(force=True, rotation_id="once") for _ in range(5)))
        for family in Family:
            promoted = {getattr(each[family], "new_kid", None) for each in outcomes}
            assert len(promoted) == 1
            assert None not in promoted
        await manager.aclose()
    await plain.dispose()


async def test_without_init_the_ledger_is_said_to_be_missing(tmp_path: Path) -> None:
    client = InfisicalSecretsClient(settings_in(tmp_path))
    with pytest.raises(LedgerError, match="journal-keys init"):
        await client.fetch_secret("/infrastructure/nats_url")
    await client.aclose()


async def test_ten_thousand_verifications_and_decryptions_call_no_port(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, journal_keys_profile="standard")
    await make_rings(settings)
    plan = FaultPlan(at=-1, kind=FaultKind.ERROR_BEFORE)
    async with InfisicalSecretsClient(settings) as client:
        container = await client.container()
        for provider in (container.store, container.ledger, container.usage, container.trail):
            provider.override(plan.wrap(provider()))
        manager = InfisicalKeyManager(client=client)
        cipher = await manager.get_token_cipher()
        token, ciphertext = (await manager.signer()).sign({"sub": "x"}), cipher.encrypt("x")
        await client.store_secret("/infrastructure/nats_url", "nats://localhost")
        await client.fetch_secret("/infrastructure/nats_url")
        assert {"heads", "read", "read_folder"} <= set(plan.calls)
        plan.calls.clear()
        for _ in range(10_000):
            await manager.verify(token)
            (await manager.get_token_cipher()).decrypt(ciphertext)
            await client.fetch_secret("/infrastructure/nats_url")
        assert plan.calls == []


async def test_handles_stay_good_past_the_view_ttl_without_another_call(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, **(QUICK | {"journal_ledger_poll": 0.02, "journal_sign_max_stale": 0.5}))
    await make_rings(settings)
    async with InfisicalSecretsClient(settings) as client:
        manager = InfisicalKeyManager(client=client)
        signer, cipher = await manager.signer(), await manager.get_token_cipher()
        for _ in range(4):
            await asyncio.sleep(0.2)
        assert cipher.decrypt(cipher.encrypt("x")) == "x"
        assert signer.sign({})


async def test_a_view_left_behind_the_other_is_refreshed_when_it_is_asked_for(settings: Settings) -> None:
    async with InfisicalSecretsClient(settings) as client, InfisicalKeyManager(client=client) as manager:
        board = (await client.container()).board()
        assert board.cipher is not None
        board.show(replace(board.cipher, confirmed_s=board.cipher.confirmed_s - 3_600))
        assert (await manager.get_token_cipher()).encrypt("x")


async def test_a_closed_client_leaves_no_task(settings: Settings) -> None:
    before = asyncio.all_tasks()
    async with InfisicalSecretsClient(settings) as client:
        await InfisicalKeyManager(client=client).signer()
        assert asyncio.all_tasks() > before
    assert asyncio.all_tasks() == before


async def test_a_manager_that_cannot_be_entered_leaves_nothing_open(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_KEYS_HOME", str(settings.journal_keys_home))
    settings.vault_file.unlink()
    before = asyncio.all_tasks()
    for _ in range(2):
        with pytest.raises(SecretStoreError):
            await InfisicalKeyManager().__aenter__()
    assert asyncio.all_tasks() == before


async def test_who_closes_while_it_opens_leaves_nothing_open(settings: Settings) -> None:
    before = asyncio.all_tasks()
    client = InfisicalSecretsClient(settings)
    opening = asyncio.create_task(client.container())
    await asyncio.sleep(0)
    await client.aclose()
    await opening
    assert asyncio.all_tasks() == before


async def test_the_encryptions_of_a_short_life_are_counted(settings: Settings) -> None:
    async with InfisicalSecretsClient(settings) as client:
        cipher = await InfisicalKeyManager(client=client).get_token_cipher()
        kid = cipher.encrypt("x").split(".")[1]
        for _ in range(999):
            cipher.encrypt("x")
    async with open_container(settings) as container:
        assert await container.usage().add(Kid(kid), 0) == 1000


async def test_a_ring_that_fails_does_not_hide_the_other_s_outcome(settings: Settings) -> None:
    async with InfisicalSecretsClient(settings) as client:
        container = await client.container()
        rotate = container.rotate_keys()

        async def fail_for_jwt(family: Family, request: RotationRequest) -> RotationOutcome:
            if family is Family.JWT:
                raise LedgerUnavailableError("planned: no answer")
            return await rotate(family, request)

        container.rotate_keys.override(providers.Object(fail_for_jwt))
        with pytest.raises(PartlyRotatedError, match="jwt failed: planned") as caught:
            await InfisicalKeyManager(client=client).rotate_keys()
    assert {family: type(outcome) for family, outcome in caught.value.outcomes.items()} == {Family.AES: NotDue}
    assert {family: type(failure) for family, failure in caught.value.failures.items()} == {
        Family.JWT: LedgerUnavailableError
    }


async def test_a_secret_that_is_stored_anew_is_not_fetched_as_it_was(settings: Settings) -> None:
    async with InfisicalSecretsClient(settings) as client:
        for value in ("redis://one", "redis://two"):
            await client.store_secret("/infrastructure/redis_url", value)
            assert await client.fetch_secret("/infrastructure/redis_url") == value
            assert await client.fetch_secret("/infrastructure/redis_url") == value


async def test_a_value_that_is_no_unicode_text_is_refused(settings: Settings) -> None:
    async with InfisicalSecretsClient(settings) as client:
        with pytest.raises(UnencodableTextError):
            await client.store_secret("/infrastructure/redis_url", "\ud800")


@pytest.mark.parametrize("path", ["", "database", "/a//b", None, 7, [], {}], ids=repr)
async def test_what_is_no_path_is_refused(settings: Settings, path: Any) -> None:  # noqa: ANN401
    async with InfisicalSecretsClient(settings) as client:
        with pytest.raises(InvalidPathError):
            await client.fetch_secret(path)


def test_a_malformed_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_CLOCK_SKEW", "canary")
    with pytest.raises(SettingsError, match="JOURNAL_CLOCK_SKEW") as caught:
        InfisicalSecretsClient.from_env()
    assert "canary" not in str(caught.value)


async def test_what_an_application_fetches_is_among_its_own_figures(settings: Settings) -> None:
    def hits() -> float:
        return REGISTRY.get_sample_value("infisical_cache_hit_total", {"path": DATABASE}) or 0.0

    async with InfisicalSecretsClient(settings) as client:
        await client.store_secret(DATABASE, "postgresql://localhost/journal")
        await client.fetch_secret(DATABASE)
        (await client.container()).show_figures()()
        before = hits()
        for _ in range(5):
            await client.fetch_secret(DATABASE)
        (await client.container()).show_figures()()
        assert hits() == before + 5
