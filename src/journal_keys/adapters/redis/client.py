"""The client of Redis: no retries of its own, no command that Redis 5.0 lacks, and one time-out for each question.

Connecting has one; `Caller` bounds the whole of a question. One of the client's own for each of its parts, which it has
unless told otherwise, would cost time, and before Python 3.12 swallow that of `Caller` now and then.
"""

from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

TIMEOUT_S: Final = 0.25
_HEALTH_CHECK_S: Final = 15
_MOST_CONNECTIONS: Final = 64


def make_client(url: str, *, deadline_s: float = TIMEOUT_S) -> Redis:
    """Give a client that has not connected yet, and has so many seconds to connect.

    The protocol is RESP2 and no library name is told: `HELLO` and `CLIENT SETINFO` came after Redis 5.0.

    Raises:
        ValueError: it is no URL of Redis. The message does not repeat it.
    """
    return Redis.from_url(
        url,
        socket_timeout=None,
        socket_connect_timeout=deadline_s,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=_HEALTH_CHECK_S,
        max_connections=_MOST_CONNECTIONS,
        protocol=2,
        driver_info=None,
        decode_responses=False,
    )
