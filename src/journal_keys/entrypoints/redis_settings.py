"""The settings of what instances share through Redis."""

from typing import Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from journal_keys.domain.material import KeyMaterial, parse_key
from journal_keys.entrypoints.infisical_settings import SettingsError

_SCHEMES: Final = frozenset({"redis", "rediss", "unix"})
_OPTIONS: Final = frozenset({"db", "password", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})


class RedisSettings(BaseSettings):
    """Both may hold a secret, so neither is ever shown."""

    journal_redis_url: SecretStr | None = None
    """`redis://`, `rediss://` or `unix://`, Redis 5.0 or newer; options: `db`, `password`, `ssl_ca_certs`,
    `ssl_certfile`, `ssl_keyfile`. Without it instances share nothing.
    """
    journal_redis_cache_key: SecretStr | None = None
    """32 bytes as base64url: the key of what is kept in Redis, the same for every instance; without it derived from the
    aes ring.
    """

    def redis_url(self) -> str | None:
        """Say where Redis is; its time-outs and retries are not the URL's matter.

        Raises:
            SettingsError: it is no URL of Redis.
        """
        if self.journal_redis_url is None:
            return None
        url = self.journal_redis_url.get_secret_value()
        if not _is_redis_url(url):
            raise SettingsError(
                "JOURNAL_REDIS_URL is no URL of Redis: expected redis://host:port/0, rediss://… or unix:///path?db=0,"
                f" with no options but {', '.join(sorted(_OPTIONS))}"
            )
        return url

    def redis_cache_key(self) -> KeyMaterial | None:
        """Give the key from which those of the cache are derived; without it they are derived from the aes ring.

        Raises:
            SettingsError: it is not base64url of 32 bytes.
        """
        if self.journal_redis_cache_key is None:
            return None
        key = parse_key(self.journal_redis_cache_key.get_secret_value().encode("utf-8", "replace"))
        if key is None:
            raise SettingsError("JOURNAL_REDIS_CACHE_KEY is base64url of 32 bytes, without padding")
        return key


def _is_redis_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        options, _ = parse_qsl(parts.query, strict_parsing=True) if parts.query else [], parts.port
    except ValueError:
        return False
    is_local = parts.scheme == "unix"
    has_place = bool(parts.path) if is_local else bool(parts.hostname) and _is_number(parts.path.lstrip("/") or "0")
    database = dict(options).get("db", "0")
    return (
        parts.scheme in _SCHEMES
        and has_place
        and not parts.fragment
        and _is_number(database)
        and _OPTIONS.issuperset(name for name, _ in options)
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
