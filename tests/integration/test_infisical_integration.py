"""Against a server of your own: set INFISICAL_API_URL, INFISICAL_PROJECT_ID, an identity, and have the CLI on PATH.

It writes below /journal_keys_doctor only, and deletes what it wrote.
"""

from collections.abc import AsyncIterator

import pytest

from journal_keys.adapters.infisical_cli.doctor import Doctor, Verdict
from journal_keys.adapters.infisical_cli.opening import Opened, open_store
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.entrypoints.settings import Settings, SettingsError
from journal_keys.ports.secret_store import WriteOnceConflictError
from tests.contract.test_secret_store import HARD_VALUES
from tests.support.infisical.told import named, told_settings

FOLDER = SecretPath.parse("/journal_keys_doctor")


SETTINGS = told_settings()


if SETTINGS is None:

    def test_what_is_missing_to_ask_a_server_of_yours_is_named() -> None:
        with pytest.raises(SettingsError, match="INFISICAL"):
            Settings.model_validate({"journal_infisical_enabled": True, **named()}).connection()


if SETTINGS is not None:

    @pytest.fixture
    async def opened() -> AsyncIterator[Opened]:
        assert SETTINGS is not None
        async with open_store(SETTINGS.connection(), SystemClock(), SystemEntropy()) as made:
            yield made

    async def test_the_doctor_finds_nothing_to_mend(opened: Opened) -> None:
        assert SETTINGS is not None
        examine = Doctor(
            opened=opened,
            target=SETTINGS.connection().target,
            clock=SystemClock(),
            entropy=SystemEntropy(),
            timeout_s=20,
        )
        failed = [finding async for finding in examine() if finding.verdict is Verdict.FAILED]
        assert failed == []

    @pytest.mark.parametrize("text", HARD_VALUES.values(), ids=HARD_VALUES.keys())
    async def test_a_hard_value_reads_back_as_it_was_put(opened: Opened, text: str) -> None:
        path = FOLDER.child(f"probe_{SystemEntropy().token(8).hex()}")
        value = KeyMaterial(text.encode())
        try:
            await opened.store.put_new(path, value)
            held = (await opened.store.read_folder(FOLDER)).secrets[path.name]
            assert expose(held).decode() == text
            with pytest.raises(WriteOnceConflictError):
                await opened.store.put_new(path, KeyMaterial(b"other"))
        finally:
            await opened.store.delete(path)
        assert path.name not in (await opened.store.read_folder(FOLDER)).secrets
