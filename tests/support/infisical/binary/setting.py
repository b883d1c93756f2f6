"""`secrets set` (`packages/cmd/secrets.go`, `packages/util/secrets.go` v0.42.1)."""

import os
from collections.abc import Iterable, Sequence
from typing import TypeVar

from tests.support.infisical.binary import dotenv, files, yaml_pairs
from tests.support.infisical.binary.api import Api, Place
from tests.support.infisical.binary.failures import CallError, StoppedError
from tests.support.infisical.binary.flags import Called
from tests.support.infisical.binary.opening import open_api
from tests.support.infisical.binary.surroundings import NotStoodInError, Surroundings
from tests.support.infisical.binary.tables import table
from tests.support.infisical.binary.yaml_quotes import YamlError

T = TypeVar("T")
_KINDS = frozenset({"shared", "personal"})
_MORE = "Unable to set secrets"


def set_secrets(called: Called, around: Surroundings) -> str:
    """List the folder, then create what is new, then change what differs, one request for each."""
    token, environment, kind = around.token(called), around.environment(called), called.text("type")
    if kind not in _KINDS:
        raise StoppedError("error: <nil>", "Unable to parse secret type")
    pairs = [_pair(argument) for argument in called.arguments]
    if not token:
        raise NotStoodInError("a human's login")
    if not called.text("projectId"):
        raise StoppedError("When using service tokens or machine identities, you must set the --projectId flag")
    if called.text("file"):
        pairs = _from_file(called.text("file"))
    place = Place(called.text("projectId"), environment, called.text("path"))
    try:
        done = _set(open_api(called, around, token), place, pairs, kind)
    except CallError as error:
        raise StoppedError(f"error: {error}", _MORE) from None
    except ValueError as error:
        raise StoppedError(f"error: unable to get client with custom headers [err={error}]", _MORE) from None
    return table(("SECRET NAME", "SECRET VALUE", "STATUS"), done)


def _set(api: Api, place: Place, pairs: Sequence[tuple[str, str]], kind: str) -> list[tuple[str, str, str]]:
    try:
        listed = api.secrets(place, {}, with_imports=False)
    except CallError as error:
        raise CallError(f"unable to retrieve secrets [err={error}]") from None
    is_personal = kind == "personal"
    held = {secret.key: secret.value for secret in listed if (secret.kind == "personal") is is_personal}
    for name, value in pairs:
        _check_pair(name, value)
    new = [pair for pair in pairs if pair[0] not in held]
    changed = [(name, value) for name, value in pairs if name in held and held[name] != value]
    try:
        for name, value in new:
            api.create(place, name, value, kind)
    except CallError as error:
        raise CallError(f"unable to process new secret creations [err={error}]") from None
    try:
        for name, value in changed:
            api.update(place, name, value, kind)
    except CallError as error:
        raise CallError(f"unable to process secret update request [err={error}]") from None
    return [(name, value, _status(name, value, held)) for name, value in pairs]


def _status(name: str, value: str, held: dict[str, str]) -> str:
    if name not in held:
        return "SECRET CREATED"
    return "SECRET VALUE UNCHANGED" if held[name] == value else "SECRET VALUE MODIFIED"


def _check_pair(name: str, value: str) -> None:
    if not name or not value:
        raise StoppedError("ensure that each secret has a none empty key and value. Modify the input and try again")
    if name[0].isnumeric():
        raise StoppedError("keys of secrets cannot start with a number. Modify the key name(s) and try again")


def _check_name(name: str) -> None:
    if not name:
        raise StoppedError("secret keys cannot be empty")
    if name[0].isnumeric():
        raise StoppedError(f"secret key '{name}' cannot start with a number")
    if " " in name:
        raise StoppedError(f"secret key '{name}' cannot contain spaces")


def _pair(argument: str) -> tuple[str, str]:
    name, equals, value = argument.partition("=")
    if not equals:
        raise StoppedError(
            f"error: invalid argument format: {argument}. Expected format: key=value or key=@filepath", ""
        )
    if value.startswith("@"):  # the file is read and then forgotten where there is a token
        try:
            files.read(value[1:])
        except OSError as error:
            raise StoppedError(_open_error(value[1:], error), f"Unable to read file {value[1:]}") from None
    return name, value


def _open_error(path: str, error: OSError) -> str:
    return f"error: open {path}: {(error.strerror or '').lower()}"


def _from_file(path: str) -> list[tuple[str, str]]:
    try:
        raw = files.read(path)
    except FileNotFoundError:
        raise StoppedError("File does not exist") from None
    except OSError as error:
        step = "read" if isinstance(error, IsADirectoryError) else "open"
        why = f"{step} {path}: {(error.strerror or '').lower()}"
        raise StoppedError(f"error: unable to process file [err={why}]", _MORE) from None
    pairs = _parsed(path, raw)
    for name, value in pairs:
        _check_name(name)
        if not value.strip():
            raise StoppedError(f"Secret key '{name}' has an empty value")
    if not pairs:
        raise StoppedError("no valid secrets found in the file")
    return [(name, value) for pair in pairs for name, _, value in ["=".join(pair).partition("=")]]


def _parsed(path: str, raw: bytes) -> list[tuple[str, str]]:
    try:
        if not path.endswith((".yaml", ".yml")):
            return _shuffled(dotenv.read(raw.decode("utf-8", "replace")).items())
        told = _shuffled(yaml_pairs.read(raw).items())
    except dotenv.DotenvError as error:
        raise StoppedError(f"error parsing secrets: {error}") from None
    except YamlError as error:
        raise StoppedError(f"error parsing secrets: failed to parse YAML file: {error}") from None
    return [(name, _text(name, value)) for name, value in told]


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise StoppedError(f"error parsing secrets: YAML secret '{name}' must be a string")


def _shuffled(pairs: Iterable[tuple[str, T]]) -> list[tuple[str, T]]:
    """Go's maps have no order, and a new one each time."""
    return sorted(pairs, key=lambda _: os.urandom(8))
