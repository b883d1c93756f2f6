"""The settings of the store in Infisical: names, precedence, what is refused, and that no secret is shown."""

import re
from pathlib import Path

import pytest

from journal_keys.adapters.infisical_cli.connection import ClientCredentials
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.entrypoints.effective import MASK, effective
from journal_keys.entrypoints.infisical_settings import InfisicalSettings
from journal_keys.entrypoints.settings import Settings, SettingsError
from journal_keys.entrypoints.webhook_settings import WebhookSettings

ENABLED = {
    "JOURNAL_INFISICAL_ENABLED": "true",
    "JOURNAL_INFISICAL_PROJECT_ID": "ours",
    "JOURNAL_INFISICAL_SERVER_URL": "https://ours.example.org",
    "INFISICAL_TOKEN": "the-token",
}


@pytest.fixture
def given(given: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """With the store in Infisical enabled."""
    for name, value in ENABLED.items():
        given.setenv(name, value)
    return given


def test_the_guide_s_names_win_over_the_cli_s(given: pytest.MonkeyPatch) -> None:
    given.setenv("INFISICAL_API_URL", "https://theirs.example.org")
    given.setenv("INFISICAL_PROJECT_ID", "theirs")
    target = Settings.from_environment().connection().target
    assert (target.domain, target.project_id, target.environment) == ("https://ours.example.org", "ours", "dev")
    given.delenv("JOURNAL_INFISICAL_SERVER_URL")
    given.delenv("JOURNAL_INFISICAL_PROJECT_ID")
    target = Settings.from_environment().connection().target
    assert (target.domain, target.project_id) == ("https://theirs.example.org", "theirs")


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://h.example.org", "https://h.example.org"),
        ("https://h.example.org/", "https://h.example.org"),
        ("https://h.example.org/api", "https://h.example.org/api"),
        ("https://h.example.org/api/", "https://h.example.org/api"),
        ("https://h.example.org:8443/infisical//", "https://h.example.org:8443/infisical"),
        (" https://h.example.org ", "https://h.example.org"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_the_domain_is_in_the_form_that_the_cli_wants(given: pytest.MonkeyPatch, url: str, domain: str) -> None:
    given.setenv("JOURNAL_INFISICAL_SERVER_URL", url)
    assert Settings.from_environment().connection().target.domain == domain


@pytest.mark.parametrize(
    "url",
    [
        "h.example.org",
        "ftp://h.example.org",
        "https://",
        "https://user:s3cret@h.example.org",
        "https://h.example.org?x=s3cret",
        "https://h.example.org#s3cret",
        "http://h.example.org",
        "http://10.0.0.1",
        "http://127.0.0.1.example.org",
        "https://h.example.org:s3cret",
        "https://[::1",
    ],
)
def test_another_domain_is_refused_by_the_name_of_its_variable_and_not_repeated(
    given: pytest.MonkeyPatch, url: str
) -> None:
    given.setenv("JOURNAL_INFISICAL_SERVER_URL", url)
    with pytest.raises(SettingsError, match="JOURNAL_INFISICAL_SERVER_URL") as refusal:
        Settings.from_environment()
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("JOURNAL_INFISICAL_PROJECT_ID", "JOURNAL_INFISICAL_PROJECT_ID"),
        ("JOURNAL_INFISICAL_SERVER_URL", "INFISICAL_API_URL"),
        ("INFISICAL_TOKEN", "INFISICAL_TOKEN"),
    ],
)
def test_what_is_missing_is_named(given: pytest.MonkeyPatch, missing: str, told: str) -> None:
    given.delenv(missing)
    with pytest.raises(SettingsError, match=told):
        Settings.from_environment()


def test_nothing_of_it_is_asked_for_where_infisical_is_not_enabled(given: pytest.MonkeyPatch) -> None:
    given.setenv("JOURNAL_INFISICAL_ENABLED", "false")
    given.delenv("JOURNAL_INFISICAL_PROJECT_ID")
    Settings.from_environment()


