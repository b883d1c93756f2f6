"""Where secrets live: `SecretPath` and the tree of known places."""

import re
from dataclasses import dataclass
from typing import Final, Self

from journal_keys.domain.errors import InvalidPathError

_SEGMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}\Z", re.ASCII)
_MAX_SEGMENTS: Final = 8
_MAX_TEXT: Final = 8 * 65

MARKER_NAME: Final = "_journal_keys"
"""The secret that every folder of ours holds: an answer counts only if it is there."""

MARKER_VALUE: Final = b"journal_keys/1"


@dataclass(frozen=True, slots=True, order=True)
class SecretPath:
    """An absolute path of 1 to 8 segments, each `[A-Za-z_][A-Za-z0-9_-]{0,63}`, rebuilt from its segments.

    A folder (`/auth/jwt`) and a secret (`/auth/jwt/active_kid`) have the same form; the caller knows which is meant.
    """

    segments: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.segments) <= _MAX_SEGMENTS:
            raise InvalidPathError(f"a secret path has 1 to {_MAX_SEGMENTS} segments, not {len(self.segments)}")
        for position, segment in enumerate(self.segments, start=1):
            if not _SEGMENT.match(segment):
                raise InvalidPathError(f"segment {position} of the secret path is not [A-Za-z_][A-Za-z0-9_-]{{0,63}}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `/auth/jwt/current_private_key`.

        Raises:
            InvalidPathError: not absolute, too long, a trailing slash, an empty or foreign segment.
        """
        if not isinstance(text, str) or not text.startswith("/"):
            raise InvalidPathError("a secret path is absolute: it starts with '/'")
        if len(text) > _MAX_TEXT:
            raise InvalidPathError(f"a secret path has at most {_MAX_TEXT} characters")
        return cls(tuple(text[1:].split("/")))

    @property
    def folder(self) -> "SecretPath":
        """All but the last segment.

        Raises:
            InvalidPathError: the path has one segment: no secret lies in the root.
        """
        if len(self.segments) == 1:
            raise InvalidPathError(
                f"{self} lies in the root: a secret's path has a folder, like /database/db_url_async"
            )
        return SecretPath(self.segments[:-1])

    @property
    def name(self) -> str:
        """The last segment: the secret's name."""
        return self.segments[-1]

    def child(self, name: str) -> "SecretPath":
        """This path with one more segment."""
        return SecretPath((*self.segments, name))

    def is_within(self, other: "SecretPath") -> bool:
        """Whether this is `other` or below it, segment by segment."""
        return self.segments[: len(other.segments)] == other.segments

    def __str__(self) -> str:
        return "/" + "/".join(self.segments)


def is_name(text: str) -> bool:
    """Whether a secret of this name has a path."""
    return _SEGMENT.match(text) is not None


def parse_pattern(text: str) -> SecretPath | None:
    """Read `/auth/*` (all below), `/auth/jwt/active_kid` (that one, and what is below), or `/*` (None: everything).

    Raises:
        InvalidPathError: neither a path nor a path and `/*`.
    """
    stem = text.removesuffix("/*")
    return None if text == "/*" else SecretPath.parse(stem)


AUTH: Final = SecretPath(("auth",))
WEBHOOK_SECRET: Final = SecretPath(("auth", "webhooks", "infisical_secret"))
WEBHOOK_SECRET_PREFIX: Final = "whs_"  # noqa: S105 (of a name)
"""How the names of secrets begin that a rotation made, beside it."""
_JWT_PROJECTIONS: Final = (
    "current_private_key",
    "next_private_key",
    "current_public_key",
    "next_public_key",
)
_AES_PROJECTIONS: Final = ("current_key", "next_key", "active_kid", "keys_map")
PROJECTION_NAMES: Final = {"jwt": _JWT_PROJECTIONS, "aes": _AES_PROJECTIONS}


def family_folder(family: str) -> SecretPath:
    """`/auth/<family>`: the projections that the integration guide promises."""
    return AUTH.child(family)


def versions_folder(family: str) -> SecretPath:
    """`/auth/<family>/versions`: material, write-once, one secret per kid."""
    return family_folder(family).child("versions")


def compromised_folder(family: str) -> SecretPath:
    """`/auth/<family>/compromised`: a write-once tombstone per compromised kid, for `RecoverLedger`."""
    return family_folder(family).child("compromised")


def owned_folders(family: str) -> tuple[SecretPath, ...]:
    """Every folder that `init` marks for one ring."""
    return family_folder(family), versions_folder(family), compromised_folder(family)


_MATERIAL: Final = tuple(
    folder(family) for family in PROJECTION_NAMES for folder in (versions_folder, compromised_folder)
)
_PROJECTED: Final = frozenset(
    family_folder(family).child(name) for family, names in PROJECTION_NAMES.items() for name in names
)


def is_owned(path: SecretPath) -> bool:
    """Whether only our own use cases write this secret: projections, material, tombstones, markers, webhook secrets."""
    if path.is_within(WEBHOOK_SECRET.folder):
        return path.name.startswith((MARKER_NAME, WEBHOOK_SECRET_PREFIX))
    return path.name == MARKER_NAME or path in _PROJECTED or any(path.is_within(folder) for folder in _MATERIAL)


def known_folders() -> tuple[SecretPath, ...]:
    """The folders of secrets that belong to no ring: `init` marks them too, so that absence in them means absence."""
    return tuple(dict.fromkeys(path.folder for path in KNOWN_SECRETS if not is_owned(path)))


APPLICATION: Final = SecretPath(("application",))
"""Where a secret lies that is named without a folder and is none of the known ones."""


def by_name(text: str) -> SecretPath:
    """Read an absolute path, or the bare name of a known secret (`active_kid`), or of one in `/application`.

    Raises:
        InvalidPathError: neither.
    """
    if "/" in text:
        return SecretPath.parse(text)
    return next((path for path in KNOWN_SECRETS if path.name == text), APPLICATION.child(text))


KNOWN_SECRETS: Final = (
    *(family_folder(family).child(name) for family, names in PROJECTION_NAMES.items() for name in names),
    WEBHOOK_SECRET,
    SecretPath(("database", "db_url_async")),
    SecretPath(("database", "db_url_sync")),
    SecretPath(("infrastructure", "redis_url")),
    SecretPath(("infrastructure", "nats_url")),
    SecretPath(("infrastructure", "otlp_endpoint")),
)


BACKED_UP: Final = (*known_folders(), APPLICATION)
"""The folders whose secrets are in backups, beside what rings own."""
