"""Turns in Redis."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from journal_keys.adapters.redis.caller import Caller, NoAnswerError
from journal_keys.adapters.redis.namespace import Namespace
from journal_keys.ports.lease import Lease

PLACE_WITHIN_S: Final = 0.05
"""How long a place among the questions that are asked at once is waited for: who cannot ask may work."""

TAKE: Final = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] and redis.call('PTTL', KEYS[1]) >= 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
"""What has no end, as out of a restored dump, is nobody's."""
GIVE_BACK: Final = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisLease(Lease):
    """Each turn is a key that names its holder and ends by itself."""

    call: Caller
    place: Namespace
    holder: str

    async def take(self, name: str, lasts: timedelta) -> bool:
        """Take it, unless Redis says plainly that another holds it."""
        answer = await self._run(TAKE, name, max(1, round(lasts / timedelta(milliseconds=1))))
        return bool(answer != 0)

    async def give_back(self, name: str) -> None:
        """Delete it, if it is ours."""
        await self._run(GIVE_BACK, name)

    async def _run(self, script: str, name: str, *more: int) -> Any:  # noqa: ANN401 (a spoiled answer may be of any type)
        try:
            return await self.call.soon(
                "EVAL", script, 1, self.place.lease(name), self.holder, *more, place_within_s=PLACE_WITHIN_S
            )
        except NoAnswerError:
            return None
