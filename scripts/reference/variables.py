"""The page of the settings, from the classes that read them and the docstrings under their fields."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from enum import Enum
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from journal_keys.entrypoints.settings import DEFAULTS, Profile, Settings
from scripts.reference.markdown import code, one_of, table

_WORDS: Final = {str: "text", int: "number", float: "number", Path: "path", SecretStr: "**secret**"}
_DAY_S: Final = 86_400
_HEAD: Final = """# Settings

Every environment variable that is read. Durations are seconds. A default that is not the same in every profile is given
for `embedded` and `standard`. `journal-keys config` shows what takes effect, and where it comes from, with every secret
masked.

"""


def settings_page() -> str:
    """Give the page."""
    hints, texts = get_type_hints(Settings, include_extras=True), descriptions()
    rows = [
        (code(name.upper()), _values(hints[name], field), _default(name, field), texts.get(name, ""))
        for name, field in sorted(Settings.model_fields.items())
    ]
    return _HEAD + table(("variable", "values", "default", "meaning"), rows)


def descriptions() -> dict[str, str]:
    """Give what stands under each field, on one line, by the field's name."""
    found: dict[str, str] = {}
    for kind in Settings.__mro__:
        if kind.__module__.startswith("journal_keys."):
            found |= dict(_documented(kind))
    return found


def _documented(kind: type) -> Iterator[tuple[str, str]]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    for field, below in pairwise(body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as text)):
                yield name, " ".join(text.split())


def _values(hint: object, field: FieldInfo) -> str:
    words = _words(hint)
    bounds = _bounds([*_metadata(hint), *field.metadata])
    return f"{words}{bounds}"


def _words(hint: object) -> str:
    origin = get_origin(hint)
    if origin is Annotated:
        return _words(get_args(hint)[0])
    if origin in {Union, UnionType}:
        return " or ".join(_words(one) for one in get_args(hint) if one is not NoneType)
    if hint is bool:
        return "`true` or `false`"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return one_of(member.value for member in hint)
    return _WORDS.get(hint, getattr(hint, "__name__", str(hint)))  # type: ignore[call-overload, no-any-return]


def _metadata(hint: object) -> Iterator[object]:
    for one in get_args(hint):
        if isinstance(one, FieldInfo):
            yield from one.metadata
        else:
            yield from _metadata(one)


def _bounds(metadata: list[object]) -> str:
    least = [value for one in metadata if (value := getattr(one, "ge", None)) is not None]
    above = [value for one in metadata if (value := getattr(one, "gt", None)) is not None]
    most = [value for one in metadata if (value := getattr(one, "le", None)) is not None]
    parts = []
    if least:
        parts.append(f"at least {max(least):g}")
    if above:
        parts.append(f"more than {max(above):g}")
    if most:
        parts.append(f"at most {_plain(min(most))}")
    return "".join(f", {part}" for part in parts)


def _default(name: str, field: FieldInfo) -> str:
    in_profiles = {profile: DEFAULTS[profile].get(name) for profile in Profile}
    if all(seconds is not None for seconds in in_profiles.values()):
        return " / ".join(_seconds(seconds) for seconds in in_profiles.values() if seconds is not None)
    value: Any = field.default
    if value is None or value is PydanticUndefined:
        return ""
    shown = value.value if isinstance(value, Enum) else value
    return code(str(shown).lower() if isinstance(shown, bool) else shown)


def _seconds(seconds: float) -> str:
    days = f" ({seconds / _DAY_S:g} d)" if seconds >= _DAY_S else ""
    return f"{code(_plain(seconds))}{days}"


def _plain(number: Any) -> str:  # noqa: ANN401 (an int or a float)
    return str(int(number)) if number == int(number) else f"{number:g}"
