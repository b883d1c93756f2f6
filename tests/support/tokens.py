"""Tokens of the admin plane, for tests."""

from pathlib import Path

from journal_keys.adapters.embedded.grants_file import FileGrants
from journal_keys.domain.access import Grant, digest_of, new_token
from journal_keys.domain.scopes import Scope


def give_token(file: Path, name: str, *scopes: Scope) -> str:
    """Put a token into the file, and give its text."""
    token = new_token(name.encode().ljust(32, b"."))
    file.parent.mkdir(parents=True, exist_ok=True)
    FileGrants(file).add(Grant(name=name, digest=digest_of(token), scopes=frozenset(scopes)))
    return token


def bearing(token: str) -> dict[str, str]:
    """The header that shows it."""
    return {"Authorization": f"Bearer {token}"}
