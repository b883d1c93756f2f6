"""Names and values of a dotenv file (`packages/util/secrets.go` v0.42.1): no escapes, no value of many lines."""


class DotenvError(Exception):
    """A line is no pair."""


class PanicError(Exception):
    """The CLI itself breaks here."""


def read(text: str) -> dict[str, str]:
    """Read pairs; of a name that repeats the last one counts."""
    pairs = {}
    for line in map(str.strip, text.split("\n")):
        if not line or line.startswith(("#", "//")):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise DotenvError(f"invalid format, expected key=value in line: {line}")
        pairs[name.strip()] = _unquoted(value.strip())
    return pairs


def _unquoted(value: str) -> str:
    if value in {'"', "'"}:
        raise PanicError("runtime error: slice bounds out of range [1:0]")
    is_quoted = any(value.startswith(quote) and value.endswith(quote) for quote in "\"'")
    return value[1:-1] if is_quoted else value
