"""The settings of the store in Infisical."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from journal_keys.adapters.infisical_cli.connection import ClientCredentials, Connection, Identity, Target
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.material import KeyMaterial

_SLUG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z", re.ASCII)
_MOST_FILE: Final = 16 * 1024
_PASSED: Final = ("ssl_cert_file", "ssl_cert_dir", "no_proxy")
_PROXIES: Final = ("https_proxy", "http_proxy")


class SettingsError(JournalKeysError):
    """A setting is missing, malformed, or contradicts another; the message names its variable."""


class InfisicalSettings(BaseSettings):
    """By the names of the guide, of the CLI, and of ours. Durations are seconds.

    Where two name the same thing, JOURNAL_INFISICAL_… wins over INFISICAL_…, a variable over its `_FILE`, a token over
    a client id and secret.
    """

    journal_infisical_enabled: bool = False
    """Whether secrets are in Infisical, and not in the vault."""
    journal_infisical_project_id: str | None = None
    """Id of the project."""
    journal_infisical_server_url: str | None = None
    """The server: `https://…` (`http` on loopback only), with or without `/api`."""
    journal_infisical_environment: str = "dev"
    """Slug of the environment."""
    journal_infisical_cli_path: Path | None = None
    """The CLI; without it `infisical` on PATH."""
    journal_infisical_cli_any_version: bool = False
    """Whether a version of the CLI that is not known may write."""
    journal_infisical_timeout: Annotated[float, Field(gt=0, le=600)] = 30.0
    """Deadline of one call."""
    journal_infisical_health_timeout: Annotated[float, Field(gt=0, le=30)] = 5.0
    """Bound of the health answer, and deadline of its calls."""
    journal_infisical_max_retries: Annotated[int, Field(ge=0, le=10)] = 3
    """How often a read is tried again."""
    journal_infisical_retry_delay: Annotated[float, Field(ge=0, le=60)] = 1.0
    """How long before a read is tried again."""
    journal_infisical_children: Annotated[int, Field(ge=1, le=64)] = 4
    """How many calls at once."""
    journal_infisical_requests_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 50
    """How many requests a minute."""
    journal_infisical_rotation_token: SecretStr | None = None
    """The token of who writes; without an identity of its own who reads writes, too."""
    journal_infisical_rotation_token_file: Path | None = None
    """File that holds JOURNAL_INFISICAL_ROTATION_TOKEN."""
    journal_infisical_rotation_client_id: str | None = None
    """The identity that writes, with its secret."""
    journal_infisical_rotation_client_id_file: Path | None = None
    """File that holds JOURNAL_INFISICAL_ROTATION_CLIENT_ID."""
    journal_infisical_rotation_client_secret: SecretStr | None = None
    """The secret of the identity that writes."""
    journal_infisical_rotation_client_secret_file: Path | None = None
    """File that holds JOURNAL_INFISICAL_ROTATION_CLIENT_SECRET."""
    infisical_api_url: str | None = None
    """The server, where JOURNAL_INFISICAL_SERVER_URL does not say it."""
    infisical_project_id: str | None = None
    """Id of the project, where JOURNAL_INFISICAL_PROJECT_ID does not say it."""
    infisical_token: SecretStr | None = None
    """The token of who reads; it wins over a client id and secret."""
    infisical_token_file: Path | None = None
    """File that holds INFISICAL_TOKEN."""
    infisical_universal_auth_client_id: str | None = None
    """The identity that reads, with its secret."""
    infisical_universal_auth_client_id_file: Path | None = None
    """File that holds INFISICAL_UNIVERSAL_AUTH_CLIENT_ID."""
    infisical_universal_auth_client_secret: SecretStr | None = None
    """The secret of the identity that reads."""
    infisical_universal_auth_client_secret_file: Path | None = None
    """File that holds INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET."""
    path: str = ""
    """Where the CLI is looked for."""
    ssl_cert_file: str | None = None
    """File with certificates of authorities, handed on to the CLI."""
    ssl_cert_dir: str | None = None
    """Folder with certificates of authorities, handed on to the CLI."""
    https_proxy: SecretStr | None = None
    """Proxy of the CLI for a server on https, handed on to it."""
    http_proxy: SecretStr | None = None
    """Proxy of the CLI for a server on http, handed on to it."""
    no_proxy: str | None = None
    """Hosts that the CLI asks without a proxy, handed on to it."""

    def connection(self) -> Connection:
        """Say how to reach Infisical.

        Raises:
            SettingsError: something is missing or malformed.
        """
        identity = self._identity("infisical", "infisical_universal_auth")
        if identity is None:
            raise SettingsError(
                "JOURNAL_INFISICAL_ENABLED is true and there is no identity: set INFISICAL_TOKEN, or"
                " INFISICAL_UNIVERSAL_AUTH_CLIENT_ID and INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET, or their _FILE"
            )
        return Connection(
            target=Target(domain=self._domain(), project_id=self._project_id(), environment=self.environment_slug()),
            identity=identity,
            changer=self._identity("journal_infisical_rotation", "journal_infisical_rotation"),
            cli_path=self.journal_infisical_cli_path,
            search_path=self.path,
            trusts_any_version=self.journal_infisical_cli_any_version,
            passed=self._passed(),
            timeout_s=self.journal_infisical_timeout,
            health_timeout_s=self.journal_infisical_health_timeout,
            retries=self.journal_infisical_max_retries,
            retry_delay_s=self.journal_infisical_retry_delay,
            most_children=self.journal_infisical_children,
            requests_per_minute=self.journal_infisical_requests_per_minute,
        )

    def _passed(self) -> dict[str, str]:
        given: dict[str, str | None] = {name: getattr(self, name) for name in _PASSED}
        for name in _PROXIES:
            url: SecretStr | None = getattr(self, name)
            given[name] = None if url is None else url.get_secret_value()
        return {name.upper(): value for name, value in given.items() if value}

    def _domain(self) -> str:
        name = "JOURNAL_INFISICAL_SERVER_URL" if self.journal_infisical_server_url else "INFISICAL_API_URL"
        return checked_domain(self.journal_infisical_server_url or self.infisical_api_url or "", name)

    def _project_id(self) -> str:
        found = self.journal_infisical_project_id or self.infisical_project_id or ""
        if not _SLUG.match(found):
            raise SettingsError("JOURNAL_INFISICAL_PROJECT_ID (or INFISICAL_PROJECT_ID) is the id of a project")
        return found

    def environment_slug(self) -> str:
        """Give the slug of the environment.

        Raises:
            SettingsError: it is none.
        """
        if not _SLUG.match(self.journal_infisical_environment):
            raise SettingsError("JOURNAL_INFISICAL_ENVIRONMENT is the slug of an environment, like dev or prod")
        return self.journal_infisical_environment

    def _identity(self, token: str, client: str) -> Identity | None:
        found = secret_in(self, f"{token}_token")
        if found is not None:
            return found
        client_id = self._client_id(f"{client}_client_id")
        client_secret = secret_in(self, f"{client}_client_secret")
        if client_id is None and client_secret is None:
            return None
        if client_id is None or client_secret is None or not (client_id.isascii() and client_id.isprintable()):
            raise SettingsError(f"{client.upper()}_CLIENT_ID and {client.upper()}_CLIENT_SECRET go together")
        return ClientCredentials(client_id=client_id.strip(), client_secret=client_secret)

    def _client_id(self, name: str) -> str | None:
        value: str | None = getattr(self, name)
        file: Path | None = getattr(self, f"{name}_file")
        if value is None and file is not None:
            return _content(file, name.upper()).strip()
        return value


def secret_in(settings: BaseSettings, name: str) -> KeyMaterial | None:
    """Give the secret of this setting, or of the file that its `_file` names.

    Raises:
        SettingsError: it is no line of printable ASCII, or the file cannot be read.
    """
    value: SecretStr | None = getattr(settings, name)
    file: Path | None = getattr(settings, f"{name}_file")
    if value is not None:
        return _checked_secret(value.get_secret_value(), name.upper())
    return None if file is None else _checked_secret(_content(file, name.upper()), f"{name.upper()}_FILE")


def checked_domain(url: str, name: str) -> str:
    """Give the origin, or what ends in `/api`, without a slash at the end, as the CLI wants it.

    Raises:
        SettingsError: no absolute http(s) URL, http to somewhere else than loopback, or credentials, query or fragment.
    """
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in {"http", "https"} or not host:
        raise SettingsError(f"{name} is the server's URL, like https://secrets.example.org")
    if parts.username is not None or parts.query or parts.fragment or not url.strip().isprintable():
        raise SettingsError(f"{name} has no user, query or fragment")
    if parts.scheme == "http" and not _is_loopback(host):
        raise SettingsError(f"{name} begins with https://: http is for this machine's loopback only")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _content(file: Path, name: str) -> str:
    try:
        with file.open("rb") as source:
            return source.read(_MOST_FILE).decode("ascii")
    except (OSError, UnicodeDecodeError) as failure:
        why = failure.strerror if isinstance(failure, OSError) else "it is no ASCII text"
    raise SettingsError(f"{name}_FILE: {file} cannot be read: {why}")


def _checked_secret(value: str, name: str) -> KeyMaterial:
    stripped = value.strip()
    if not stripped or not stripped.isascii() or not stripped.isprintable():
        raise SettingsError(f"{name} is empty or no line of printable ASCII")
    return KeyMaterial(stripped.encode("ascii"))
