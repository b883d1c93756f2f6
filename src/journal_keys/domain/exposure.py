"""The one door to secret bytes. An import contract names the modules that may open it."""

from journal_keys.domain.errors import UnencodableTextError
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


def as_bytes(text: str) -> bytes:
    """Give UTF-8.

    Raises:
        UnencodableTextError: the text holds a lone surrogate; Python's own error would carry all of it along.
    """
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        pass  # raised from here, the refusal would carry the text along
    raise UnencodableTextError("the value holds a lone surrogate: expected Unicode text, or bytes where they are taken")
