"""The settings as they take effect, each with where it comes from, no secret among them."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from journal_keys.entrypoints.settings import DEFAULTS, Settings, SettingsError

MASK: Final = "********"
_SILENT: Final = frozenset({"path"})
_URLS: Final = frozenset({"journal_db_url_async", "https_proxy", "http_proxy"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """One setting: its variable, its value (masked where it is secret, None where there is none), its source."""

    name: str
    value: str | None
    source: str


def effective(settings: Settings) -> tuple[Effective, ...]:
    """Give every setting, by the name of its variable."""
    return tuple(_plain(settings)) + tuple(_resolved(settings))


def _plain(settings: Settings) -> Iterator[Effective]:
    defaults = DEFAULTS[settings.journal_keys_profile]
    for field in sorted(set(type(settings).model_fields) - _SILENT):
        value, source = getattr(settings, field), "default"
        if field in settings.model_fields_set:
            source = "environment"
        elif field == "journal_reconcile_interval":
            value, source = settings.reconcile_interval.total_seconds(), _by_profile(settings)
        elif field == "journal_sign_max_stale":
            value, source = settings.sign_max_stale.total_seconds(), "JOURNAL_INFISICAL_CACHE_TTL"
        elif field in defaults:
            value, source = defaults[field], _by_profile(settings)
        yield Effective(name=field.upper(), value=_shown(field, value), source=source)


def _by_profile(settings: Settings) -> str:
    return f"default of profile {settings.journal_keys_profile}"


def _resolved(settings: Settings) -> Iterator[Effective]:
    """What several variables decide together."""
    yield Effective(name="ledger", value=_without_password(settings.ledger_url), source="JOURNAL_DB_URL_ASYNC or home")
    if not settings.journal_infisical_enabled:
        yield Effective(name="secret store", value=str(settings.vault_file), source="JOURNAL_KEYS_HOME")
        return
    try:
        target = settings.connection().target
    except SettingsError as failure:
        yield Effective(name="secret store", value=None, source=str(failure))
        return
    where = f"{target.domain}, project {target.project_id}, environment {target.environment}"
    yield Effective(name="secret store", value=where, source=" and ".join(_deciding(settings)))


def _deciding(settings: Settings) -> Iterator[str]:
    yield "JOURNAL_INFISICAL_SERVER_URL" if settings.journal_infisical_server_url else "INFISICAL_API_URL"
    yield "JOURNAL_INFISICAL_PROJECT_ID" if settings.journal_infisical_project_id else "INFISICAL_PROJECT_ID"


def _shown(field: str, value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, SecretStr):
        return _without_password(value.get_secret_value()) if field in _URLS else MASK
    return str(value.value if isinstance(value, Enum) else value)


def _without_password(url: str) -> str:
    """Give the URL without what stands before its host, and without its query, which drivers take passwords from."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    host = parts.netloc.rpartition("@")[2]
    user = f"{MASK}@" if "@" in parts.netloc else ""
    query = f"?{MASK}" if parts.query else ""
    return f"{parts.scheme}://{user}{host}{parts.path}{query}"