def identity(settings: Settings) -> KeyMaterial | ClientCredentials:
    return settings.connection().identity


def test_a_token_wins_over_credentials_and_a_variable_over_its_file(given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from-the-file\n")
    given.setenv("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID", "id")
    given.setenv("INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET_FILE", str(secret))
    given.setenv("INFISICAL_TOKEN_FILE", str(secret))
    found = identity(Settings.from_environment())
    assert isinstance(found, KeyMaterial)
    assert expose(found) == b"the-token"
    given.delenv("INFISICAL_TOKEN")
    found = identity(Settings.from_environment())
    assert isinstance(found, KeyMaterial)
    assert expose(found) == b"from-the-file"
    given.delenv("INFISICAL_TOKEN_FILE")
    found = identity(Settings.from_environment())
    assert isinstance(found, ClientCredentials)
    assert (found.client_id, expose(found.client_secret)) == ("id", b"from-the-file")


def test_a_client_id_may_lie_in_a_file(given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "id"
    file.write_text("the-id\n")
    given.delenv("INFISICAL_TOKEN")
    given.setenv("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID_FILE", str(file))
    given.setenv("INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET", "s")
    found = identity(Settings.from_environment())
    assert isinstance(found, ClientCredentials)
    assert found.client_id == "the-id"


def test_an_identity_of_its_own_rotates(given: pytest.MonkeyPatch) -> None:
    assert Settings.from_environment().connection().changer is None
    given.setenv("JOURNAL_INFISICAL_ROTATION_CLIENT_ID", "rotator")
    given.setenv("JOURNAL_INFISICAL_ROTATION_CLIENT_SECRET", "its-secret")
    changer = Settings.from_environment().connection().changer
    assert isinstance(changer, ClientCredentials)
    assert changer.client_id == "rotator"


@pytest.mark.parametrize(
    "changes",
    [
        {"INFISICAL_TOKEN": ""},
        {"INFISICAL_TOKEN": "two\nlines"},
        {"INFISICAL_TOKEN": "t\u00f6ken"},
        {"JOURNAL_INFISICAL_ROTATION_CLIENT_ID": "alone"},
        {"JOURNAL_INFISICAL_ROTATION_CLIENT_SECRET": "alone"},
        {"JOURNAL_INFISICAL_ROTATION_TOKEN_FILE": "/nowhere/token"},
        {"JOURNAL_INFISICAL_PROJECT_ID": "../x"},
        {"JOURNAL_INFISICAL_ENVIRONMENT": "a b"},
        {"JOURNAL_INFISICAL_TIMEOUT": "0"},
        {"JOURNAL_INFISICAL_MAX_RETRIES": "-1"},
        {"JOURNAL_INFISICAL_REQUESTS_PER_MINUTE": "0"},
    ],
    ids=lambda changes: next(iter(changes)).removeprefix("JOURNAL_INFISICAL_"),
)
def test_what_is_malformed_is_named(given: pytest.MonkeyPatch, changes: dict[str, str]) -> None:
    for name, value in changes.items():
        given.setenv(name, value)
    with pytest.raises(SettingsError, match=next(iter(changes)).removesuffix("_ID").removesuffix("_SECRET")):
        Settings.from_environment()


def test_each_number_reaches_the_connection(given: pytest.MonkeyPatch) -> None:
    numbers = {
        "TIMEOUT": "11.5",
        "HEALTH_TIMEOUT": "2.5",
        "MAX_RETRIES": "7",
        "RETRY_DELAY": "0.25",
        "CHILDREN": "9",
        "REQUESTS_PER_MINUTE": "77",
    }
    for name, value in numbers.items():
        given.setenv(f"JOURNAL_INFISICAL_{name}", value)
    made = Settings.from_environment().connection()
    assert (made.timeout_s, made.health_timeout_s, made.retries, made.retry_delay_s) == (11.5, 2.5, 7, 0.25)
    assert (made.most_children, made.requests_per_minute) == (9, 77)


@pytest.mark.parametrize(
    ("profile", "enabled", "chosen", "seconds"),
    [
        ("embedded", "false", None, 2),
        ("embedded", "true", None, 60),
        ("standard", "true", None, 300),
        ("embedded", "true", "5", 5),
    ],
)
def test_what_is_unfinished_is_looked_for_less_often_over_a_network(
    given: pytest.MonkeyPatch, profile: str, enabled: str, chosen: str | None, seconds: float
) -> None:
    given.setenv("JOURNAL_KEYS_PROFILE", profile)
    given.setenv("JOURNAL_INFISICAL_ENABLED", enabled)
    if chosen is not None:
        given.setenv("JOURNAL_RECONCILE_INTERVAL", chosen)
    settings = Settings.from_environment()
    assert settings.reconcile_interval.total_seconds() == seconds
    shown = {row.name: row.value for row in effective(settings)}
    assert float(shown["JOURNAL_RECONCILE_INTERVAL"] or 0) == seconds


def test_certificates_and_proxies_are_handed_on_and_nothing_else(given: pytest.MonkeyPatch) -> None:
    given.setenv("SSL_CERT_FILE", "/ca.pem")
    given.setenv("https_proxy", "http://proxy:3128")
    given.setenv("HOME", "/home/x")
    passed = Settings.from_environment().connection().passed
    assert passed == {"SSL_CERT_FILE": "/ca.pem", "HTTPS_PROXY": "http://proxy:3128"}


def test_config_names_every_setting_with_its_source_and_masks_every_secret(given: pytest.MonkeyPatch) -> None:
    given.setenv("JOURNAL_DB_URL_ASYNC", "postgresql+asyncpg://user:s3cret@h/db?password=s3cret")
    given.setenv("HTTPS_PROXY", "http://user:s3cret@proxy:3128")
    given.setenv("JOURNAL_KEYS_VAULT_MASTER_KEY", "s3cret")
    given.setenv("JOURNAL_INFISICAL_WEBHOOK_SECRET", "s3cret")
    given.setenv("JOURNAL_KEYS_PROFILE", "standard")
    rows = {row.name: row for row in effective(Settings.from_environment())}
    assert set(rows) >= {field.upper() for field in Settings.model_fields} - {"PATH"}
    assert (rows["INFISICAL_TOKEN"].value, rows["INFISICAL_TOKEN"].source) == (MASK, "environment")
    assert (rows["JOURNAL_JWKS_MAX_AGE"].value, rows["JOURNAL_JWKS_MAX_AGE"].source) == (
        "600",
        "default of profile standard",
    )
    assert rows["secret store"].value == "https://ours.example.org, project ours, environment dev"
    assert "s3cret" not in repr(rows)
    assert "the-token" not in repr(rows)
    assert rows["JOURNAL_DB_URL_ASYNC"].value == f"postgresql+asyncpg://{MASK}@h/db?{MASK}"


TEMPLATE = (Path(__file__).parents[3] / ".env.infisical.template").read_text("utf-8")
SHOWN = re.compile(r"[0-9.]+|true|false|off|infisical")
LINE = re.compile(r"^(?:# )?([A-Z_]+)=(.*)$")


def test_the_template_names_every_setting_of_infisical_and_nothing_that_is_none() -> None:
    named = [found[1] for line in TEMPLATE.splitlines() if (found := LINE.match(line))]
    assert len(named) == len(set(named))
    assert {name.lower() for name in named} == (
        set(InfisicalSettings.model_fields) - {"path"}
        | set(WebhookSettings.model_fields)
        | {"journal_infisical_cache_ttl", "journal_keys_profile"}
    )


def test_the_numbers_that_the_template_shows_are_the_defaults() -> None:
    shown = {
        found[1].lower(): found[2]
        for line in TEMPLATE.splitlines()
        if line.startswith("# ") and (found := LINE.match(line)) and SHOWN.fullmatch(found[2])
    }
    shown.pop("journal_infisical_cache_ttl")
    assert shown
    for name, text in shown.items():
        assert str(Settings.model_fields[name].default).lower() == text
