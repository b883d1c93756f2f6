"""What belongs to one environment in Redis: its keys, and the mark of who owns them."""

import hashlib
from dataclasses import dataclass
from typing import Final

from journal_keys.domain.paths import SecretPath

_OWNER_DIGITS: Final = 32


def joined(*parts: bytes) -> bytes:
    """Join parts, each behind its length in 4 bytes, so that no two lists of parts give the same bytes."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """The names of one environment. In a cluster all of them lie in one slot, for the braces' sake.

    `owner` tells environments apart that have the same name: 32 hex digits of a hash over what their store is.
    """

    environment: str
    owner: str

    @classmethod
    def of(cls, environment: str, *store: str) -> "Namespace":
        """Give the namespace of an environment whose secrets lie in this store."""
        whole = joined(environment.encode(), *(part.encode() for part in store))
        return cls(environment=environment, owner=hashlib.sha256(whole).hexdigest()[:_OWNER_DIGITS])

    @property
    def prefix(self) -> str:
        """What every name begins with."""
        return f"journal_keys:{{{self.environment}}}:"

    @property
    def guard(self) -> str:
        """Holds `owner:random`. The random part changes with everything that is forgotten."""
        return f"{self.prefix}guard"

    @property
    def hints(self) -> str:
        """The channel of hints. Channels know no databases, so that the owner is in its name."""
        return f"{self.prefix}hints:{self.owner}"

    def lease(self, name: str) -> str:
        """Holds who has this turn. The owner is in its name: no other environment's turns are ours."""
        return f"{self.prefix}lease:{self.owner}:{name}"

    @property
    def rates(self) -> str:
        """What the name of each count of who asked begins with. The owner is in it, as in turns."""
        return f"{self.prefix}rate:{self.owner}"

    @property
    def values(self) -> str:
        """What the name of each value begins with; its path follows."""
        return f"{self.prefix}value:"

    def value(self, path: SecretPath) -> str:
        """Holds the sealed value."""
        return f"{self.values}{path}"

    def index(self, folder: SecretPath | None) -> str:
        """Holds the paths below a folder whose values were kept; None is the root."""
        return f"{self.prefix}index:{folder or '/'}"

    def indexes(self, path: SecretPath) -> list[str]:
        """Name the index of every folder that the path is below."""
        folders = [SecretPath(path.segments[:size]) for size in range(1, len(path.segments))]
        return [self.index(None), *map(self.index, folders)]

    @property
    def identity(self) -> bytes:
        """The environment as authenticated data."""
        return joined(self.environment.encode(), self.owner.encode())
