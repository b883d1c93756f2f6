"""Recently read secrets in memory, one load at a time per path, in front of what instances share."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from journal_keys import events
from journal_keys.adapters.memory.meter import MemoryMeter
from journal_keys.adapters.memory.shared_secret_cache import NotShared
from journal_keys.adapters.memory.tracer import MemoryTracer
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.exposure import as_text, expose
from journal_keys.domain.labels import path_label
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.clock import Clock
from journal_keys.ports.meter import Hits, Meter, Source
from journal_keys.ports.secret_cache import SecretCache
from journal_keys.ports.secret_store import SecretNotFoundError
from journal_keys.ports.shared_secret_cache import SharedSecret, SharedSecretCache
from journal_keys.ports.tracer import Trace, Tracer, Work

Load: TypeAlias = Callable[[SecretPath], Awaitable[KeyMaterial]]
_MOST_ENTRIES = 4096
_NOT_SHARED = NotShared()


@dataclass(slots=True)
class _Flight:
    """A load under way; an invalidation says that its value is not kept."""

    is_kept: bool = True


class _Held:
    """A value, its text, the uptime of its load, the end of its time, its hits. It has no repr that shows the text."""

    __slots__ = ("fresh_until_s", "hits", "loaded_s", "path", "text", "value")

    def __init__(self, path: SecretPath, value: KeyMaterial, hits: Hits, *, loaded_s: float, ttl_s: float) -> None:
        self.path = path
        self.value = value
        self.text = as_text(expose(value))
        self.hits = hits
        self.loaded_s = loaded_s
        self.fresh_until_s = loaded_s + ttl_s


class MemorySecretCache(SecretCache):
    """Values with the uptime of their load. For `stale_bound` past its time a value may stand in for an error.

    What is not here is looked for in `shared` before it is loaded.
    """

    def __init__(
        self,
        clock: Clock,
        ttl: timedelta,
        stale_bound: timedelta,
        shared: SharedSecretCache = _NOT_SHARED,
        meter: Meter | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._uptime_s = clock.uptime_s
        self._shared = shared
        self._meter = meter or MemoryMeter()
        self._tracer = tracer or MemoryTracer()
        self._ttl_s = ttl.total_seconds()
        self._stale_s = self._ttl_s + stale_bound.total_seconds()
        self._values: OrderedDict[str, _Held] = OrderedDict()
        self._flights: dict[SecretPath, tuple[_Flight, asyncio.Task[KeyMaterial]]] = {}
        self._aloft: set[asyncio.Task[KeyMaterial]] = set()  # the loop itself holds tasks weakly

    async def get(self, path: SecretPath, load: Load) -> KeyMaterial:
        """Give the cached value, or load it."""
        held = self._values.get(str(path))
        if held is not None and self._uptime_s() < held.fresh_until_s:
            held.hits.count += 1
            return held.value
        _, task = self._flights.get(path) or self._depart(path, load)
        return await asyncio.shield(task)

    def peek(self, path: str) -> str | None:
        """Give the text within its time."""
        try:
            held = self._values[path]
        except (KeyError, TypeError):  # TypeError: not hashable
            return None
        if self._uptime_s() < held.fresh_until_s:
            held.hits.count += 1
            return held.text
        return None

    def keep_stale(self, path: SecretPath, value: KeyMaterial, age: timedelta) -> None:
        """Keep it as one whose time to live has just been over since it was read."""
        loaded_s = self._uptime_s() - age.total_seconds() - self._ttl_s
        held = self._values.get(str(path))
        if held is None or held.loaded_s < loaded_s:
            self._keep(path, loaded_s, value)

    async def invalidate(self, prefix: SecretPath | None) -> int:
        """Forget this path and all below it, or everything, here and in what is shared."""
        gone = self.forget(prefix)
        await self._shared.forget(prefix)
        self.forget(prefix)  # what was read from there meanwhile
        return gone

    def forget(self, prefix: SecretPath | None) -> int:
        """Forget it here."""
        gone = [text for text, held in self._values.items() if prefix is None or held.path.is_within(prefix)]
        for text in gone:
            del self._values[text]
        for path in [path for path in self._flights if prefix is None or path.is_within(prefix)]:
            self._flights.pop(path)[0].is_kept = False
        events.CACHE_FORGOTTEN.tell(prefix=prefix or "/", values=len(gone))
        return len(gone)

    def _depart(self, path: SecretPath, load: Load) -> tuple[_Flight, asyncio.Task[KeyMaterial]]:
        flight = _Flight()
        task = asyncio.create_task(self._load(path, load, flight))
        self._aloft.add(task)
        task.add_done_callback(self._land)
        self._flights[path] = flight, task
        return flight, task

    async def _load(self, path: SecretPath, load: Load, flight: _Flight) -> KeyMaterial:
        with self._tracer.follow(Work.FETCH, path=path_label(path)) as trace:
            return await self._followed(path, load, flight, trace)

    async def _followed(self, path: SecretPath, load: Load, flight: _Flight, trace: Trace) -> KeyMaterial:
        asked_s, source = self._uptime_s(), Source.NONE
        try:
            value, age_s, source = await self._obtained(path, load)
        except SecretNotFoundError:
            if flight.is_kept:
                self._values.pop(str(path), None)
            raise
        except JournalKeysError as failure:
            held = self._values.get(str(path))
            if held is None or self._uptime_s() - held.loaded_s >= self._stale_s:
                raise
            source = Source.STALE
            events.STALE_SECRET_SERVED.tell(path=path, age_s=round(self._uptime_s() - held.loaded_s), error=failure)
            return held.value
        finally:
            took_s = self._uptime_s() - asked_s
            trace.add(source=source.value)
            self._meter.fetched(path, source, took_s)
            events.SECRET_FETCHED.tell(path=path, source=source, took_ms=round(1000 * took_s))
            if flight.is_kept:
                self._flights.pop(path, None)
        if flight.is_kept:
            self._keep(path, asked_s - age_s, value)
        return value

    async def _obtained(self, path: SecretPath, load: Load) -> tuple[KeyMaterial, float, Source]:
        """Give the value, its age in seconds when it was asked for, and where it was."""
        found = await self._shared.look_up(path)
        if isinstance(found, SharedSecret):
            return found.value, found.age_s, Source.REDIS
        try:
            value = await load(path)
        except Exception as failure:
            self._meter.failed(path, failure)
            raise
        await self._shared.keep(found, value)
        return value, 0.0, Source.STORE

    def _keep(self, path: SecretPath, asked_s: float, value: KeyMaterial) -> None:
        text = str(path)
        self._values[text] = _Held(path, value, self._meter.hits(path), loaded_s=asked_s, ttl_s=self._ttl_s)
        self._values.move_to_end(text)
        while len(self._values) > _MOST_ENTRIES:
            self._values.popitem(last=False)

    def _land(self, task: asyncio.Task[KeyMaterial]) -> None:
        """Look at the result, so that a load whose callers were all cancelled raises nothing later."""
        self._aloft.discard(task)
        if not task.cancelled():
            task.exception()
