"""An embedded home with its rings made, for tests of entry points."""

from collections.abc import Mapping
from pathlib import Path

from journal_keys.container import Container
from journal_keys.entrypoints.resources import provision
from journal_keys.entrypoints.settings import Settings

QUICK: Mapping[str, str] = {
    "JOURNAL_JWKS_MAX_AGE": "0.2",
    "JOURNAL_INFISICAL_CACHE_TTL": "0.2",
    "JOURNAL_LEDGER_POLL": "0.05",
    "JOURNAL_CLOCK_SKEW": "0",
}
"""Settings under which W1 is a quarter of a second."""


def settings_in(folder: Path, **changes: object) -> Settings:
    """Embedded settings whose home is a folder of the test's, and whose views outlast a busy machine's pauses."""
    return Settings.model_validate({"journal_keys_home": folder / "home", "journal_infisical_cache_ttl": 60, **changes})


def w1_s(settings: Settings) -> float:
    """How long a staged key has to wait, in seconds."""
    return settings.windows().publish_to_promote.total_seconds()


async def make_rings(settings: Settings) -> None:
    """Do what `journal-keys init` does."""
    async with provision(settings) as container:
        await init_all(container)


async def init_all(container: Container) -> None:
    """Make both rings."""
    for policy in container.policies().values():
        await container.init_rings()(policy, actor="test", reason="test")
