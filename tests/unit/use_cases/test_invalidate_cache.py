"""Forgetting what may have changed."""

from datetime import UTC, datetime, timedelta

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.adapters.memory.secret_cache import MemorySecretCache
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.use_cases.invalidate_cache import InvalidateCache

PATH = SecretPath.parse("/database/x")


async def test_what_is_forgotten_is_read_again_and_refreshers_are_woken() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    cache = MemorySecretCache(clock, timedelta(hours=1), timedelta(0))
    hints = MemoryHintBus()
    values = iter([b"first", b"second"])

    async def load(_path: SecretPath) -> KeyMaterial:
        return KeyMaterial(next(values))

    await cache.get(PATH, load)
    assert not await hints.wait(0)
    assert await InvalidateCache(cache=cache, hints=hints)(SecretPath.parse("/auth")) == 0
    assert await hints.wait(0)
    assert expose(await cache.get(PATH, load)) == b"first"
    assert await InvalidateCache(cache=cache, hints=hints)(None) == 1
    assert expose(await cache.get(PATH, load)) == b"second"
