"""Making tokens of the admin plane."""

from journal_keys.adapters.embedded.files import make_private_folder
from journal_keys.adapters.embedded.grants_file import FileGrants
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.access import TOKEN_BYTES, Grant, check_grant_name, digest_of, new_token
from journal_keys.domain.scopes import Scope
from journal_keys.entrypoints.settings import Settings, SettingsError

FIRST = "first"


def grants_of(settings: Settings) -> FileGrants:
    """Give the tokens of these settings.

    Raises:
        SettingsError: they name no file.
    """
    if settings.admin_tokens_file is None:
        raise SettingsError("JOURNAL_ADMIN_TOKENS_FILE names no file: outside the embedded profile it has to")
    return FileGrants(settings.admin_tokens_file)


def make_token(grants: FileGrants, name: str, scopes: frozenset[Scope]) -> str:
    """Give the text of a new token, of which the file keeps the digest.

    Raises:
        InvalidNameError: the name is malformed, or taken.
        GrantsError, SecretStoreError: the file cannot be read or written.
    """
    check_grant_name(name)
    make_private_folder(grants.path.parent)
    token = new_token(SystemEntropy().token(TOKEN_BYTES))
    grants.add(Grant(name=name, digest=digest_of(token), scopes=scopes))
    return token


def first_token(settings: Settings) -> str | None:
    """Give a token with every scope at the first start of the embedded profile; None where there is a file already.

    No folder is made: one that is not there now may come back, with a file in it.

    Raises:
        GrantsError, SecretStoreError: the file cannot be written.
    """
    file = settings.admin_tokens_file
    if not settings.is_embedded or file is None or file.exists() or not file.parent.is_dir():
        return None
    return make_token(grants_of(settings), FIRST, frozenset(Scope))
