"""HTTP requests: the headers that say who calls."""

import re
from ipaddress import IPv4Address, IPv6Address
from random import Random
from typing import Final, TypeAlias

from journal_keys.entrypoints.http.loopback import refusal
from tests.proof.bad_inputs.search import REFUSED, Target, differs_from
from tests.proof.bad_inputs.texts import mangled, noise, odd

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
Caller: TypeAlias = tuple[str, Headers]
"""A peer's address and the headers that it sends."""

_HOSTS: Final = ("localhost", "localhost:8000", "127.0.0.1", "127.0.0.1:80", "127.9.9.9:65535", "[::1]", "[::1]:8000")
_FOREIGN: Final = ("evil.example", "10.0.0.1", "[::2]", "localhost.evil.example", "127.0.0.1.evil.example", "0x7f.1")
_PEERS: Final = ("127.0.0.1", "::1", "127.9.9.9")
_FORWARDING: Final = (b"forwarded", b"x-forwarded-for", b"via", b"x-real-ip")


def _some_host(dice: Random) -> str:
    good, foreign = dice.choice(_HOSTS), dice.choice(_FOREIGN)
    pieces = (good, foreign, "[", "]", ":", "@", "/", "#", "\\", odd(dice), ".", ":99999", ":-1", ":+1", "%25eth0")
    kind = dice.randrange(8)
    if kind < 3:
        return good
    if kind == 3:
        return foreign
    return "".join(dice.choices(pieces, k=dice.choice((1, 2, 2, 3)))) if kind < 6 else mangled(good, dice, _FOREIGN)


def _some_caller(dice: Random) -> Caller:
    host = _some_host(dice)
    headers = [(b"host", host)]
    if dice.random() < 0.3:
        headers.append(
            (
                b"origin",
                dice.choice(("http://", "http://", "https://", "", "null")) + dice.choice((host, _some_host(dice))),
            )
        )
    if dice.random() < 0.1:
        headers.append((dice.choice((b"host", b"origin", *_FORWARDING)), dice.choice((host, noise(dice)))))
    if dice.random() < 0.1:
        headers.append((b"sec-fetch-site", dice.choice(("same-origin", "none", "cross-site", "NONE", noise(dice)))))
    peer = dice.choice(_PEERS) if dice.random() < 0.9 else dice.choice(("10.0.0.1", "::2", "testclient", noise(dice)))
    return peer, tuple((name, value.encode("latin-1", "replace")) for name, value in headers)


def _admitted(given: Caller) -> object:
    peer, headers = given
    found = refusal({"type": "http", "client": (peer, 1), "headers": list(headers)})
    return "admitted" if found is None else REFUSED


def _admissible(given: Caller) -> object:
    """Whether the caller is of this machine, is no web page of another site and came through nobody."""
    peer, headers = given
    hosts, origins, sites = (
        [value.decode("latin-1") for name, value in headers if name == wanted]
        for wanted in (b"host", b"origin", b"sec-fetch-site")
    )
    if not _is_loopback(peer) or any(name in _FORWARDING for name, _ in headers) or len(hosts) != 1:
        return REFUSED
    found = re.fullmatch(r"(?:(localhost|[0-9.]+)|\[([0-9a-f:.]+)\])(?::([0-9]{1,5}))?", hosts[0].lower(), re.ASCII)
    if not found or int(found[3] or 0) > 65_535 or not (found[1] == "localhost" or _is_loopback(found[1] or found[2])):
        return REFUSED
    own = {f"{scheme}://{hosts[0].lower()}" for scheme in ("http", "https")}
    same = all(one[:5] + one[5:].lower() in own for one in origins)
    fetched = all(site.lower() in {"same-origin", "none"} for site in sites)
    return "admitted" if same and fetched else REFUSED


def _is_loopback(text: str) -> bool:
    """127.0.0.0/8 (RFC 1122 §3.2.1.3) or ::1 (RFC 4291 §2.5.3)."""
    try:
        return (
            text.startswith("127.") and bool(IPv4Address(text)) if "." in text else IPv6Address(text) == IPv6Address(1)
        )
    except ValueError:
        return False


CALLER: Final[Target[Caller]] = Target(
    name="loopback.refusal",
    make=_some_caller,
    read=_admitted,
    refusals=(),
    fault=differs_from(_admissible),
    share=4_000,
)
