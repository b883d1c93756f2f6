"""Command lines and addresses are read as the real CLI reads them: beyond the recordings, call beside call."""

import pytest

from tests.support.infisical.calling import Caller
from tests.support.infisical.server import InfisicalServer

pytestmark = pytest.mark.processes


TARGETS = {
    "a question mark": ("a?b", "a?b"),
    "a hash": ("a#b", "a"),
    "an escape": ("a%41", "a%41"),
    "a blank": ("a b", "a%20b"),
    "an umlaut": ("ü", "%C3%BC"),
    "what stays": ("a:b;c'd(e)!*@&$,+", "a:b;c'd(e)!*@&$,+"),
    "what cannot stay": ('a"b<c', "a%22b%3Cc"),
    "what stays but for the rest": ("(a<)", "%28a%3C%29"),
}


@pytest.mark.parametrize(("name", "target"), TARGETS.values(), ids=TARGETS.keys())
def test_names_go_into_the_address_as_go_writes_it(
    call: Caller, server: InfisicalServer, name: str, target: str
) -> None:
    call("secrets", "delete", name, "--type=shared")
    (seen,) = server.requests
    assert seen.target == f"/api/v3/secrets/raw/{target}"


WRONG_ADDRESSES = {
    "localhost:1": 'unsupported protocol scheme "localhost"',
    "ftp://x": 'unsupported protocol scheme "ftp"',
    "http:///x": "http: no Host in request URL",
    "http://x:y": 'invalid port ":y" after host',
    "http://a b": 'invalid character " " in host name',
    "http://127.0.0.1:99999": "dial tcp: address 99999: invalid port",
    "http://h/%zz": 'invalid URL escape "%zz"',
}


@pytest.mark.parametrize(("domain", "words"), WRONG_ADDRESSES.items())
def test_addresses_that_make_no_sense_are_told_in_go_s_words(call: Caller, domain: str, words: str) -> None:
    done = call("export", f"--domain={domain}")
    assert done.returncode == 1
    assert f"{words}]\n" in done.stderr


USAGE = {
    "no such command": (["foo"], 'Error: unknown command "foo" for "infisical"'),
    "no such flag": (["export", "--foo"], "Error: unknown flag: --foo"),
    "no such letter": (["secrets", "-e", "prod"], "Error: unknown shorthand flag: 'e' in -e"),
    "a letter among others": (["export", "-hx"], "Error: unknown shorthand flag: 'x' in -x"),
    "a flag without its value": (["export", "--env"], "Error: flag needs an argument: --env"),
    "a letter without its value": (["export", "-e"], "Error: flag needs an argument: 'e' in -e"),
    "neither true nor false": (
        ["export", "--expand=maybe"],
        'Error: invalid argument "maybe" for "--expand" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ),
    "a value apart from its bool": (
        ["export", "--expand", "false"],
        'Error: unknown command "false" for "infisical export"',
    ),
    "no name to get": (["secrets", "get"], "Error: requires at least 1 arg(s), only received 0"),
    "bad syntax": (["export", "---x"], "Error: bad flag syntax: ---x"),
}


@pytest.mark.parametrize(("argv", "words"), USAGE.values(), ids=USAGE.keys())
def test_a_wrong_command_line_is_told_and_asks_nobody(
    call: Caller, server: InfisicalServer, argv: list[str], words: str
) -> None:
    done = call.bare(*argv)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0] == words
    assert not server.requests


def test_flags_stand_anywhere_and_letters_take_their_value_in_three_ways(call: Caller, server: InfisicalServer) -> None:
    project = f"--projectId={server.project_id}"
    for letters in (["-e", "prod"], ["-e=prod"], ["-eprod"]):
        call.bare("--silent", "export", *letters, "-f", "json", project)
    assert len(server.requests) == 3
    assert all("environment=prod" in seen.target for seen in server.requests)


@pytest.mark.parametrize("command", [["export"], ["login"], ["secrets", "set"], ["secrets", "folders", "create"]])
def test_help_names_the_flags_and_asks_nobody(call: Caller, server: InfisicalServer, command: list[str]) -> None:
    done = call.bare(*command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"infisical {' '.join(command)}" in done.stdout
    assert "--domain string" in done.stdout
    assert not server.requests
