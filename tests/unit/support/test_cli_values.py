"""Names and values reach the server as the real CLI reads them: beyond the recordings, call beside call."""

import pytest

from tests.support.infisical.calling import FOLDER, Caller
from tests.support.infisical.server import InfisicalServer

pytestmark = pytest.mark.processes


YAML_VALUES = {
    "plain": ("k: v # c", "v"),
    "plain with a hash": ("k: a#b", "a#b"),
    "yes is a text": ("k: yes", "yes"),
    "single quotes": ("k: 'a''b\\n'", "a'b\\n"),
    "a broken line": ('k: "a\n  b\n\n  c"', "a b\nc"),
    "an escaped break": ('k: "a\\\n  b"', "ab"),
    "escapes": (r'k: "\x41\e\_\N\L\P\0\t"', "A\x1b\xa0\x85\u2028\u2029\0"),
    "a tab inside": ('k: "a\tb"', "a\tb"),
    "next lines fold": ('k: "a\x85\x85b"', "a\nb"),
    "separators stay": ('k: "a\u2028\u2028b"', "a\u2028\u2028b"),
    "flow": ('{"k": v, }', "v"),
    "flow without a blank": ('{"k":"v"}', "v"),
    "a byte order mark first": ("\ufeffk: v", "v"),
    "CRLF": ("k: v\r\n", "v"),
}


@pytest.mark.parametrize(("text", "value"), YAML_VALUES.values(), ids=YAML_VALUES.keys())
def test_yaml_is_read_as_go_reads_it(call: Caller, server: InfisicalServer, text: str, value: str) -> None:
    done = call("secrets", "set", "--file=v.yaml", stdin=text.encode())
    assert done.returncode == 0, done.stderr
    assert server.folder(FOLDER)["k"] == value


YAML_ERRORS = {
    "a number": ("k: 1_000", "YAML secret 'k' must be a string"),
    "a hexadecimal number": ("k: 0x1F", "YAML secret 'k' must be a string"),
    "a date": ("k: 2024-01-01", "YAML secret 'k' must be a string"),
    "nothing": ("k:", "YAML secret 'k' must be a string"),
    "a list": ("k: [a, b]", "YAML secret 'k' must be a string"),
    "a nested list": ("k:\n- a\n", "YAML secret 'k' must be a string"),
    "two colons": (
        "a: b\nk: a: b",
        "failed to parse YAML file: yaml: line 2: mapping values are not allowed in this context",
    ),
    "a reserved character": ("k: @x", "failed to parse YAML file: yaml: found character that cannot start any token"),
    "an unknown escape": ('a: b\nk: "\\q"', "failed to parse YAML file: yaml: line 2: found unknown escape character"),
    "too few digits": ('k: "\\u12"', "failed to parse YAML file: yaml: did not find expected hexdecimal number"),
    "repeats": (
        "k: a\nl: b\nk: c\nl: d",
        (
            "failed to parse YAML file: yaml: unmarshal errors:\n"
            '  line 3: mapping key "k" already defined at line 1\n'
            '  line 4: mapping key "l" already defined at line 2'
        ),
    ),
}


@pytest.mark.parametrize(("text", "words"), YAML_ERRORS.values(), ids=YAML_ERRORS.keys())
def test_yaml_that_is_wrong_is_refused_before_any_request(
    call: Caller, server: InfisicalServer, text: str, words: str
) -> None:
    done = call("secrets", "set", "--file=v.yaml", stdin=text.encode())
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"error parsing secrets: {words}\n")
    assert not server.requests


BYTES = {
    "a leading octet": (b"k: \xff", "invalid leading UTF-8 octet"),
    "a trailing octet": (b'k: "\xc3("', "invalid trailing UTF-8 octet"),
    "an end too early": (b"k: \xe2\x82", "incomplete UTF-8 octet sequence"),
    "a surrogate": (b'k: "\xed\xa0\x80"', "invalid Unicode character"),
    "a form too long": (b'k: "\xc0\xaf"', "invalid length of a UTF-8 sequence"),
}


@pytest.mark.parametrize(("raw", "words"), BYTES.values(), ids=BYTES.keys())
def test_bytes_that_are_no_utf_8_are_told_apart(call: Caller, raw: bytes, words: str) -> None:
    done = call("secrets", "set", "--file=v.yaml", stdin=raw)
    assert done.stderr == f"error parsing secrets: failed to parse YAML file: yaml: {words}\n"


DOTENV = {
    "blanks": ("  k = v ", "v"),
    "double quotes": ('k="a b"', "a b"),
    "one quote only": ("k=\"v'", "\"v'"),
    "an equals sign": ("k==v", "=v"),
    "comments around": ("# c\n// c\nk=a#b # c", "a#b # c"),
    "the last one counts": ("k=v\nk=w", "w"),
}


@pytest.mark.parametrize(("text", "value"), DOTENV.values(), ids=DOTENV.keys())
def test_dotenv_is_read_as_the_cli_reads_it(call: Caller, server: InfisicalServer, text: str, value: str) -> None:
    assert call("secrets", "set", "--file=/dev/stdin", stdin=text.encode()).returncode == 0
    assert server.folder(FOLDER)["k"] == value


def test_a_single_quote_for_a_value_breaks_the_cli(call: Caller) -> None:
    done = call("secrets", "set", "--file=/dev/stdin", stdin=b"k='")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("panic: ")
