"""How Go reads and writes addresses (`net/url`), and what it says of those that make no sense."""

import re
from typing import NamedTuple

_UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
_IN_A_PATH = _UNRESERVED + "$&+,/:;=@"
_LEFT_IN_A_PATH = _IN_A_PATH + "!'()*[]%"
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(.*)", re.DOTALL)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)


class AddressError(Exception):
    """An address cannot be used; the message is Go's."""


class Address(NamedTuple):
    """A parsed address; `path` is as it travels."""

    scheme: str
    host: str
    path: str
    query: str | None
    fragment: str

    @property
    def target(self) -> str:
        """What stands in the request line."""
        return (self.path or "/") + ("" if self.query is None else f"?{self.query}")

    @property
    def text(self) -> str:
        """The whole address."""
        start = f"{self.scheme}://{self.host}" if self.scheme else ""
        query = "" if self.query is None else f"?{self.query}"
        return f"{start}{self.path}{query}" + (f"#{self.fragment}" if self.fragment else "")

    def with_query(self, members: dict[str, str]) -> "Address":
        """Add members in the order of their names, as `url.Values.Encode` does."""
        added = "&".join(f"{_query(name)}={_query(value)}" for name, value in sorted(members.items()))
        return self._replace(query=f"{self.query}&{added}" if self.query else added)

    def following(self, location: str) -> "Address":
        """Where a redirect leads."""
        there = parse(location)
        if there.scheme:
            return there
        if there.host:
            return there._replace(scheme=self.scheme)
        if not there.path.startswith("/"):
            there = there._replace(path=self.path.rpartition("/")[0] + "/" + there.path)
        return there._replace(scheme=self.scheme, host=self.host)


def parse(text: str) -> Address:
    """Read an address.

    Raises:
        AddressError: Go cannot read it.
    """
    if any(character < " " or character == "\x7f" for character in text):
        raise AddressError(f"parse {quoted(text)}: net/url: invalid control character in URL")
    rest, _, fragment = text.partition("#")
    found = _SCHEME.match(rest)
    scheme, rest = (found[1].lower(), found[2]) if found else ("", rest)
    rest, has_query, query = rest.partition("?")
    if not scheme and ":" in rest.split("/", 1)[0]:
        raise AddressError(f"parse {quoted(text)}: first path segment in URL cannot contain colon")
    host = ""
    if rest.startswith("//"):
        host, slash, rest = rest[2:].partition("/")
        rest = slash + rest
    bad = _BAD_ESCAPE.search(rest)
    if bad:
        raise AddressError(f"parse {quoted(text)}: invalid URL escape {quoted(bad[0])}")
    return Address(scheme, host, _path(rest), query if has_query else None, fragment)


def check(address: Address) -> None:
    """Complain where no request can be made."""
    if address.scheme not in {"http", "https"}:
        raise AddressError(f"unsupported protocol scheme {quoted(address.scheme)}")
    if not address.host:
        raise AddressError("http: no Host in request URL")


def quoted(text: str) -> str:
    """What `%q` makes of a text, as far as addresses need it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(_shown(character) for character in escaped) + '"'


def _shown(character: str) -> str:
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
    return named.get(character, character if character.isprintable() else f"\\x{ord(character):02x}")


def _path(path: str) -> str:
    """A path that is well escaped stays as it is; otherwise all of it is unescaped and escaped again."""
    if all(character in _LEFT_IN_A_PATH for character in path):
        return path
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), path.encode())
    return "".join(chr(byte) if chr(byte) in _IN_A_PATH else f"%{byte:02X}" for byte in raw)


def _query(text: str) -> str:
    escaped = (chr(byte) if chr(byte) in _UNRESERVED else f"%{byte:02X}" for byte in text.encode())
    return "".join(escaped).replace("%20", "+")
