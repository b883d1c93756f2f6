"""Which proxy Go goes through (`golang.org/x/net/http/httpproxy`): none to this machine itself."""

from collections.abc import Mapping

from tests.support.infisical.binary.urls import Address, parse, split_host


def proxy_for(address: Address, environ: Mapping[str, str]) -> Address | None:
    """Give the address of the proxy, or None where there is none for this host."""
    told = _told(environ, f"{address.scheme}_proxy")
    name = split_host(address.host)[0].strip("[]").lower()
    if not told or _is_here(name) or _is_spared(name, _told(environ, "no_proxy")):
        return None
    return parse(told if "://" in told else f"http://{told}")


def _told(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name.upper()) or environ.get(name, "")


def _is_here(name: str) -> bool:
    return name in {"localhost", "::1"} or name.startswith("127.")


def _is_spared(name: str, told: str) -> bool:
    spared = [one.strip().lower() for one in told.split(",") if one.strip()]
    return "*" in spared or any(name == one or name.endswith("." + one.removeprefix(".")) for one in spared)
