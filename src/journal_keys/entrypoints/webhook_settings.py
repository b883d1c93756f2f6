"""The settings of the webhook."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.webhooks import LONGEST_TOLERANCE, Dialect
from journal_keys.entrypoints.infisical_settings import SettingsError, secret_in


class WebhookRotation(StrEnum):
    """Whether a webhook makes the service look whether a ring is due."""

    OFF = "off"
    WHEN_DUE = "when-due"


class WebhookSettings(BaseSettings):
    """By the names of the guide, and ours. Durations are seconds."""

    journal_infisical_webhook_secret: SecretStr | None = None
    """The secret of the webhook, beside the one in the store."""
    journal_infisical_webhook_secret_file: Path | None = None
    """File that holds JOURNAL_INFISICAL_WEBHOOK_SECRET."""
    journal_infisical_webhook_dialects: str = Dialect.INFISICAL.value
    """Forms of webhooks that are taken: `infisical`, `guide` (`sha256=…`, fields as in the integration guide) and
    `standard` (Standard Webhooks), with commas between.
    """
    journal_infisical_webhook_tolerance: Annotated[float, Field(ge=1, le=LONGEST_TOLERANCE.total_seconds())] = 300.0
    """How far from now a delivery may say that it was sent."""
    journal_infisical_webhook_rotation: WebhookRotation = WebhookRotation.OFF
    """`when-due`: a webhook makes the service look whether a ring is due."""

    def webhook_secrets(self) -> tuple[KeyMaterial, ...]:
        """Give the secret that is set, or none.

        Raises:
            SettingsError: it is empty, or its file cannot be read.
        """
        found = secret_in(self, "journal_infisical_webhook_secret")
        return () if found is None else (found,)

    def webhook_dialects(self) -> frozenset[Dialect]:
        """Give the dialects that are accepted.

        Raises:
            SettingsError: there is none, or one is not known.
        """
        names = {name.strip() for name in self.journal_infisical_webhook_dialects.split(",")}
        if not names.issubset(Dialect):
            raise SettingsError(
                f"JOURNAL_INFISICAL_WEBHOOK_DIALECTS is one or several of {', '.join(Dialect)}, with commas between"
            )
        return frozenset(Dialect(name) for name in names)
