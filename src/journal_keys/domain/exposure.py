"""The one door to secret bytes. An import contract names the modules that may open it."""

from journal_keys.domain.material import KeyMaterial


def expose(material: KeyMaterial) -> bytes:
    """Give the secret bytes. The caller keeps them out of logs, messages, files and command lines."""
    return material._secret  # noqa: SLF001 (this module is the door)
