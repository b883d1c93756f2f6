"""The flat YAML that a file of secrets is: names and texts, in block or in flow form, as go-yaml v3 reads it.

What goes beyond (anchors, tags, block scalars, several documents) is refused as not stood in for, never guessed.
"""

import re
from collections.abc import Callable

from tests.support.infisical.binary.surroundings import NotStoodInError
from tests.support.infisical.binary.yaml_quotes import Text, YamlError, double_quoted, scanner_error, single_quoted

_NO_TEXT = re.compile(
    r"~|null|Null|NULL|true|True|TRUE|false|False|FALSE"
    r"|[-+]?[0-9][0-9_]*|0x[0-9a-fA-F_]+|0o?[0-7_]+|0b[01_]+"
    r"|[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
    r"|\d{4}-\d{1,2}-\d{1,2}([Tt ].*)?",
    re.ASCII,
)
_CONTROL = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_GOES_ON = re.compile(r"[\n\r]+[ \t]+[^ \t\n\r#]")
_LENGTHS = ((2, 0xC0, 0xE0), (3, 0xE0, 0xF0), (4, 0xF0, 0xF8))
_BEYOND = "|>&*!"
_NO_START = "@`%"


class Untold:
    """A value that is no text."""


def read(raw: bytes) -> dict[str, str | Untold]:
    """Read names and values.

    Raises:
        YamlError: this is no YAML, or a name repeats.
        NotStoodInError: this is YAML of a kind that is not stood in for.
    """
    text = Text(_decoded(raw).removeprefix("\ufeff"))
    _skip_to_content(text)
    if not text.next:
        return {}
    pairs = _flow(text) if text.next == "{" else _block(text)
    return _without_repeats(pairs)


