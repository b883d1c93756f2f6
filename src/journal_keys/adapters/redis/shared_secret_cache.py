"""Sealed secrets in Redis."""

from datetime import timedelta
from typing import Any, Final, NamedTuple

from journal_keys import events
from journal_keys.adapters.redis.caller import Caller, NoAnswerError
from journal_keys.adapters.redis.counts import Count
from journal_keys.adapters.redis.keys import DerivedKeys
from journal_keys.adapters.redis.messages import Forgotten, Post
from journal_keys.adapters.redis.namespace import Namespace
from journal_keys.adapters.redis.sealing import (
    MOST_TEXT,
    MOST_VALUE_BYTES,
    NONCE_BYTES,
    Form,
    Opened,
    Span,
    form_of,
    seal,
    unseal,
)
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath, is_owned
from journal_keys.ports.clock import Clock
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.shared_secret_cache import Found, SharedSecret, SharedSecretCache, Vacancy

_MOST_OWED: Final = 64
_MOST_SLOTS: Final = 4096
_JITTER: Final = 0.2
"""By how much of its time a value may end early, so that instances do not load everything at once."""
_MARK_BYTES: Final = 16
_MS: Final = 1000

CLAIM: Final = """
local guard = redis.call('GET', KEYS[1])
if not guard then
  guard = ARGV[1]
  redis.call('SET', KEYS[1], guard)
end
return guard
"""
KEEP: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
for i = 3, #KEYS do redis.call('SADD', KEYS[i], ARGV[4]) end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1
"""
FORGET: Final = """
local guard = redis.call('GET', KEYS[1])
if guard and string.sub(guard, 1, #ARGV[1]) ~= ARGV[1] then return -1 end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('DEL', KEYS[2])
if redis.call('TYPE', KEYS[3]).ok == 'set' then
  for _, path in ipairs(redis.call('SMEMBERS', KEYS[3])) do redis.call('DEL', ARGV[3] .. path) end
end
redis.call('DEL', KEYS[3])
if ARGV[5] ~= '' then redis.pcall('PUBLISH', ARGV[4], ARGV[5]) end
return 1
"""
"""Telling others is part of it: what is owed is told when it is done. Who may not publish forgets all the same."""


class _Slot(NamedTuple):
    """Under which name a secret lies, and as what it is sealed."""

    name: str
    form: Form


class RedisSharedSecretCache(SharedSecretCache):
    """Values sealed under keys that Redis never sees, each under a name with its path.

    A value's time is bounded twice: by Redis, and by moments sealed with it, which are compared with this host's wall
    clock; so a value out of an old dump is too old. What was not yet forgotten, because Redis did not answer, is owed:
    before it is done, nothing is found.
    """

    def __init__(  # noqa: PLR0913 (all of it comes in from one place)
        self,
        *,
        call: Caller,
        place: Namespace,
        keys: DerivedKeys,
        post: Post,
        ttl: timedelta,
        skew: timedelta,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._call = call
        self._counts = call.counts
        self._place = place
        self._keys = keys
        self._post = post
        self._ttl_ms = round(ttl.total_seconds() * _MS)
        self._skew_ms = round(skew.total_seconds() * _MS)
        self._clock = clock
        self._entropy = entropy
        self._owed: dict[SecretPath | None, object] = {}
        self._is_foreign = False
        self._slots: dict[SecretPath, _Slot] = {}

    async def look_up(self, path: SecretPath) -> Found:
        """Read the value; where there is none, read the guard, which says later whether anything was forgotten."""
        slot = self._slot(path)
        if slot is None:
            return self._vacancy(path)
        if self._keys.sealer() is None:
            self._counts[Count.NO_KEY] += 1
            return self._vacancy(path)
        try:
            if self._owed:
                await self._pay()
            found = self._opened(slot.form, await self._read(slot.name))
            if found is None:
                return self._vacancy(path, await self._claimed())
        except NoAnswerError:
            return self._vacancy(path)
        self._counts[Count.HIT] += 1
        return found

    async def keep(self, vacancy: Vacancy, value: KeyMaterial) -> None:
        """Seal and write, if the guard is as it was and there is a key."""
        sealer, slot = self._keys.sealer(), self._slot(vacancy.path)
        if vacancy.mark is None or sealer is None or self._owed or slot is None:
            return
        if len(value) > MOST_VALUE_BYTES:
            self._counts[Count.OVERSIZED] += 1
            return
        span = self._span(vacancy.since_unix_s)
        left_ms = span.ends_ms - round(self._clock.unix_s() * _MS)
        if not 0 < left_ms <= self._ttl_ms:
            return
        opened = Opened(value=value, span=span)
        text = seal(slot.form, sealer, self._entropy.token(NONCE_BYTES), opened)
        names = [self._place.guard, slot.name, *self._place.indexes(vacancy.path)]
        try:
            if not await self._run(KEEP, names, vacancy.mark, text, left_ms, str(vacancy.path)):
                self._counts[Count.OVERTAKEN] += 1
        except NoAnswerError:
            return

    async def forget(self, prefix: SecretPath | None) -> None:
        """Owe it, and pay, which tells other instances, too."""
        is_first = not self._owed
        self._owed[prefix] = object()  # who is paying an older debt does not pay this one
        if len(self._owed) > _MOST_OWED:
            self._owed = {None: object()}
        try:
            await self._pay()
        except NoAnswerError as failure:
            if is_first:
                events.REDIS_FORGETTING_IS_OWED.tell(why=failure.why)

    async def claim(self) -> bool:
        """Say whether this namespace is ours or free; where Redis does not answer, it may be.

        Of a namespace that turns out to be another's later, nothing is read or written.
        """
        try:
            await self._claimed()
        except NoAnswerError:
            return True
        return not self._is_foreign

    def _slot(self, path: SecretPath) -> _Slot | None:
        """Say where a secret lies and as what; None for what a ring owns, which lies nowhere."""
        found = self._slots.get(path)
        if found is None and not is_owned(path):
            if len(self._slots) >= _MOST_SLOTS:
                self._slots.clear()
            found = self._slots[path] = _Slot(name=self._place.value(path), form=form_of(self._place, path))
        return found

    async def _read(self, name: str) -> bytes | str:
        """Read at most as much as can be ours; of what is not there, nothing."""
        text = await self._call("GETRANGE", name, 0, MOST_TEXT)
        return text if isinstance(text, bytes | str) else b"?"  # a spoiled answer may be of any type

    def _opened(self, form: Form, text: bytes | str) -> SharedSecret | None:
        if not text:
            self._counts[Count.ABSENT] += 1
            return None
        opened = unseal(form, self._keys, text)
        if isinstance(opened, Count):
            self._counts[opened] += 1
            return None
        age_ms = round(self._clock.unix_s() * _MS) - opened.span.made_ms
        ends_after_ms = min(opened.span.ends_ms - opened.span.made_ms, self._ttl_ms)
        if age_ms >= ends_after_ms or age_ms < -self._skew_ms:
            self._counts[Count.EXPIRED if age_ms >= ends_after_ms else Count.FROM_THE_FUTURE] += 1
            return None
        return SharedSecret(value=opened.value, age_s=max(0, age_ms) / _MS)

    async def _claimed(self) -> str | None:
        """Give the guard, made where there was none; None, where it is not ours."""
        guard = await self._run(CLAIM, [self._place.guard], self._new_guard())
        text = guard.decode("ascii", "replace") if isinstance(guard, bytes) else str(guard)
        is_ours = text.startswith(f"{self._place.owner}:")
        if not is_ours:
            self._counts[Count.FOREIGN_NAMESPACE] += 1
            if not self._is_foreign:
                events.REDIS_NAMESPACE_IS_ANOTHERS.tell(prefix=self._place.prefix, expected=self._place.owner)
        self._is_foreign = not is_ours
        return text if is_ours else None

    async def _pay(self) -> None:
        """Forget what is owed.

        Raises:
            NoAnswerError: the rest stays owed.
        """
        for prefix, debt in list(self._owed.items()):
            names = [
                self._place.guard,
                self._place.values if prefix is None else self._place.value(prefix),
                self._place.index(prefix),
            ]
            told = (self._place.hints, self._post.write(Forgotten(prefix)))
            await self._run(FORGET, names, f"{self._place.owner}:", self._new_guard(), self._place.values, *told)
            if self._owed.get(prefix) is debt:
                del self._owed[prefix]

    async def _run(self, script: str, names: list[str], *arguments: str | int) -> Any:  # noqa: ANN401 (a script's answer)
        return await self._call("EVAL", script, len(names), *names, *arguments)

    def _new_guard(self) -> str:
        """Random, not counted: no number comes back after everything in Redis was lost."""
        return f"{self._place.owner}:{self._entropy.token(_MARK_BYTES).hex()}"

    def _span(self, since_unix_s: float) -> Span:
        made_ms = round(since_unix_s * _MS)
        kept = 1 - _JITTER * self._entropy.token(1)[0] / 256
        return Span(made_ms=made_ms, ends_ms=made_ms + round(self._ttl_ms * kept))

    def _vacancy(self, path: SecretPath, mark: str | None = None) -> Vacancy:
        return Vacancy(path=path, since_unix_s=self._clock.unix_s(), mark=mark)
