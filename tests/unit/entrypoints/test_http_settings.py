"""The settings of the HTTP service: what is taken, and what is refused by its name."""

from datetime import timedelta

import pytest

from journal_keys.domain.rates import Rate, Rates
from journal_keys.entrypoints.settings import Settings, SettingsError


def test_where_nothing_is_set_the_host_is_this_machine_s_and_rates_are_those_of_the_readme(
    given: pytest.MonkeyPatch,
) -> None:
    assert given
    settings = Settings.from_environment()
    assert settings.http_hosts() is None
    assert settings.http_timeout == timedelta(minutes=2)
    assert settings.http_rates() == Rates(
        admin=Rate.parse("120/minute"), webhook=Rate.parse("600/minute"), key_set=Rate.parse("5000/second")
    )
    assert settings.discovery_issuer() is None


def test_what_is_set_counts(given: pytest.MonkeyPatch) -> None:
    given.setenv("JOURNAL_HTTP_HOSTS", "Auth.example.org, [::1],10.0.0.1")
    given.setenv("JOURNAL_HTTP_TIMEOUT", "5")
    given.setenv("JOURNAL_HTTP_RATE_ADMIN", "1/hour")
    given.setenv("JOURNAL_HTTP_RATE_WEBHOOK", "2/minute")
    given.setenv("JOURNAL_HTTP_RATE_JWKS", "3/second")
    given.setenv("JOURNAL_HTTP_DISCOVERY", "true")
    given.setenv("JOURNAL_JWT_ISSUER", "https://auth.example.org/")
    settings = Settings.from_environment()
    assert settings.http_hosts() == frozenset({"auth.example.org", "[::1]", "10.0.0.1"})
    assert settings.http_timeout == timedelta(seconds=5)
    rates = settings.http_rates()
    assert [str(rate) for rate in (rates.admin, rates.webhook, rates.key_set)] == ["1/hour", "2/minute", "3/second"]
    assert settings.discovery_issuer() == "https://auth.example.org/"


@pytest.mark.parametrize("hosts", ["", "a,,b", "https://a", "a:8000", "a b", "*", "-a", "a.", "::1", "[::1", "ä.org"])
def test_what_is_no_host_is_refused(given: pytest.MonkeyPatch, hosts: str) -> None:
    given.setenv("JOURNAL_HTTP_HOSTS", hosts)
    with pytest.raises(SettingsError, match="JOURNAL_HTTP_HOSTS"):
        Settings.from_environment()


@pytest.mark.parametrize("name", ["ADMIN", "WEBHOOK", "JWKS"])
def test_what_is_no_rate_is_refused_by_the_name_of_the_setting(given: pytest.MonkeyPatch, name: str) -> None:
    given.setenv(f"JOURNAL_HTTP_RATE_{name}", "often")
    with pytest.raises(SettingsError, match=f"JOURNAL_HTTP_RATE_{name}: a rate is"):
        Settings.from_environment()


@pytest.mark.parametrize("seconds", ["0", "0.5", "3601", "inf", "soon"])
def test_what_is_no_time_to_answer_in_is_refused(given: pytest.MonkeyPatch, seconds: str) -> None:
    given.setenv("JOURNAL_HTTP_TIMEOUT", seconds)
    with pytest.raises(SettingsError, match="JOURNAL_HTTP_TIMEOUT"):
        Settings.from_environment()


@pytest.mark.parametrize(
    "issuer",
    [
        "journal",
        "http://auth.example.org",
        "https://",
        "https://a.org?x",
        "https://a.org#x",
        "https://a.org/here",
        "https://a.org/\n",
    ],
)
def test_discovery_needs_an_issuer_by_which_it_is_found(given: pytest.MonkeyPatch, issuer: str) -> None:
    given.setenv("JOURNAL_HTTP_DISCOVERY", "true")
    given.setenv("JOURNAL_JWT_ISSUER", issuer)
    with pytest.raises(SettingsError, match="JOURNAL_JWT_ISSUER"):
        Settings.from_environment()