def _decoded(raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotStoodInError("YAML in UTF-16")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise YamlError(f"yaml: {_trouble(raw[error.start :])}") from None
    if _CONTROL.search(text):
        raise YamlError("yaml: control characters are not allowed")
    return text


def _trouble(raw: bytes) -> str:
    """What is wrong with a sequence of bytes that is no UTF-8 (`readerc.go`)."""
    length = next((n for n, start, mask in _LENGTHS if raw[0] & mask == start), 0)
    if not length:
        return "invalid leading UTF-8 octet"
    if len(raw) < length:
        return "incomplete UTF-8 octet sequence"
    if any(byte & 0xC0 != 0x80 for byte in raw[1:length]):
        return "invalid trailing UTF-8 octet"
    is_overlong = raw[0] in {0xC0, 0xC1} or raw[:1] == b"\xe0" or (raw[0] == 0xF0 and raw[1] < 0x90)
    return "invalid length of a UTF-8 sequence" if is_overlong else "invalid Unicode character"


def _without_repeats(pairs: list[tuple[str, str | Untold, int]]) -> dict[str, str | Untold]:
    lines: dict[str, int] = {}
    repeats = []
    for name, _, line in pairs:
        if name in lines:
            repeats.append(f'  line {line + 1}: mapping key "{name}" already defined at line {lines[name] + 1}')
        lines.setdefault(name, line)
    if repeats:
        raise YamlError("\n".join(["yaml: unmarshal errors:", *repeats]))
    return {name: value for name, value, _ in pairs}


def _skip_to_content(text: Text) -> None:
    while True:
        text.skip(" \t")
        if text.next == "#":
            _skip_line(text)
        elif text.next and text.next in "\n\r\x85":
            text.take()
        else:
            return


def _skip_line(text: Text) -> None:
    while text.next and text.next not in "\n\r\x85":
        text.take()


def _block(text: Text) -> list[tuple[str, str | Untold, int]]:
    pairs = []
    while text.next:
        if text.at and text.whole[text.at - 1] in " \t":
            raise NotStoodInError("YAML that is indented")
        line = text.line
        name = _scalar(text, _plain_name)
        text.skip(" \t")
        if text.next != ":" or not isinstance(name, str):
            raise NotStoodInError("YAML that is no mapping of names")
        text.take()
        pairs.append((name, _value(text), line))
        _skip_to_content(text)
    return pairs


def _value(text: Text) -> str | Untold:
    text.skip(" \t")
    if text.next and text.next in "{[":
        return _collection(text)
    if text.next in {"", "\n", "\r", "#"}:
        _skip_indented(text)
        return Untold()
    value = _scalar(text, _plain_value)
    text.skip(" \t")
    if text.next not in {"", "\n", "\r", "\x85", "#"}:
        raise NotStoodInError("text after a quoted YAML value")
    return value


def _skip_indented(text: Text) -> None:
    """What is nested below a name is no text, whatever it is."""
    _skip_line(text)
    while re.match(r"(\r\n|[\n\r])([ \t]+\S|[ \t]*(?=[\n\r]|$)|- )", text.whole[text.at :]) and text.next:
        text.take()
        _skip_line(text)


def _scalar(text: Text, plain: Callable[[Text], str | Untold]) -> str | Untold:
    if text.next and text.next in _BEYOND:
        raise NotStoodInError(f"YAML with {text.next}")
    if text.next and text.next in _NO_START:
        raise scanner_error("found character that cannot start any token", text.line, text.line)
    if text.next == '"':
        return double_quoted(text)
    return single_quoted(text) if text.next == "'" else plain(text)


def _plain_name(text: Text) -> str:
    return _matched(text, r"[^\n\r\x85#:]([^\n\r\x85:]|:(?=[^\s]))*(?=:(?:\s|$))").rstrip()


def _plain_value(text: Text) -> str | Untold:
    value = _matched(text, r"[^\n\r\x85\u2028\u2029]+")
    value = re.split(r"\s#", value, maxsplit=1)[0].rstrip()
    if re.search(r":(\s|$)", value):
        raise scanner_error("mapping values are not allowed in this context", text.line, text.line)
    if text.next in {"\x85", "\u2028", "\u2029"} or _GOES_ON.match(text.whole, text.at):
        raise NotStoodInError("a plain YAML value of many lines")
    return Untold() if _NO_TEXT.fullmatch(value) else value


def _matched(text: Text, pattern: str) -> str:
    found = re.compile(pattern).match(text.whole, text.at)
    if found is None:
        raise NotStoodInError("YAML that is no mapping of names")
    text.at = found.end()
    return found[0]


def _flow(text: Text) -> list[tuple[str, str | Untold, int]]:
    pairs = _members(text)
    _skip_to_content(text)
    if text.next:
        raise NotStoodInError("text after a YAML mapping")
    return pairs


def _members(text: Text) -> list[tuple[str, str | Untold, int]]:
    pairs: list[tuple[str, str | Untold, int]] = []
    text.take()
    _skip_to_content(text)
    while text.next != "}":
        line = text.line
        name = _scalar(text, _plain_in_flow)
        _skip_to_content(text)
        _expect(text, ":")
        _skip_to_content(text)
        value = _collection(text) if text.next and text.next in "{[" else _scalar(text, _plain_in_flow)
        pairs.append((str(name), value, line))
        _separated(text, "}")
    text.take()
    return pairs


def _collection(text: Text) -> Untold:
    if text.next == "{":
        _members(text)
        return Untold()
    text.take()
    _skip_to_content(text)
    while text.next != "]":
        if text.next and text.next in "{[":
            _collection(text)
        else:
            _scalar(text, _plain_in_flow)
        _separated(text, "]")
    text.take()
    return Untold()


def _separated(text: Text, end: str) -> None:
    _skip_to_content(text)
    if text.next != end:
        _expect(text, ",")
        _skip_to_content(text)


def _expect(text: Text, character: str) -> None:
    if text.next != character:
        raise NotStoodInError(f"a YAML flow collection without its {character}")
    text.take()


def _plain_in_flow(text: Text) -> str | Untold:
    value = _matched(text, r"[^\n\r\x85,\[\]{}:#]([^\n\r\x85,\[\]{}:]|:(?=\S))*").rstrip()
    return Untold() if _NO_TEXT.fullmatch(value) else value
