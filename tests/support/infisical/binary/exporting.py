"""`export` and its formats (`packages/cmd/export.go` v0.42.1)."""

from collections.abc import Callable, Mapping, Sequence

from tests.support.infisical.binary import gojson
from tests.support.infisical.binary.api import Secret
from tests.support.infisical.binary.failures import StoppedError
from tests.support.infisical.binary.flags import Called
from tests.support.infisical.binary.reading import fetch
from tests.support.infisical.binary.surroundings import NotStoodInError, Surroundings

_NEEDS_QUOTES = frozenset(',"\r\n')
_TAG_MEMBERS = ("_id", "name", "slug", "color")


def export(called: Called, around: Surroundings) -> str:
    """Print a folder; the format is looked at after the secrets are fetched."""
    if called.text("template") or called.text("output-file"):
        raise NotStoodInError("a template or an output file")
    secrets = _tagged(fetch(called, around, "Unable to fetch secrets"), called.text("tags"))
    told = called.text("format")
    write = _FORMATS.get(told.lower())
    if write is None:
        known = "[dotenv json csv yaml dotenv-export]"
        raise StoppedError(f"error: invalid format type: {told}. Available format types are [{known}]")
    return write(secrets)


def _tagged(secrets: list[Secret], tags: str) -> list[Secret]:
    if not tags:
        return secrets
    wanted = set(tags.split(","))
    return [one for one in secrets if any(tag.get("slug") in wanted for tag in one.tags or ())]


def _json(secrets: Sequence[Secret]) -> str:
    return gojson.write([_members(secret) for secret in secrets])


def _members(secret: Secret) -> dict[str, object]:
    return {
        "key": secret.key,
        "workspace": secret.project,
        "value": secret.value,
        "type": secret.kind,
        "_id": secret.number,
        "secretPath": secret.folder,
        "tags": None if secret.tags is None else [_tag(tag) for tag in secret.tags],
        "comment": "",
        "Etag": "",
        "skipMultilineEncoding": secret.encodes_newlines,
    }


def _tag(told: Mapping[str, object]) -> dict[str, object]:
    return {name: told.get(name) or "" for name in _TAG_MEMBERS}


def _value(secret: Secret) -> str:
    """The flag means the opposite of its name: with it newlines are written as two characters."""
    return secret.value.replace("\n", "\\n") if secret.encodes_newlines else secret.value


def _dotenv(secrets: Sequence[Secret]) -> str:
    return "".join(f"{secret.key}='{_value(secret)}'\n" for secret in secrets)


def _dotenv_export(secrets: Sequence[Secret]) -> str:
    return "".join(f"export {secret.key}='{_value(secret)}'\n" for secret in secrets)


def _csv(secrets: Sequence[Secret]) -> str:
    rows = [("Key", "Value"), *((secret.key, _value(secret)) for secret in secrets)]
    return "".join(",".join(map(_field, row)) + "\n" for row in rows)


def _field(text: str) -> str:
    if text == r"\." or text[:1].isspace() or not _NEEDS_QUOTES.isdisjoint(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def _yaml(_: Sequence[Secret]) -> str:
    raise NotStoodInError("export as YAML")


_FORMATS: Mapping[str, Callable[[Sequence[Secret]], str]] = {
    "json": _json,
    "dotenv": _dotenv,
    "dotenv-export": _dotenv_export,
    "csv": _csv,
    "yaml": _yaml,
}
