"""Where a migration comes from: the process environment, or a strict env file; and its map, from TOML."""

import io
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from dotenv.parser import parse_stream

from journal_keys.domain.errors import InvalidPathError, RefusedError, UnencodableTextError
from journal_keys.domain.exposure import as_bytes, as_text
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.migration import (
    DEFAULT_MAP,
    AesKeyVariables,
    MigrationMap,
    MigrationMapError,
    SigningKeyVariables,
)
from journal_keys.domain.paths import SecretPath
from journal_keys.entrypoints.settings import environment_of

_MOST_BYTES: Final = 1024 * 1024
_SECTIONS: Final = frozenset({"secrets", "signing_keys", "shared_secrets", "aes_keys", "fernet_keys"})


class MigrationSourceError(RefusedError):
    """A source of a migration cannot be read as it stands; the message names variable or line, and no content."""


def from_environment(names: Iterable[str]) -> dict[str, KeyMaterial]:
    """Give those of these variables that are set.

    Raises:
        MigrationSourceError: one of them is empty, or no UTF-8 text.
    """
    found = environment_of(names)
    for name, value in found.items():
        if not value or not _is_text(value):
            raise MigrationSourceError(f"{name} is {'no UTF-8 text' if value else 'empty'}: set it, or unset it")
    return {name: KeyMaterial(as_bytes(value)) for name, value in found.items()}


def refuse_nothing(source: Mapping[str, KeyMaterial], file: Path | None) -> None:
    """Refuse to move in with nothing: new keys would be in use, and those of a mistyped file never.

    Raises:
        MigrationSourceError: there is no variable.
    """
    if not source:
        raise MigrationSourceError(
            f"none of the map's variables is set in {file or 'the environment'}: name another file with --from-file,"
            " or run 'journal-keys init' where there is nothing to move"
        )


def _is_text(value: str) -> bool:
    """Whether the environment held UTF-8; other bytes come as lone surrogates."""
    try:
        as_bytes(value)
    except UnencodableTextError:
        return False
    return True


def from_file(file: Path, names: Iterable[str]) -> dict[str, KeyMaterial]:
    """Give those of these variables that an env file sets. Nothing in it is expanded.

    Raises:
        MigrationSourceError: the file cannot be read, or a line is none of `NAME=value`, a comment and a blank one, or
            sets nothing, or sets a name for the second time.
    """
    wanted, seen, found = set(names), dict[str, int](), {}
    for binding in parse_stream(io.StringIO(_text(file))):
        where = f"{file}, line {binding.original.line}"
        if binding.error:
            raise MigrationSourceError(f"{where}: expected NAME=value, a comment or a blank line")
        if binding.key is None:
            continue
        name = binding.key if binding.key in wanted else "the name"  # another one may be a piece of a secret
        if not binding.value:
            raise MigrationSourceError(f"{where}: {name} is set to nothing")
        if binding.key in seen:
            raise MigrationSourceError(f"{where}: {name} was set in line {seen[binding.key]} already")
        seen[binding.key] = binding.original.line
        if binding.key in wanted:
            found[binding.key] = KeyMaterial(as_bytes(binding.value))
    return found


def _text(file: Path) -> str:
    try:
        with file.open("rb") as source:
            data = source.read(_MOST_BYTES + 1)
    except OSError as failure:
        raise MigrationSourceError(f"{file} could not be read: {failure.strerror}") from None
    text = as_text(data)
    if text is None or len(data) > _MOST_BYTES or "\0" in text:
        raise MigrationSourceError(f"{file} is no env file: expected UTF-8 text of at most {_MOST_BYTES} bytes")
    return text


def read_map(file: Path | None) -> MigrationMap:
    """Give the map: the default one, with the sections that the file has in place of its own.

    Raises:
        MigrationMapError: the file cannot be read, is no TOML, or holds something else than a map.
    """
    if file is None:
        return DEFAULT_MAP
    try:
        document = tomllib.loads(_text(file))
    except (tomllib.TOMLDecodeError, RecursionError) as failure:
        raise MigrationMapError(f"{file} is no TOML: {failure}") from None
    except MigrationSourceError as failure:
        raise MigrationMapError(str(failure)) from None
    strange = sorted(document.keys() - _SECTIONS)
    if strange:
        raise MigrationMapError(f"{file} has {', '.join(strange)}: expected {', '.join(sorted(_SECTIONS))}")
    try:
        return replace(DEFAULT_MAP, **{name: _section(name, document[name]) for name in document})
    except (TypeError, ValueError, AttributeError, InvalidPathError) as failure:
        raise MigrationMapError(f"{file} is no map: {failure}") from None


def _section(name: str, content: Any) -> Any:  # noqa: ANN401 (as it stands in the file)
    match name:
        case "secrets":
            return {_name(variable): SecretPath.parse(path) for variable, path in _table(content).items()}
        case "signing_keys":
            return tuple(SigningKeyVariables(**_names(one, {"private", "public", "kid"})) for one in content)
        case "aes_keys":
            return tuple(AesKeyVariables(**_names(one, {"keys", "active_kid"})) for one in content)
    if not isinstance(content, list):
        raise TypeError(f"{name} is a list of variables")
    return tuple(_name(one) for one in content)


def _table(content: Any) -> Mapping[str, Any]:  # noqa: ANN401 (likewise)
    if not isinstance(content, dict):
        raise TypeError("a table is expected")
    return content


def _names(content: Any, known: set[str]) -> dict[str, str]:  # noqa: ANN401 (likewise)
    table = _table(content)
    if not table.keys() <= known:
        raise ValueError(f"a key has {', '.join(sorted(known))}")
    return {member: _name(variable) for member, variable in table.items()}


def _name(text: object) -> str:
    if not isinstance(text, str) or not text.isidentifier() or not text.isascii():
        raise ValueError("a variable's name is made of letters, digits and _, and begins with no digit")
    return text
