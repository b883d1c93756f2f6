"""The question for newer releases (`packages/util/check-for-update.go` v0.42.1), which fails silently.

The stand-in asks as far as a proxy, so that a test can see that somebody asks; without a proxy it does not go out.
"""

import contextlib
import os
from collections.abc import Mapping

from tests.support.infisical.binary import files

_PLACE = "https://api.github.com/repos/Infisical/cli/releases/latest"


def ask(environ: Mapping[str, str]) -> None:
    """Ask, unless the environment says not to, or this is a container."""
    if environ.get("INFISICAL_DISABLE_UPDATE_CHECK") or _is_container():
        return
    from tests.support.infisical.binary import lines, proxies, urls  # what a silent call does not pay for

    address = urls.parse(_PLACE)
    if proxies.proxy_for(address, environ) is None:
        return
    with contextlib.suppress(lines.LineError, OSError):
        lines.dial(address, environ).close()


def _is_container() -> bool:
    try:
        return os.access("/.dockerenv", os.F_OK) or b"docker" in files.read("/proc/self/cgroup")
    except OSError:
        return False
