"""Which commands Redis 5.0 has, and which a server or a recording has seen."""

import re
import socket
from typing import Final

from tests.support.redis_server import RedisServer

_OF_5_0: Final = """
append asking auth bgrewriteaof bgsave bitcount bitfield bitop bitpos blpop brpop brpoplpush bzpopmax
bzpopmin client cluster command config dbsize debug decr decrby del discard dump echo eval evalsha exec
exists expire expireat flushall flushdb geoadd geodist geohash geopos georadius georadius_ro
georadiusbymember georadiusbymember_ro get getbit getrange getset hdel hexists hget hgetall hincrby
hincrbyfloat hkeys hlen hmget hmset hscan hset hsetnx hstrlen hvals incr incrby incrbyfloat info keys
lastsave latency lindex linsert llen lolwut lpop lpush lpushx lrange lrem lset ltrim memory mget migrate
module monitor move mset msetnx multi object persist pexpire pexpireat pfadd pfcount pfdebug pfmerge
pfselftest ping psetex psubscribe psync pttl publish pubsub punsubscribe randomkey readonly readwrite  rename
renamenx replconf replicaof restore role rpop rpoplpush rpush rpushx sadd save scan scard script  sdiff
sdiffstore select set setbit setex setnx setrange shutdown sinter sinterstore sismember slaveof  slowlog
smembers smove sort spop srandmember srem sscan strlen subscribe substr sunion sunionstore swapdb  sync time
touch ttl type unlink unsubscribe unwatch wait watch xack xadd xclaim xdel xgroup xinfo xlen  xpending xrange
xread xreadgroup xrevrange xsetid xtrim zadd zcard zcount zincrby zinterstore zlexcount  zpopmax zpopmin
zrange zrangebylex zrangebyscore zrank zrem zremrangebylex zremrangebyrank  zremrangebyscore zrevrange
zrevrangebylex zrevrangebyscore zrevrank zscan zscore zunionstore
"""
OF_5_0: Final = frozenset(_OF_5_0.split())
_SUBCOMMANDS_OF_5_0: Final = """
client|getname client|id client|kill client|list client|pause client|reply client|setname client|unblock
config|get config|resetstat config|rewrite config|set
"""
SUBCOMMANDS_OF_5_0: Final = frozenset(_SUBCOMMANDS_OF_5_0.split())
SET_OPTIONS_OF_5_0: Final = frozenset({"EX", "PX", "NX", "XX"})
_STAT: Final = re.compile(r"^cmdstat_([^:]+):calls=(\d+)", re.MULTILINE)


def is_of_5_0(name: str) -> bool:
    """Whether Redis 5.0 has this command, given in lower case, perhaps as `command|subcommand`."""
    command, _, subcommand = name.partition("|")
    if subcommand and command in {"client", "config"}:
        return name in SUBCOMMANDS_OF_5_0
    return command in OF_5_0


def seen_by(server: RedisServer) -> frozenset[str]:
    """Name every command that the server ran since its start, those of scripts too."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.settimeout(5)
        asked.connect(str(server.socket_file))
        asked.sendall(b"INFO commandstats\r\n")
        text = b""
        while not text.endswith(b"\r\n\r\n") and not text.startswith(b"-"):
            text += asked.recv(65536)
    return frozenset(name for name, calls in _STAT.findall(text.decode().replace("\r", "")) if int(calls))


def sent_in(recording: bytes) -> list[list[str]]:
    """Give the words of each command in what clients sent, one client after the other."""
    found, rest = [], recording
    while rest:
        count, _, rest = rest.partition(b"\r\n")
        assert count.startswith(b"*"), "not the beginning of a command"
        words = []
        for _ in range(int(count[1:])):
            size, _, rest = rest.partition(b"\r\n")
            words.append(rest[: int(size[1:])].decode("utf-8", "replace"))
            rest = rest[int(size[1:]) + 2 :]
        found.append(words)
    return found
