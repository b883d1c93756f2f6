"""The settings of the HTTP service."""

import re
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings

from journal_keys.domain.errors import PolicyError
from journal_keys.domain.rates import Rate, Rates
from journal_keys.entrypoints.infisical_settings import SettingsError

_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?\Z|\[[0-9a-f:.]{2,45}\]\Z", re.ASCII)


class HttpSettings(BaseSettings):
    """Who is answered, and how often. Durations are seconds."""

    journal_http_hosts: str | None = None
    """Host names by which the service is called beside those of this machine's loopback, without port, with commas
    between.
    """
    journal_http_timeout: Annotated[float, Field(ge=1, le=3600)] = 120.0
    """How long a request may take, with what is done behind its answer."""
    journal_http_rate_admin: str = "120/minute"
    """Calls of the admin plane per token: a rate is `<number>/second`, `/minute` or `/hour`."""
    journal_http_rate_webhook: str = "600/minute"
    """Webhooks: a rate."""
    journal_http_rate_jwks: str = "5000/second"
    """Key sets per process: a rate."""
    journal_http_discovery: bool = False
    """Whether `/.well-known/openid-configuration` of JOURNAL_JWT_ISSUER is served."""

    def http_hosts(self) -> frozenset[str] | None:
        """Give the names by which this service is called, in lower case and without a port; None where none is set.

        Raises:
            SettingsError: one of them is no host name or address.
        """
        if self.journal_http_hosts is None:
            return None
        names = frozenset(name.strip().lower() for name in self.journal_http_hosts.split(","))
        if not all(_HOST.match(name) for name in names):
            raise SettingsError(
                "JOURNAL_HTTP_HOSTS is one or several host names without a port, like auth.example.com,localhost,[::1]"
            )
        return names

    def http_rates(self) -> Rates:
        """Give how often the admin plane, the webhook and the key set may be asked for.

        Raises:
            SettingsError: one of them is no rate.
        """
        return Rates(
            admin=self._rate("journal_http_rate_admin"),
            webhook=self._rate("journal_http_rate_webhook"),
            key_set=self._rate("journal_http_rate_jwks"),
        )

    @property
    def http_timeout(self) -> timedelta:
        """How long a request may take, with what is done behind its answer."""
        return timedelta(seconds=self.journal_http_timeout)

    def _rate(self, name: str) -> Rate:
        try:
            return Rate.parse(getattr(self, name))
        except PolicyError as failure:
            raise SettingsError(f"{name.upper()}: {failure}") from None


def check_issuer(issuer: str) -> None:
    """Return where metadata can be found by this issuer (OpenID Connect Discovery 1.0 §3).

    Raises:
        SettingsError: it is no https URL, or has a path, a query or a fragment.
    """
    parts = urlsplit(issuer)
    has_more = parts.path not in {"", "/"} or parts.query or parts.fragment
    if parts.scheme != "https" or not parts.hostname or has_more or not issuer.isprintable():
        raise SettingsError(
            "JOURNAL_HTTP_DISCOVERY needs JOURNAL_JWT_ISSUER to be an https URL without path, query or fragment, like"
            " https://auth.example.com"
        )
