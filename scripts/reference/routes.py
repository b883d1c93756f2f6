"""The page of the routes, from the table of doors and the OpenAPI document."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from journal_keys.entrypoints.http.app import create_app
from journal_keys.entrypoints.http.doors import DOORS, OPENAPI, Door
from journal_keys.entrypoints.settings import ClosedSettings
from scripts.reference.markdown import code, table

_Document = Mapping[str, Any]
_DEFAULT_REASON: Final = "Successful Response"
_HEAD: Final = f"""# HTTP

Every route that is served. `{OPENAPI}` is the same for programs, with the form of every answer; errors are Problem
Details (RFC 9457).

"""


def http_page() -> str:
    """Give the page."""
    document = create_app(ClosedSettings()).openapi()
    doors = sorted(DOORS.items(), key=lambda one: (one[0][1], one[0][0]))
    return _HEAD + "\n".join(_section(document, *at, door) for at, door in doors)


def _section(document: _Document, method: str, path: str, door: Door) -> str:
    operation = document["paths"].get(path, {}).get(method.lower())
    who = door.kind.value.replace("the scope", f"the scope {code(door.scope)}")
    said = f"## {method} {path}\n\nLet in: {who}.\n"
    return said if operation is None else said + "".join(_details(document, operation))


def _details(document: _Document, operation: _Document) -> Iterator[str]:
    parameters = [_parameter(one) for one in operation.get("parameters", ())]
    fields = list(_fields(document, operation.get("requestBody")))
    if parameters or fields:
        yield "\n" + table(("what", "in", "values", "meaning"), [*parameters, *fields])
    answers = sorted(operation["responses"].items())
    yield "\n" + table(("status", "reason", "answer"), [_answer(status, told) for status, told in answers])


def _parameter(one: _Document) -> tuple[str, str, str, str]:
    return code(one["name"]), one["in"], _form(one["schema"]), one.get("description", "")


def _fields(document: _Document, body: _Document | None) -> Iterator[tuple[str, str, str, str]]:
    schema = _resolved(document, body["content"]["application/json"]["schema"]) if body else {}
    for name, form in schema.get("properties", {}).items():
        whole = {**_resolved(document, form), **form}
        wanted = "required" if name in schema.get("required", ()) else ""
        yield code(name), "body", _form(whole), whole.get("description") or wanted


def _resolved(document: _Document, schema: _Document) -> _Document:
    """Follow a reference into the document's schemas."""
    if "$ref" not in schema:
        return schema
    found: _Document = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _form(schema: _Document) -> str:
    if "enum" in schema:
        return ", ".join(code(value) for value in schema["enum"])
    words = [schema.get("type", "text")]
    words += [f"{word} {schema[key]}" for key, word in _BOUNDS.items() if key in schema]
    words += [f"default {code(str(schema['default']).lower())}"] if "default" in schema else []
    return ", ".join(words)


_BOUNDS: Final = {
    "minimum": "at least",
    "maximum": "at most",
    "minLength": "at least",
    "maxLength": "at most",
}


def _answer(status: str, told: _Document) -> tuple[str, str, str]:
    reason = "" if told["description"] == _DEFAULT_REASON else told["description"]
    return status, reason or "done", ", ".join(code(media) for media in told.get("content", ()))
