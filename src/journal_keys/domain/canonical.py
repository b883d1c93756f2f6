"""One byte sequence for one value, and one value for one text: JSON as it is hashed, stored and read back."""

import json
import math
from typing import Any


def to_json(value: object) -> str:
    """Write sorted, compact, ASCII JSON. NaN and infinities are refused: JSON has none."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a JSON object repeats a member")
    return members


def _no_constant(name: str) -> float:
    raise ValueError(f"JSON has no {name}")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a JSON number is too large to be one")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_constant=_no_constant, parse_float=_finite)


def from_json(text: str) -> Any:  # noqa: ANN401 (the caller checks the shape)
    """Read strict JSON: no duplicate member at any depth, no number that is not finite, nothing behind the value.

    Raises:
        ValueError: not such JSON, or nested too deeply.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None
