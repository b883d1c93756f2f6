"""Moving secrets out of environment variables: which variable goes where, and what is to be done for each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from journal_keys.domain.errors import DomainError, InvalidNameError, RefusedError
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import BACKED_UP, WEBHOOK_SECRET, SecretPath, is_owned


class MigrationMapError(RefusedError):
    """The map names something twice, or a path that a ring owns."""


class ConflictError(DomainError):
    """Something stands in the way of a migration, and nobody has said by name what is to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKeyVariables:
    """The variables of one signing key: its private half, and perhaps its public half and its kid."""

    private: str
    public: str | None = None
    kid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AesKeyVariables:
    """The variables of a set of AES keys: kids and keys as JSON, and which of them encrypts."""

    keys: str
    active_kid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationMap:
    """What each variable is. Of several signing keys the first that is there goes on signing.

    Raises:
        MigrationMapError: at construction, when a variable or a path comes twice, or a ring owns a path.
    """

    secrets: Mapping[str, SecretPath]
    signing_keys: tuple[SigningKeyVariables, ...] = ()
    shared_secrets: tuple[str, ...] = ()
    aes_keys: tuple[AesKeyVariables, ...] = ()
    fernet_keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = list(self.variables())
        for name in names:
            if names.count(name) > 1:
                raise MigrationMapError(f"{name} comes twice in the map: expected each variable once")
        paths = list(self.secrets.values())
        for path in paths:
            if paths.count(path) > 1:
                raise MigrationMapError(f"{path} comes twice in the map: expected one variable for each path")
            if is_owned(path):
                raise MigrationMapError(f"{path} belongs to a ring: expected a path that secrets are set at by hand")
            if path.folder not in BACKED_UP:
                folders = ", ".join(str(folder) for folder in BACKED_UP)
                raise MigrationMapError(f"{path} would be in no backup: expected a secret in one of {folders}")

    def variables(self) -> Iterable[str]:
        """Every variable that the map names."""
        yield from self.secrets
        for signing in self.signing_keys:
            yield from (name for name in (signing.private, signing.public, signing.kid) if name)
        yield from self.shared_secrets
        for aes in self.aes_keys:
            yield from (name for name in (aes.keys, aes.active_kid) if name)
        yield from self.fernet_keys

    def key_variables(self) -> Iterable[str]:
        """Those that hold a secret key."""
        yield from (signing.private for signing in self.signing_keys)
        yield from self.shared_secrets
        yield from (aes.keys for aes in self.aes_keys)
        yield from self.fernet_keys

    def companions(self) -> Mapping[str, str]:
        """Variables that say something of a key in another one: by name, that other one."""
        signing = {one: names.private for names in self.signing_keys for one in (names.public, names.kid) if one}
        return signing | {names.active_kid: names.keys for names in self.aes_keys if names.active_kid}


DEFAULT_MAP: Final = MigrationMap(
    secrets={
        "JOURNAL_DB_URL_ASYNC": SecretPath(("database", "db_url_async")),
        "JOURNAL_DB_URL_SYNC": SecretPath(("database", "db_url_sync")),
        "JOURNAL_REDIS_URL": SecretPath(("infrastructure", "redis_url")),
        "JOURNAL_NATS_URL": SecretPath(("infrastructure", "nats_url")),
        "JOURNAL_OTLP_ENDPOINT": SecretPath(("infrastructure", "otlp_endpoint")),
        "JOURNAL_INFISICAL_WEBHOOK_SECRET": WEBHOOK_SECRET,
    },
    signing_keys=(
        SigningKeyVariables(private="JOURNAL_JWT_PRIVATE_KEY", public="JOURNAL_JWT_PUBLIC_KEY"),
        SigningKeyVariables(private="JOURNAL_JWT_DEV_PRIVATE_KEY_PEM", kid="JOURNAL_JWT_DEV_KEY_ID"),
    ),
    shared_secrets=("JOURNAL_JWT_SECRET",),
    aes_keys=(AesKeyVariables(keys="AUTH_ENC_KEYS", active_kid="AUTH_ENC_ACTIVE_KID"),),
)

READ_BY_US: Final = frozenset({"JOURNAL_DB_URL_ASYNC", "JOURNAL_REDIS_URL"})
"""Variables that this package itself reads at its start: they stay, whatever else was moved."""


class Step(StrEnum):
    """What is to be done for one variable."""

    COPY = "copy"
    SAME = "same"
    CONFLICT = "conflict"
    KEEP = "keep"
    """Left as it is, because somebody said so."""
    OVERWRITE = "overwrite"
    """Set to what the variable holds, because somebody said so."""
    MAKE = "make"
    """No variable holds such a key, and there is no ring: its first keys are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanLine:
    """One line of the plan as it is shown. Fingerprints tell equal from different within one run, and nothing else."""

    variable: str
    target: str
    step: Step
    here: str | None
    there: str | None
    because: str

    def __post_init__(self) -> None:
        if self.step is Step.CONFLICT and not self.because:
            raise InvalidNameError(f"the conflict of {self.variable} has no reason")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SecretToMove:
    """One secret, and the value that the plan found at its path."""

    variable: str
    path: SecretPath
    value: KeyMaterial
    found: KeyMaterial | None
    step: Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolutions:
    """What somebody said by name: variables whose value overwrites what is there, paths that may be; what is left."""

    overwrite: frozenset[str] = field(default=frozenset())
    keep: frozenset[str] = field(default=frozenset())

    def check(self, names: Iterable[str]) -> None:
        """Refuse names that resolve nothing.

        Raises:
            InvalidNameError: a name is none of these, or is resolved both ways.
        """
        both = self.overwrite & self.keep
        if both:
            raise InvalidNameError(f"{', '.join(sorted(both))}: either kept or overwritten, not both")
        unknown = (self.overwrite | self.keep) - set(names)
        if unknown:
            raise InvalidNameError(f"{', '.join(sorted(unknown))}: not in the plan, so there is nothing to resolve")


def refuse_conflicts(lines: Iterable[PlanLine]) -> None:
    """Let no conflict pass.

    Raises:
        ConflictError: there is one; the message names all of them.
    """
    found = [f"{line.variable} ({line.target}): {line.because}" for line in lines if line.step is Step.CONFLICT]
    if found:
        raise ConflictError(
            f"nothing was changed, because of {len(found)} conflicts: {'; '.join(found)}. Say for each --keep VARIABLE"
            " (or the kid), or, where a secret is to be replaced, --overwrite VARIABLE; for a path, put its key"
            " into the environment, move it away, or say --overwrite PATH"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemStatus:
    """Where one variable's content is by now. `removable` says whether the environment may forget the variable."""

    variable: str
    target: str
    state: str
    """`migrated`, `differs`, `missing`, `unusable`, or `absent` where the environment has no such variable."""
    removable: bool
    because: str


def ring_target(family: Family, kid: Kid) -> str:
    """Name a key of a ring as the target of a migration."""
    return f"{family} ring: {kid}"
