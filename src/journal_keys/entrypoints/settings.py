"""The one place where the environment is read."""

import os
import platform
import re
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from journal_keys.domain.errors import InvalidNameError, PolicyError
from journal_keys.domain.fleet import check_instance_name
from journal_keys.domain.keys import Algorithm, Family
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.token import TokenProfile
from journal_keys.domain.webhooks import Place
from journal_keys.domain.windows import Windows
from journal_keys.entrypoints.admin_settings import AdminSettings
from journal_keys.entrypoints.backup_settings import BackupSettings
from journal_keys.entrypoints.http_settings import HttpSettings, check_issuer
from journal_keys.entrypoints.infisical_settings import InfisicalSettings
from journal_keys.entrypoints.infisical_settings import SettingsError as SettingsError  # noqa: PLC0414 (its public home)
from journal_keys.entrypoints.log_settings import LogSettings
from journal_keys.entrypoints.redis_settings import RedisSettings
from journal_keys.entrypoints.snapshot_settings import SnapshotSettings
from journal_keys.entrypoints.trace_settings import TraceSettings
from journal_keys.entrypoints.webhook_settings import WebhookSettings
from journal_keys.use_cases.handle_webhook import WebhookRules

Seconds = Annotated[float, Field(ge=0, le=3_153_600_000, allow_inf_nan=False)]


class Profile(StrEnum):
    """Which numbers apply where a setting is silent: seconds to watch, or days to live with."""

    EMBEDDED = "embedded"
    STANDARD = "standard"


DEFAULTS: Final[dict[Profile, dict[str, float]]] = {
    Profile.EMBEDDED: {
        "journal_jwks_max_age": 2,
        "journal_infisical_cache_ttl": 1,
        "journal_ledger_poll": 0.25,
        "journal_jwt_longest_token": 10,
        "journal_jwt_leeway": 0.5,
        "journal_clock_skew": 0.2,
        "journal_jwt_rotation_interval": 600,
        "journal_aes_rotation_interval": 900,
        "journal_reconcile_interval": 2,
        "journal_verify_max_stale": 60,
    },
    Profile.STANDARD: {
        "journal_jwks_max_age": 600,
        "journal_infisical_cache_ttl": 300,
        "journal_ledger_poll": 15,
        "journal_jwt_longest_token": 14 * 86_400,
        "journal_jwt_leeway": 60,
        "journal_clock_skew": 60,
        "journal_jwt_rotation_interval": 60 * 86_400,
        "journal_aes_rotation_interval": 90 * 86_400,
        "journal_reconcile_interval": 300,
        "journal_verify_max_stale": 86_400,
    },
}
"""Seconds of each duration that is not set, by the field's name."""


_LEAST_PAUSE_OVER_A_NETWORK: Final = timedelta(minutes=1)
_LEAST_INSTANCE_EXPIRY: Final = timedelta(seconds=10)


