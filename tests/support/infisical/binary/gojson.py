"""JSON as Go's `encoding/json` writes and reads it, and its words for what cannot be read."""

import json

_BY_PYTHON = (
    ("Expecting value", "looking for beginning of value"),
    ("Expecting property name", "looking for beginning of object key string"),
    ("Expecting ':'", "after object key"),
    ("Illegal trailing comma", "looking for beginning of object key string"),
    ("Expecting ','", "after object key:value pair"),
    ("Invalid control character", "in string literal"),
    ("Invalid \\", "in string escape code"),
    ("Extra data", "after top-level value"),
)
_WORDS = ("true", "false", "null")


class UnreadableError(Exception):
    """An answer that is no JSON; the message is Go's."""


def write(value: object) -> str:
    """Give JSON without blanks; `<`, `>`, `&` and two line separators are escaped, other text is not."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.replace("\\b", "\\b").replace("\\f", "\\f")


def read(raw: bytes) -> object:
    """Read JSON; of members that repeat the last one counts, bytes that are no UTF-8 become U+FFFD."""
    text = raw.decode("utf-8", "replace")
    try:
        return _without_surrogates(json.loads(text, parse_constant=_refuse))
    except json.JSONDecodeError as error:
        raise UnreadableError(_words(text, error)) from None


def strings_in(told: object, *names: str) -> dict[str, str]:
    """Give members of an object that are texts, and none for what is not there.

    Raises:
        UnreadableError: one is something else than a text.
    """
    members = told if isinstance(told, dict) else {}
    wrong = [name for name in names if not isinstance(members.get(name), str | None)]
    if wrong:
        raise UnreadableError(f"json: cannot unmarshal {_kind(members[wrong[0]])} into Go value of type string")
    return {name: members.get(name) or "" for name in names}


def _refuse(word: str) -> object:
    raise json.JSONDecodeError("Expecting value", word, 0)


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _has_surrogate(value) else value
    if isinstance(value, list):
        return [_without_surrogates(one) for one in value]
    if isinstance(value, dict):
        return {name: _without_surrogates(one) for name, one in value.items()}
    return value


def _has_surrogate(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _words(text: str, error: json.JSONDecodeError) -> str:
    rest = text[error.pos :].lstrip(" \t\r\n")
    if not rest or error.msg.startswith("Unterminated") or (rest in {word[: len(rest)] for word in _WORDS}):
        return "unexpected end of JSON input"
    where = next((words for start, words in _BY_PYTHON if error.msg.startswith(start)), "in numeric literal")
    shown = "'\\''" if rest[0] == "'" else f"'{rest[0]}'" if rest[0].isprintable() else repr(rest[0])
    return f"invalid character {shown} {where}"


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    return {int: "number", float: "number", list: "array", dict: "object"}.get(type(value), "value")
