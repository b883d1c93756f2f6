"""The stand-in server of July 2024 answers what a real backend of that day was recorded to answer."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from tests.support.infisical.asking import send
from tests.support.infisical.eras import Era
from tests.support.infisical.identities import Identity
from tests.support.infisical.recordings import Answer, Case, Exchange, cases, replaced, whole
from tests.support.infisical.server import SECRETS, InfisicalServer

FOLDER = "/auth/aes"
OLD_PROJECT = "OLD-PROJECT-ID"
CHANGES_EACH_TIME = re.compile(r'"\d{4}-\d\d-\d\dT[\d:.]+Z"')
IDS = frozenset({"id", "_id", "envId", "parentId"})
FILES = sorted({case.file for case in cases("real-*.json")})


def listing_in(file: str) -> list[dict[str, Any]]:
    """The first list of secrets that the backend gave in this file."""
    for case in cases(f"{file}.json"):
        for exchange in case.exchanges:
            if exchange.answer and exchange.answer.status == 200 and exchange.method == "GET":
                listed: list[dict[str, Any]] = json.loads(exchange.answer.body)["secrets"]
                return listed
    raise AssertionError(f"{file} lists nothing")


def fill(server: InfisicalServer, secrets: list[dict[str, Any]]) -> None:
    server.seed(FOLDER, {})
    for secret in secrets:
        server.shelves.create("dev", FOLDER, secret["secretKey"], secret["secretValue"])
        for _ in range(1, secret["version"]):
            server.shelves.update("dev", FOLDER, secret["secretKey"], secret["secretValue"])


def as_listed(file: str) -> Callable[[InfisicalServer], None]:
    return lambda server: fill(server, listing_in(file))


def with_two(server: InfisicalServer) -> None:
    fill(
        server,
        [
            {"secretKey": "k1", "secretValue": "v2", "version": 2},
            {"secretKey": "at", "secretValue": "@file", "version": 1},
        ],
    )


def with_no_secrets(server: InfisicalServer) -> None:
    server.seed(FOLDER, {})
    server.old_projects.add(OLD_PROJECT)


def with_one_folder(server: InfisicalServer) -> None:
    server.seed("/auth", {})


def with_no_reads_left(server: InfisicalServer) -> None:
    server.seed(FOLDER, {})
    server.registry.limit = 60
    for _ in range(60):
        server.registry.count(f"GET {SECRETS}")


PREPARED: dict[str, Callable[[InfisicalServer], None]] = {
    "real-delete": with_two,
    "real-expiry": as_listed("real-expiry"),
    "real-folders": with_one_folder,
    "real-login": with_no_secrets,
    "real-names": as_listed("real-names"),
    "real-race": with_two,
    "real-rate-limit": with_no_reads_left,
    "real-read": with_no_secrets,
    "real-rights": as_listed("real-rights"),
    "real-write": with_no_secrets,
}


class Tokens:
    """The token of each case."""

    def __init__(self, server: InfisicalServer) -> None:
        viewer = server.registry.add(Identity(can_write=False))
        stranger = server.registry.add(Identity(can_read=False, can_write=False))
        twice = server.registry.add(Identity(uses=2))
        ended = server.token()
        server.registry.expire(ended)
        self._special = {
            "garbage token": "garbage",
            "jwt with a wrong signature": server.token() + "x",
            "expired token": ended,
            "token with two uses": server.token(twice),
            "viewer": server.token(viewer),
            "no-access": server.token(stranger),
        }
        self._owner = server.token()

    def of(self, case: Case) -> str:
        return next((token for start, token in self._special.items() if case.name.startswith(start)), self._owner)


def ask(server: InfisicalServer, exchange: Exchange, token: str) -> Answer:
    names = (("PROJECT-ID", server.project_id), ("OLD-" + server.project_id, OLD_PROJECT))
    owner = (("CLIENT-ID", server.owner.client_id), ("CLIENT-SECRET", server.owner.client_secret))
    body = replaced(whole(exchange.body, '"}'), (*names, *owner))
    return send(server, exchange.method, replaced(exchange.target, names), body, token)


class Naming:
    """Numbers ids in the order in which they appear, so that equal ids have to stay equal."""

    def __init__(self) -> None:
        self._numbers: Iterator[int] = count()
        self._known: dict[str, int] = {}

    def plain(self, told: object) -> object:
        if isinstance(told, dict):
            return {name: self._member(name, value) for name, value in sorted(told.items())}
        if isinstance(told, list):
            return [self.plain(one) for one in sorted(told, key=lambda one: one.get("secretKey") or one["name"])]
        return told

    def _member(self, name: str, value: object) -> object:
        if name in IDS:
            return self._known.setdefault(str(value), next(self._numbers))
        return "a token" if name == "accessToken" else self.plain(value)


def comparable(answer: Answer, naming: Naming, project: str) -> tuple[int, object, dict[str, str]]:
    text = whole(replaced(answer.body, ((project, "PROJECT-ID"),)), '","secretComment":""}}')
    limits = {name: value for name, value in answer.headers.items() if name == "x-ratelimit-limit"}
    return answer.status, naming.plain(json.loads(CHANGES_EACH_TIME.sub('"a time"', text))), limits


@pytest.mark.parametrize("file", FILES)
def test_the_server_of_2024_answers_as_recorded(file: str) -> None:
    recorded, ours = Naming(), Naming()
    with InfisicalServer(era=Era.JULY_2024) as server:
        PREPARED[file](server)
        tokens = Tokens(server)
        for case in cases(f"{file}.json"):
            for exchange in case.exchanges:
                got = ask(server, exchange, tokens.of(case))
                if exchange.answer is None or exchange.is_crafted:
                    continue
                assert comparable(got, ours, server.project_id) == comparable(
                    exchange.answer, recorded, server.project_id
                ), f"{case.name}: {exchange.method} {exchange.target}"


def test_every_file_of_the_real_server_is_prepared_for() -> None:
    assert set(PREPARED) == set(FILES)