def put_figures_together(folder: Path) -> None:
    """Have the processes that are started from now on keep their figures for Prometheus in this folder."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def environment_of(names: Iterable[str]) -> dict[str, str]:
    """Give those of these variables that are set."""
    return {name: os.environ[name] for name in names if name in os.environ}


class Settings(
    InfisicalSettings,
    RedisSettings,
    SnapshotSettings,
    WebhookSettings,
    AdminSettings,
    HttpSettings,
    BackupSettings,
    LogSettings,
    TraceSettings,
):
    """Every setting, by the name of its environment variable in lower case. Durations are seconds."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, env_file=None)

    journal_keys_home: Path = Path(".journal-keys")
    """Folder of vault, master key, backups and SQLite ledger."""
    journal_keys_profile: Profile = Profile.EMBEDDED
    """Which defaults count: seconds to watch, or days to live with."""
    journal_keys_vault_master_key: SecretStr | None = None
    """32 bytes as base64url, which seal the vault; without it they are in a file of mode 0600 in the home."""
    journal_db_url_async: SecretStr | None = None
    """SQLAlchemy URL of the ledger: `sqlite+aiosqlite:///<path>`, or `postgresql+asyncpg://<user>@<host>/<database>`
    with the extra `postgres` (docs/postgresql.md); without it a SQLite file in the home.
    """
    journal_infisical_cache_ttl: Seconds | None = None
    """View TTL: how long a view of the rings counts as fresh without news from the ledger, and how long secrets are
    cached.
    """
    journal_jwks_max_age: Seconds | None = None
    """`max-age` of the JWK Set."""
    journal_ledger_poll: Seconds | None = None
    """How often the ledger is read."""
    journal_instance_name: str | None = None
    """What this process is called among those that share a ledger on PostgreSQL; without it by host and process id.
    Where PROMETHEUS_MULTIPROC_DIR says that there are several processes the id is added: two of one name would hide
    each other.
    """
    journal_instance_expiry: Annotated[Seconds, Field(ge=1)] | None = None
    """How long this process's report of what it holds counts; it reports four times as often, and at each change.
    Without it the view TTL, at least 10 s.
    """
    journal_reconcile_interval: Annotated[Seconds, Field(ge=0.1)] | None = None
    """How often unfinished work is looked for; where nothing is set and the secrets are in Infisical, 60 s at least."""
    journal_clock_skew: Seconds | None = None
    """Clock error between hosts, and the reserve that the waits have for a slow commit."""
    journal_verify_max_stale: Seconds | None = None
    """How long an unconfirmed view verifies and decrypts; no less than view TTL and JWKS max-age."""
    journal_sign_max_stale: Seconds | None = None
    """How long an unconfirmed view signs and encrypts; without it the view TTL. More of it lengthens W2, and lets a key
    that was compromised meanwhile sign for longer.
    """
    journal_jwt_longest_token: Seconds | None = None
    """Longest life of a token."""
    journal_jwt_leeway: Seconds | None = None
    """For how long a token is accepted past its end."""
    journal_jwt_rotation_interval: Seconds | None = None
    """When a signing key is due."""
    journal_aes_rotation_interval: Seconds | None = None
    """When an AES key is due."""
    journal_jwt_algorithm: Algorithm = Algorithm.EDDSA
    """What signs; a change takes effect with the next staged key. `A256GCM` is refused: it signs nothing."""
    journal_jwt_issuer: str = "journal"
    """The claim `iss` of every token."""
    journal_jwt_audience: str = "journal"
    """The claim `aud` of every token."""
    journal_jwt_token_type: str = "at+jwt"  # noqa: S105 (a media type, RFC 9068 §2.1)
    """The header `typ` of every token."""
    prometheus_multiproc_dir: Path | None = None
    """Where processes put their figures together; the Prometheus client reads it at its import. `serve` with several
    processes makes a folder of its own, any other server of several needs one that is there, emptied before it starts.
    """

    @classmethod
    def from_environment(cls, *, checks_infisical: bool = True) -> Self:
        """Read the process environment.

        Raises:
            SettingsError: a value is malformed, or Infisical is enabled and something that it needs is missing.
        """
        try:
            settings = cls()
        except ValidationError as failure:
            raise SettingsError(_explained(failure)) from None
        if settings.journal_infisical_enabled and checks_infisical:
            settings.connection()
        settings.redis_url()
        settings.redis_cache_key()
        settings.snapshot()
        settings.webhook_secrets()
        settings.webhook_dialects()
        settings.admin_place()
        settings.http_hosts()
        settings.http_rates()
        settings.discovery_issuer()
        return settings

    @field_validator("journal_instance_name")
    @classmethod
    def _has_a_plain_name(cls, value: str | None) -> str | None:
        try:
            return value if value is None else check_instance_name(value)
        except InvalidNameError as failure:
            raise ValueError(str(failure)) from None

    @field_validator(
        "journal_keys_home",
        "journal_snapshot_file",
        "journal_admin_tokens_file",
        "journal_backup_folder",
        "journal_backup_identity_file",
        "prometheus_multiproc_dir",
        mode="before",
    )
    @classmethod
    def _has_a_home(cls, value: object) -> object:
        if value == "":
            raise ValueError("is empty: expected a folder or a file, or no such variable")
        return value

    @field_validator("prometheus_multiproc_dir")
    @classmethod
    def _is_there(cls, value: Path | None) -> Path | None:
        if value is not None and not value.is_dir():
            raise ValueError("is no folder: expected one that is there, or no such variable")
        return value

    def _seconds(self, name: str) -> timedelta:
        chosen: float | None = getattr(self, name)
        return timedelta(seconds=DEFAULTS[self.journal_keys_profile][name] if chosen is None else chosen)

    @property
    def environment(self) -> tuple[str, tuple[str, ...]]:
        """The name of the environment, and what its store is: equal for every instance that shares it.

        Raises:
            SettingsError: the name is no slug, or the settings of Infisical are incomplete.
        """
        if not self.journal_infisical_enabled:
            return self.environment_slug(), ("vault", str(self.vault_file.resolve()))
        target = self.connection().target
        return target.environment, ("infisical", target.domain, target.project_id)

    def webhook_rules(self) -> WebhookRules:
        """Which deliveries are accepted, and which of them concern this environment.

        Raises:
            SettingsError: a dialect is not known, or the environment has no name.
        """
        return WebhookRules(
            dialects=self.webhook_dialects(),
            tolerance=timedelta(seconds=self.journal_infisical_webhook_tolerance),
            place=Place(
                project=self.journal_infisical_project_id or self.infisical_project_id or None,
                environment=self.environment_slug(),
            ),
        )

    @property
    def is_embedded(self) -> bool:
        """Whether direct callers of this machine are let in without a token."""
        return self.journal_keys_profile is Profile.EMBEDDED

    def discovery_issuer(self) -> str | None:
        """Give the issuer whose metadata is served, None where none is to be.

        Raises:
            SettingsError: the issuer is no https URL.
        """
        if not self.journal_http_discovery:
            return None
        check_issuer(self.journal_jwt_issuer)
        return self.journal_jwt_issuer

    @property
    def admin_tokens_file(self) -> Path | None:
        """The file with the tokens of the admin plane: in the embedded profile in the home, where none is named."""
        if self.journal_admin_tokens_file is None and self.is_embedded:
            return self.journal_keys_home / "admin-tokens.json"
        return self.journal_admin_tokens_file

    @property
    def backup_folder(self) -> Path:
        """Where backups are put, and pre-images of migrations."""
        return self.journal_backup_folder or self.journal_keys_home / "backups"

    @property
    def backup_identity_file(self) -> Path:
        """The age identity file that opens backups where no other is named."""
        return self.journal_backup_identity_file or self.journal_keys_home / "backup-identity.txt"

    @property
    def vault_file(self) -> Path:
        """The sealed file of the embedded vault."""
        return self.journal_keys_home / "vault.jkv"

    @property
    def ledger_url(self) -> str:
        """The SQLAlchemy URL of the ledger; a SQLite file under the home folder where none is set."""
        if self.journal_db_url_async:
            return self.journal_db_url_async.get_secret_value()
        return f"sqlite+aiosqlite:///{self.journal_keys_home / 'ledger.sqlite3'}"

    @property
    def reports_instance(self) -> bool:
        """Whether this process says which generations it holds: where others may share the ledger, on a server."""
        return not self.ledger_url.startswith("sqlite")

    @property
    def workers(self) -> int:
        """How many processes serve: two where PostgreSQL and Redis let them work together, else one."""
        return 2 if self.reports_instance and self.journal_redis_url is not None else 1

    @property
    def instance_name(self) -> str:
        """What this process is called among the others: by its host and process id, where nothing else is said."""
        if self.journal_instance_name and self.prometheus_multiproc_dir is None:
            return self.journal_instance_name
        host = re.sub(r"[^A-Za-z0-9._-]", "-", platform.node()) or "host"
        return f"{(self.journal_instance_name or host)[:100]}-{os.getpid()}"

    @property
    def instance_expiry(self) -> timedelta:
        """How long a report counts: for the view TTL, and no less than 10 s."""
        if self.journal_instance_expiry is not None:
            return timedelta(seconds=self.journal_instance_expiry)
        return max(self._seconds("journal_infisical_cache_ttl"), _LEAST_INSTANCE_EXPIRY)

    @property
    def poll(self) -> timedelta:
        """How often the ledger is read."""
        return self._seconds("journal_ledger_poll")

    @property
    def reconcile_interval(self) -> timedelta:
        """How often unfinished work is looked for: a pass reads six folders, which a server's rate limit counts."""
        interval = self._seconds("journal_reconcile_interval")
        if self.journal_infisical_enabled and self.journal_reconcile_interval is None:
            return max(interval, _LEAST_PAUSE_OVER_A_NETWORK)
        return interval

    @property
    def health_timeout(self) -> timedelta:
        """How long who asks for health waits for it."""
        return timedelta(seconds=self.journal_infisical_health_timeout)

    @property
    def health_counts_for(self) -> timedelta:
        """How long a look at health counts: twice the time that it may take, and no longer than a pass is awaited.

        With keys in Infisical these are 12 requests a minute at the most, of the 50 that are sent by default.
        """
        return min(2 * self.health_timeout, self.reconcile_interval)

    @property
    def verify_max_stale(self) -> timedelta:
        """How long an unconfirmed view may still verify and decrypt."""
        return self._seconds("journal_verify_max_stale")

    @property
    def sign_max_stale(self) -> timedelta:
        """How long an unconfirmed view may still sign and encrypt: for the view TTL where nothing else is set."""
        chosen = self.journal_sign_max_stale
        return self._seconds("journal_infisical_cache_ttl") if chosen is None else timedelta(seconds=chosen)

    def windows(self) -> Windows:
        """The waits that follow from these settings.

        Raises:
            PolicyError: they contradict each other; the message shows the arithmetic.
        """
        windows = Windows(
            jwks_max_age=self._seconds("journal_jwks_max_age"),
            view_ttl=self._seconds("journal_infisical_cache_ttl"),
            poll=self.poll,
            longest_token=self._seconds("journal_jwt_longest_token"),
            leeway=self._seconds("journal_jwt_leeway"),
            skew=self._seconds("journal_clock_skew"),
            sign_max_stale=self.sign_max_stale,
        )
        for policy in self.policies().values():
            windows.check(policy)
        self._check_stale(windows)
        return windows

    def _check_stale(self, windows: Windows) -> None:
        least_s, found_s = windows.oldest_verifier_view.total_seconds(), self.verify_max_stale.total_seconds()
        if found_s < least_s:
            raise PolicyError(
                f"JOURNAL_VERIFY_MAX_STALE is {found_s:g} s, less than {least_s:g} s = the larger of JWKS max-age"
                f" {windows.jwks_max_age.total_seconds():g} s and view TTL {windows.view_ttl.total_seconds():g} s:"
                " tokens inside their life would be refused"
            )
        if self.sign_max_stale > self.verify_max_stale:
            raise PolicyError(
                f"JOURNAL_SIGN_MAX_STALE is {self.sign_max_stale.total_seconds():g} s, more than"
                f" JOURNAL_VERIFY_MAX_STALE {found_s:g} s: what is signed could not be verified here"
            )

    def policies(self) -> dict[Family, RotationPolicy]:
        """The rotation policy of each ring.

        Raises:
            PolicyError: an interval is not positive, or the algorithm is not one of the family's.
        """
        return {
            Family.JWT: RotationPolicy(
                family=Family.JWT,
                interval=self._seconds("journal_jwt_rotation_interval"),
                algorithm=self.journal_jwt_algorithm,
            ),
            Family.AES: RotationPolicy(
                family=Family.AES,
                interval=self._seconds("journal_aes_rotation_interval"),
                algorithm=Algorithm.A256GCM,
            ),
        }

    def token_profile(self) -> TokenProfile:
        """What every token carries."""
        windows = self.windows()
        return TokenProfile(
            issuer=self.journal_jwt_issuer,
            audience=self.journal_jwt_audience,
            token_type=self.journal_jwt_token_type,
            longest_token=windows.longest_token,
            leeway=windows.leeway,
        )


class ClosedSettings(Settings):
    """Settings that no environment reaches: the demonstration never touches an operator's ledger."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (the overridden signature)
        init_settings: PydanticBaseSettingsSource,
        *_others: PydanticBaseSettingsSource,
        **_named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what the constructor was given, and nothing else."""
        return (init_settings,)


def _explained(failure: ValidationError) -> str:
    parts = [
        f"{str(error['loc'][0]).upper() if error['loc'] else 'settings'}: {error['msg']}"
        for error in failure.errors(include_input=False, include_url=False, include_context=False)
    ]
    return "; ".join(parts)
