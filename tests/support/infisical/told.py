"""A server of the developer's own, where the environment names one."""

import os

from journal_keys.entrypoints.settings import Settings, SettingsError


def told_settings() -> Settings | None:
    """The settings of the environment, where they name a server of Infisical and an identity."""
    try:
        settings = Settings.model_validate({"journal_infisical_enabled": True, **named()})
        settings.connection()
    except SettingsError:
        return None
    return settings


def named() -> dict[str, str]:
    return {name.lower(): value for name, value in os.environ.items() if "INFISICAL" in name or name == "PATH"}
