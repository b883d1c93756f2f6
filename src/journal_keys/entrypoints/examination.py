"""Look at everything between here and Infisical, over a store that is opened for it."""

from collections.abc import AsyncIterator

from journal_keys.adapters.infisical_cli.doctor import Doctor, Finding
from journal_keys.adapters.infisical_cli.opening import open_store
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.entrypoints.settings import Settings


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Give each finding as soon as it is there; a probe secret is written, read back and deleted.

    Raises:
        SettingsError: the settings of Infisical are incomplete.
    """
    connection, clock, entropy = settings.connection(), SystemClock(), SystemEntropy()
    async with open_store(connection, clock, entropy) as opened:
        doctor = Doctor(
            opened=opened,
            target=connection.target,
            clock=clock,
            entropy=entropy,
            timeout_s=connection.health_timeout_s,
        )
        async for finding in doctor():
            yield finding
