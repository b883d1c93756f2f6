"""The settings of the admin plane."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic_settings import BaseSettings

from journal_keys.entrypoints.infisical_settings import SettingsError

_UNIX: Final = "unix:"
_LAST_PORT: Final = 65_535
_LONGEST_PATH: Final = 107
"""Of a Unix socket on Linux, unix(7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminPlace:
    """Where the admin plane listens: a loopback address with a port, or a Unix socket by its absolute path."""

    host: str = ""
    port: int = 0
    path: Path | None = None

    def is_at(self, server: tuple[str, int | None] | None) -> bool:
        """Whether a request that came in here (ASGI's `server`) came in at this place."""
        if self.path is not None:
            return server is not None and server == (str(self.path), None)
        return server is not None and server[1] == self.port and _same_address(server[0], self.host)


class AdminSettings(BaseSettings):
    """Who is let in is in the file, and where they come in is in the other."""

    journal_admin_tokens_file: Path | None = None
    """File with the tokens of the admin plane, which only its owner may write; without it `admin-tokens.json` in the
    home, in the embedded profile.
    """
    journal_admin_listen: str | None = None
    """A place of its own for the admin plane: `127.0.0.1:9001`, or `unix:/run/journal/admin.sock`, which only its owner
    may open, and where everybody needs a token; without it beside everything else.
    """

    def admin_place(self) -> AdminPlace | None:
        """Give the place of its own that the admin plane has; None where it is beside everything else.

        Raises:
            SettingsError: it is neither `<loopback address>:<port>` nor `unix:<absolute path>`.
        """
        text = self.journal_admin_listen
        if text is None:
            return None
        if text.startswith(_UNIX):
            path = Path(text.removeprefix(_UNIX))
            if path.is_absolute() and len(str(path).encode()) <= _LONGEST_PATH and str(path).isprintable():
                return AdminPlace(path=path)
        host, _, port = text.rpartition(":")
        if port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT and _is_loopback(host.strip("[]")):
            return AdminPlace(host=host.strip("[]"), port=int(port))
        raise SettingsError(
            "JOURNAL_ADMIN_LISTEN is an address of this machine's loopback with a port, like 127.0.0.1:9001, or"
            f" unix: and an absolute path of at most {_LONGEST_PATH} bytes"
        )


def _same_address(one: str, other: str) -> bool:
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return False


def _is_loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False
