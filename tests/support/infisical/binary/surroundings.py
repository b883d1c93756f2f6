"""What a call finds around itself: tokens, headers, files (`packages/util/{helper,config,common}.go` v0.42.1)."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from tests.support.infisical.binary import files
from tests.support.infisical.binary.colours import Colours
from tests.support.infisical.binary.flags import Called

_TOKENS = ("INFISICAL_UNIVERSAL_AUTH_ACCESS_TOKEN", "INFISICAL_TOKEN", "TOKEN")
_NOT_SETTABLE = frozenset({"user-agent", "accept"})
_QUOTES = "\"'"


class NotStoodInError(Exception):
    """The real CLI would do something here that the stand-in does not."""


class Surroundings(NamedTuple):
    """The environment, the working folder and what else a command needs to know. `pace` scales waits."""

    environ: Mapping[str, str]
    version: str
    pace: float

    @property
    def colours(self) -> Colours:
        return Colours.in_a_pipe(self.environ)

    def domain(self, called: Called) -> str:
        """The address of the API: the flag, then the variable even if it is empty; `/api` is added but once."""
        domain = called.text("domain")
        if "domain" not in called.given:
            domain = self.environ.get("INFISICAL_API_URL", domain)
        if not domain or domain.endswith("/api"):
            return domain
        return domain + ("api" if domain.endswith("/") else "/api")

    def token(self, called: Called) -> str:
        """The first access token there is, or an empty one."""
        token = called.text("token") or next((self.environ[name] for name in _TOKENS if self.environ.get(name)), "")
        if token.startswith("st."):
            raise NotStoodInError("a service token")
        return token

    def environment(self, called: Called) -> str:
        """The flag, or what a project file in this folder or above says where there is no flag."""
        if "env" in called.given:
            return called.text("env")
        told = self.project_file()
        if told.get("gitBranchToEnvironmentMapping"):
            raise NotStoodInError("an environment for each branch")
        return str(told.get("defaultEnvironment") or called.text("env"))

    def project_file(self) -> dict[str, object]:
        """What `.infisical.json` says, or nothing."""
        raw = next(files.read_upwards(".infisical.json"), b"{}")
        try:
            told = json.loads(raw)
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}


def custom_headers(told: str) -> dict[str, str]:
    """Read `INFISICAL_CUSTOM_HEADERS`: names and values, which may be quoted.

    Raises:
        ValueError: a name has no value.
    """
    headers, rest = {}, told.lstrip()
    while rest:
        name, equals, rest_of_it = rest.partition("=")
        if not equals or any(character.isspace() for character in name):
            raise ValueError(
                f'invalid custom header format. Expected "headerKey1=value1 headerKey2=value2 ...." but got {told}'
            )
        value, rest = _value(rest_of_it.lstrip())
        if name and name.lower() not in _NOT_SETTABLE:
            headers[name] = value
    return headers


def _value(rest: str) -> tuple[str, str]:
    if rest[:1] and rest[0] in _QUOTES:
        end = 1
        while end < len(rest) and (rest[end] != rest[0] or rest[end - 1] == "\\"):
            end += 1
        return rest[1:end], rest[end + 1 :].lstrip()
    words = rest.split(None, 1)
    return (words[0], words[1] if len(words) > 1 else "") if words else ("", "")
