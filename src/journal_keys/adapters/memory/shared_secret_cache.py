"""Secrets that several caches of one process share, and the absence of such a place."""

from datetime import timedelta

from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath, is_owned
from journal_keys.ports.clock import Clock
from journal_keys.ports.shared_secret_cache import Found, SharedSecret, SharedSecretCache, Vacancy


class NotShared(SharedSecretCache):
    """Every instance for itself: nothing is found and nothing is kept."""

    async def look_up(self, path: SecretPath) -> Found:
        """Find nothing."""
        return Vacancy(path=path, since_unix_s=0.0)

    async def keep(self, vacancy: Vacancy, value: KeyMaterial) -> None:
        """Keep nothing."""

    async def forget(self, prefix: SecretPath | None) -> None:
        """Have nothing to forget."""


class MemorySharedSecretCache(SharedSecretCache):
    """A dictionary, with a number that every forgetting raises."""

    def __init__(self, clock: Clock, ttl: timedelta) -> None:
        self._clock = clock
        self._ttl_s = ttl.total_seconds()
        self._values: dict[SecretPath, tuple[float, KeyMaterial]] = {}
        self._forgotten = 0

    async def look_up(self, path: SecretPath) -> Found:
        """Look into the dictionary."""
        now_s = self._clock.unix_s()
        made_s, value = self._values.get(path, (0.0, None))
        if value is not None and 0 <= now_s - made_s < self._ttl_s:
            return SharedSecret(value=value, age_s=now_s - made_s)
        return Vacancy(path=path, since_unix_s=now_s, mark=str(self._forgotten))

    async def keep(self, vacancy: Vacancy, value: KeyMaterial) -> None:
        """Keep it, unless something was forgotten meanwhile."""
        if vacancy.mark == str(self._forgotten) and not is_owned(vacancy.path):
            self._values[vacancy.path] = (vacancy.since_unix_s, value)

    async def forget(self, prefix: SecretPath | None) -> None:
        """Drop what lies there."""
        self._forgotten += 1
        self._values = {
            path: held for path, held in self._values.items() if prefix is not None and not path.is_within(prefix)
        }
