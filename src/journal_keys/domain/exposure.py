"""The one door to secret bytes. An import contract names the modules that may open it."""

from journal_keys.domain.material import KeyMaterial


def expose(material: KeyMaterial) -> bytes:
    """Give the secret bytes. The caller keeps them out of logs, messages, files and command lines."""
    return material._secret  # noqa: SLF001 (this module is the door)


def as_text(secret: bytes) -> str | None:
    """Read UTF-8; give None for other bytes, because Python's own error would carry all of them along."""
    try:
        return secret.decode("utf-8")
    except UnicodeDecodeError:
        return None
