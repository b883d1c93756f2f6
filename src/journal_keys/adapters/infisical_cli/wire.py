"""The forms in which values travel: what the CLI prints, what it reads, and what the server would change.

`packages/cmd/export.go` and `packages/util/secrets.go` at tag v0.42.1; the server trims values and expands references.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from journal_keys.domain import base64url, canonical
from journal_keys.domain.exposure import as_text, expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath, is_name
from journal_keys.ports.secret_store import FolderContent, SecretHiddenError, SecretStoreProtocolError

_ENCODED: Final = "journal_keys:base64url:"
_MASKS: Final = frozenset({"<hidden-by-infisical>", "******"})
_BLANKS_OF_JAVASCRIPT_ONLY: Final = "\ufeff"
_PLAIN: Final = re.compile(r"[ !#-\[\]-~]", re.ASCII)
_LINE_BREAKS_AND_TABS: Final = frozenset("\t\n\r")


class _Secret(BaseModel):
    """One element of what `export --format=json` prints; its other members say nothing that we need."""

    model_config = ConfigDict(strict=True, extra="ignore", hide_input_in_errors=True)

    key: Annotated[str, Field(min_length=1, max_length=1024)]
    value: str
    type: Literal["shared"]


_LISTING: Final = TypeAdapter(list[_Secret])


def parse_listing(folder: SecretPath, printed: bytes) -> FolderContent:
    """Read what `export --format=json` printed. Names that have no path, like `a.b`, are somebody else's: left out.

    Raises:
        SecretStoreProtocolError: not strict UTF-8 and JSON, not of that shape, or a name twice.
        SecretHiddenError: a value is masked, so this identity may list and not read.
    """
    text = as_text(printed)
    secrets = None if text is None else _listed(text)
    if secrets is None:
        raise SecretStoreProtocolError(
            f"the CLI printed no list of secrets for {folder}: expected the JSON array of 'export --format=json'"
        )
    values = {secret.key: secret.value for secret in secrets}
    if len(values) != len(secrets):
        raise SecretStoreProtocolError(f"the CLI lists a name of {folder} twice")
    for name, value in values.items():
        if value in _MASKS:
            raise SecretHiddenError(
                f"{_shown(folder, name)} is masked: this identity may list {folder} and not read its values"
            )
    ours = {name: from_text(folder, name, value) for name, value in values.items() if is_name(name)}
    return FolderContent(folder, ours)


def _listed(text: str) -> list[_Secret] | None:
    try:
        return _LISTING.validate_python(canonical.from_json(text))
    except (ValueError, ValidationError):
        return None  # what failed holds values: it is not carried along


def to_text(value: KeyMaterial) -> str:
    """Give the text that the server keeps as it is: the value itself, or, where it would be changed, its base64url.

    The server trims blanks at both ends but for one last newline; newer ones look up what `${…}` refers to; the CLI
    takes no empty value; masks and our own mark must not be mistaken for values.
    """
    text = as_text(expose(value))
    return text if text is not None and _survives(text) else _ENCODED + base64url.encode(expose(value))


def _survives(text: str) -> bool:
    core = text.removesuffix("\n")
    trimmed = core.strip().strip(_BLANKS_OF_JAVASCRIPT_ONLY)
    return (
        core == trimmed != ""
        and "${" not in text
        and text not in _MASKS
        and not text.startswith(_ENCODED)
        and all(character.isprintable() or character in _LINE_BREAKS_AND_TABS for character in text)
    )


def from_text(folder: SecretPath, name: str, text: str) -> KeyMaterial:
    """Give the value that `to_text` wrote, or that somebody else wrote as it is.

    Raises:
        SecretStoreProtocolError: our mark stands before something else than base64url.
    """
    if not text.startswith(_ENCODED):
        return KeyMaterial(text.encode("utf-8", "surrogatepass"))
    try:
        return KeyMaterial(base64url.decode(text.removeprefix(_ENCODED)))
    except ValueError:
        pass  # its message could hold the value
    raise SecretStoreProtocolError(f"{_shown(folder, name)} is marked as base64url and is not")


def to_yaml(texts: Mapping[str, str]) -> bytes:
    r"""Give a YAML mapping of double-quoted pairs, `\U` and eight hex digits for all but printable ASCII.

    Raw text fails for control characters and next lines, JSON's surrogate pairs are refused (YAML 1.2.2 §5.7).
    """
    lines = (f'"{name}": "{"".join(map(_escaped, text))}"\n' for name, text in texts.items())
    return "".join(lines).encode("ascii")


def _escaped(character: str) -> str:
    return character if _PLAIN.match(character) else f"\\U{ord(character):08X}"


def parse_token(printed: bytes) -> KeyMaterial:
    """Read what `login --plain` printed.

    Raises:
        SecretStoreProtocolError: no token, or more than that: a sign-in page instead of the API gives an empty line.
    """
    token = printed.strip()
    if re.fullmatch(rb"[\x21-\x7e]{1,16384}", token):
        return KeyMaterial(token)
    raise SecretStoreProtocolError(
        "the login printed no access token: expected one line; does JOURNAL_INFISICAL_SERVER_URL name the API?"
    )


def parse_version(printed: bytes) -> tuple[int, int, int] | None:
    """Read what `--version` printed; a build of one's own says `devel`, which is no version."""
    found = re.fullmatch(rb"infisical version (\d{1,4})\.(\d{1,4})\.(\d{1,4})\n", printed)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))


def _shown(folder: SecretPath, name: str) -> str:
    return f"{folder}/{name}" if name.isascii() and name.isprintable() else f"a secret in {folder}"
