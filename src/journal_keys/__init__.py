"""Keys for Python web applications, rotated without a refused token or an unreadable ciphertext.

The names below are loaded at first use: importing the package pulls in no framework.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from journal_keys.adapters.crypto.token_cipher import TokenCipher
    from journal_keys.adapters.crypto.token_codec import JwtSigner, JwtVerifier
    from journal_keys.domain.envelope import EnvelopeError
    from journal_keys.domain.errors import JournalKeysError
    from journal_keys.domain.token import TokenRefusedError
    from journal_keys.entrypoints.facade import InfisicalKeyManager, InfisicalSecretsClient
    from journal_keys.entrypoints.http.app import create_app
    from journal_keys.entrypoints.http.dependencies import (
        Principal,
        PrincipalDep,
        SignerDep,
        SigningKeyDep,
        TokenCipherDep,
        require_scopes,
    )
    from journal_keys.entrypoints.http.install import install

__all__ = [
    "EnvelopeError",
    "InfisicalKeyManager",
    "InfisicalSecretsClient",
    "JournalKeysError",
    "JwtSigner",
    "JwtVerifier",
    "Principal",
    "PrincipalDep",
    "SignerDep",
    "SigningKeyDep",
    "TokenCipher",
    "TokenCipherDep",
    "TokenRefusedError",
    "create_app",
    "install",
    "require_scopes",
]

_HOMES = {
    "EnvelopeError": "journal_keys.domain.envelope",
    "InfisicalKeyManager": "journal_keys.entrypoints.facade",
    "InfisicalSecretsClient": "journal_keys.entrypoints.facade",
    "JournalKeysError": "journal_keys.domain.errors",
    "JwtSigner": "journal_keys.adapters.crypto.token_codec",
    "JwtVerifier": "journal_keys.adapters.crypto.token_codec",
    "TokenCipher": "journal_keys.adapters.crypto.token_cipher",
    "TokenRefusedError": "journal_keys.domain.token",
    "create_app": "journal_keys.entrypoints.http.app",
    "Principal": "journal_keys.entrypoints.http.dependencies",
    "PrincipalDep": "journal_keys.entrypoints.http.dependencies",
    "SignerDep": "journal_keys.entrypoints.http.dependencies",
    "SigningKeyDep": "journal_keys.entrypoints.http.dependencies",
    "TokenCipherDep": "journal_keys.entrypoints.http.dependencies",
    "require_scopes": "journal_keys.entrypoints.http.dependencies",
    "install": "journal_keys.entrypoints.http.install",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 (the type checker reads the block above)
    if name not in _HOMES:
        raise AttributeError(f"module 'journal_keys' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
