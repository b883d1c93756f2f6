"""The real Redis of the tests: it answers, has no rights and leaves nothing."""

import os
import socket
from pathlib import Path

import pytest

from tests.support.redis_server import RedisServer


def answer(server: RedisServer, command: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as asked:
        asked.sendall(command + b"\r\n")
        return asked.recv(4096)


def test_it_answers_on_its_port_and_its_socket(shared_redis: RedisServer) -> None:
    assert answer(shared_redis, b"PING") == b"+PONG\r\n"
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(str(shared_redis.socket_file))
        asked.sendall(b"PING\r\n")
        assert asked.recv(64) == b"+PONG\r\n"


def test_it_is_not_root_and_writes_no_file(shared_redis: RedisServer) -> None:
    told = answer(shared_redis, b"INFO server").decode()
    (number,) = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("process_id:")]
    owner = Path("/proc", number).stat().st_uid
    assert owner != 0
    assert os.geteuid() in {0, owner}
    assert answer(shared_redis, b"CONFIG GET save").endswith(b"\r\n$0\r\n\r\n")
    assert [entry.name for entry in shared_redis.folder.iterdir()] == ["s"]


def test_stopped_and_started_it_is_empty_and_at_the_same_place(own_redis: RedisServer) -> None:
    port = own_redis.port
    assert answer(own_redis, b"SET a b") == b"+OK\r\n"
    own_redis.stop()
    own_redis.start("requirepass " + "p" * 8)
    assert own_redis.port == port
    assert answer(own_redis, b"GET a").startswith(b"-NOAUTH")


def test_who_asks_for_the_shared_one_finds_nothing_of_others_in_it(
    redis_of_this_run: RedisServer, request: pytest.FixtureRequest
) -> None:
    assert answer(redis_of_this_run, b"SET left behind") == b"+OK\r\n"
    assert answer(redis_of_this_run, b"DBSIZE") != b":0\r\n"
    assert answer(request.getfixturevalue("shared_redis"), b"DBSIZE") == b":0\r\n"
