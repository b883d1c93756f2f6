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
    """A parsed address; `path` is as it travels, and `user` is name and password."""

    scheme: str
    host: str
    path: str
    query: str | None
    fragment: str
    user: str = ""

    @property
    def shown(self) -> str:
        """The address without a password, for messages."""
        return self.text.replace(f"{self.user}@", f"{self.user.partition(':')[0]}:***@", 1) if self.user else self.text

    @property
    def target(self) -> str:
        """What stands in the request line."""
        return (self.path or "/") + ("" if self.query is None else f"?{self.query}")

    @property
    def text(self) -> str:
        """The whole address."""
        user = f"{self.user}@" if self.user else ""
        start = f"{self.scheme}://{user}{self.host}" if self.host else f"{self.scheme}:" if self.scheme else ""
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
    host = user = ""
    if rest.startswith("//"):
        place, slash, rest = rest[2:].partition("/")
        user, _, host = place.rpartition("@")
        rest = slash + rest
        _check_host(text, host)
    bad = _BAD_ESCAPE.search(rest)
    if bad:
        raise AddressError(f"parse {quoted(text)}: invalid URL escape {quoted(bad[0])}")
    return Address(scheme, host, _path(rest), query if has_query else None, fragment, user)


def _check_host(text: str, host: str) -> None:
    name, port = split_host(host)
    if not re.fullmatch(r"(:\d*)?", port):
        raise AddressError(f"parse {quoted(text)}: invalid port {quoted(port)} after host")
    bad = re.search(r'[ "<>\\^`{|}]', name)
    if bad:
        raise AddressError(f"parse {quoted(text)}: invalid character {quoted(bad[0])} in host name")


def split_host(host: str) -> tuple[str, str]:
    """Give name and port, the port with its colon; an IPv6 address stands in brackets."""
    end = host.find("]") + 1
    colon = host.find(":", end)
    return (host, "") if colon < 0 else (host[:colon], host[colon:])


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
