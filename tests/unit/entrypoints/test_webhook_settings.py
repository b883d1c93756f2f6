"""The settings of the webhook: what each does, and what is refused by name."""

from datetime import timedelta
from pathlib import Path

import pytest

from journal_keys.domain.exposure import expose
from journal_keys.domain.webhooks import Dialect, Place
from journal_keys.entrypoints.effective import MASK, effective
from journal_keys.entrypoints.settings import Settings, SettingsError
from journal_keys.entrypoints.webhook_settings import WebhookRotation

SECRET, DIALECTS, TOLERANCE, ROTATION = (
    f"JOURNAL_INFISICAL_WEBHOOK_{name}" for name in ("SECRET", "DIALECTS", "TOLERANCE", "ROTATION")
)


def test_without_them_infisical_s_form_alone_is_accepted_and_nothing_rotates(given: pytest.MonkeyPatch) -> None:
    assert given
    settings = Settings.from_environment()
    rules = settings.webhook_rules()
    assert settings.webhook_secrets() == ()
    assert (rules.dialects, rules.tolerance) == (frozenset({Dialect.INFISICAL}), timedelta(seconds=300))
    assert rules.place == Place(project=None, environment="dev")
    assert settings.journal_infisical_webhook_rotation is WebhookRotation.OFF


def test_each_does_what_it_says(given: pytest.MonkeyPatch) -> None:
    given.setenv(SECRET, "s3cret")
    given.setenv(DIALECTS, "infisical, standard")
    given.setenv(TOLERANCE, "600")
    given.setenv(ROTATION, "when-due")
    given.setenv("INFISICAL_PROJECT_ID", "theirs")
    given.setenv("JOURNAL_INFISICAL_ENVIRONMENT", "prod")
    settings = Settings.from_environment()
    rules = settings.webhook_rules()
    assert [expose(secret) for secret in settings.webhook_secrets()] == [b"s3cret"]
    assert rules.dialects == {Dialect.INFISICAL, Dialect.STANDARD}
    assert rules.tolerance == timedelta(seconds=600)
    assert rules.place == Place(project="theirs", environment="prod")
    assert settings.journal_infisical_webhook_rotation is WebhookRotation.WHEN_DUE
    assert {row.name: row.value for row in effective(settings)}[SECRET] == MASK


def test_the_guide_s_name_of_the_project_wins(given: pytest.MonkeyPatch) -> None:
    given.setenv("INFISICAL_PROJECT_ID", "theirs")
    given.setenv("JOURNAL_INFISICAL_PROJECT_ID", "ours")
    assert Settings.from_environment().webhook_rules().place.project == "ours"


def test_the_secret_may_be_in_a_file(given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret\n", encoding="ascii")
    given.setenv(f"{SECRET}_FILE", str(file))
    (found,) = Settings.from_environment().webhook_secrets()
    assert expose(found) == b"s3cret"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (SECRET, ""),
        (SECRET, " "),
        (f"{SECRET}_FILE", "/does/not/exist"),
        (DIALECTS, ""),
        (DIALECTS, "infisical,"),
        (DIALECTS, "slack"),
        (TOLERANCE, "0"),
        (TOLERANCE, "601"),
        (TOLERANCE, "nan"),
        (TOLERANCE, "soon"),
        (ROTATION, "always"),
        (ROTATION, "true"),
    ],
)
def test_what_is_malformed_stops_the_start_by_its_name(given: pytest.MonkeyPatch, name: str, value: str) -> None:
    given.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment()
