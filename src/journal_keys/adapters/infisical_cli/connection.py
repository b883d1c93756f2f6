"""How Infisical is reached: what the settings say, in one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from journal_keys.domain.material import KeyMaterial


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One environment of one project on one server. `domain` is an origin or ends in `/api`, without a last slash."""

    domain: str
    project_id: str
    environment: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClientCredentials:
    """A machine identity's universal-auth credentials."""

    client_id: str
    client_secret: KeyMaterial = field(repr=False)


Identity: TypeAlias = KeyMaterial | ClientCredentials
"""An access token, or the credentials of a machine identity."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Connection:
    """How to reach one environment of one project. `changer` writes; where it is None, `identity` does."""

    target: Target
    identity: Identity = field(repr=False)
    changer: Identity | None = field(default=None, repr=False)
    cli_path: Path | None = None
    search_path: str = ""
    trusts_any_version: bool = False
    passed: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 30.0
    health_timeout_s: float = 5.0
    retries: int = 3
    retry_delay_s: float = 1.0
    most_children: int = 4
    requests_per_minute: int = 50
