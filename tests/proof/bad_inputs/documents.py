"""JSON texts that are nearly a good document, and a strict reader of JSON that shares no code with ours."""

import json
import math
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final, TypeAlias

from tests.proof.bad_inputs.search import REFUSED
from tests.proof.bad_inputs.texts import mangled, noise, odd

Members: TypeAlias = list[tuple[str, str]]
"""Names and values as JSON texts, in order; a list, so that a name can come twice."""

_DEEP: Final = 5_000
_ODD_VALUES: Final[tuple[Callable[[Random], str], ...]] = (
    lambda dice: dice.choice(("null", "true", "false")),
    lambda dice: str(dice.choice((0, 1, 2, -1, 2**31, 2**53 + 1, 2**63, 2**64, 10**30, -(10**30)))),
    lambda dice: dice.choice(("1.0", "1e0", "-0", "-0.0", "0.1", "1e308", "1e400", "-1e400", "1E+2", "01", "+1", "1.")),
    lambda dice: dice.choice(("NaN", "Infinity", "-Infinity", "nan", "undefined", "0x10", "")),
    lambda dice: "9" * dice.choice((20, 4299, 4301, 9000)),
    lambda dice: json.dumps(noise(dice)),
    lambda dice: json.dumps(odd(dice), ensure_ascii=False),
    lambda dice: '"' + noise(dice) + '"',
    lambda dice: dice.choice(('"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\x41"', '"\\u00"', "'text'", '"open')),
    lambda dice: dice.choice(("[]", "{}", '[""]', '{"":""}', "[null]", '{"a":{"b":[1,2,{"c":null}]}}')),
    lambda dice: dice.choice(('{"a":1,"a":1}', '[{"a":1,"b":2,"a":3}]', '{"":0,"":0}', '{"a":1,"\\u0061":1}')),
    lambda dice: "[" * (depth := dice.choice((3, 30, _DEEP))) + "]" * dice.choice((depth, depth, depth - 1)),
    lambda dice: '{"a":' * (depth := dice.choice((3, 30, _DEEP))) + "1" + "}" * depth,
)


def odd_value(dice: Random) -> str:
    """The JSON text, good or not, of something unexpected."""
    return dice.choice(_ODD_VALUES)(dice)


def members_of(document: Mapping[str, object]) -> Members:
    """A document's names and values, each value as its JSON text."""
    return [(name, json.dumps(value)) for name, value in document.items()]


def changed_members(members: Members, dice: Random) -> Members:
    """The members with one to three changes: lost, renamed, doubled, added, exchanged, or of another value."""
    members = list(members)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        _change(members, dice)
    return members


def _change(members: Members, dice: Random) -> None:
    if not members:
        members.append((noise(dice), odd_value(dice)))
        return
    at, other = dice.randrange(len(members)), dice.randrange(len(members))
    name, value = members[at]
    match dice.randrange(8):
        case 0:
            del members[at]
        case 1:
            members[at] = mangled(name, dice), value
        case 2:
            members.insert(other, (name, dice.choice((value, odd_value(dice)))))
        case 3:
            members.insert(at, (noise(dice), odd_value(dice)))
        case 4:
            members[at], members[other] = (name, members[other][1]), (members[other][0], value)
        case 5:
            members[at] = name, mangled(value, dice)
        case 6:
            dice.shuffle(members)
        case _:
            members[at] = name, odd_value(dice)


def rendered(members: Members, dice: Random) -> str:
    """The object's text, mostly compact, sometimes with other white space or escapes, rarely broken."""
    comma, colon = dice.choice(((",", ":"), (",", ":"), (", ", ": "), ("\n,\t", " : "), (",,", ":"), (",", "=")))
    text = comma.join(json.dumps(name) + colon + value for name, value in members)
    opening, closing = dice.choice((("{", "}"),) * 8 + (("{ ", " }"), ("{", ""), ("{", ",}"), ("[", "]"), ("", "")))
    before, after = dice.choice((("", ""),) * 8 + ((" ", "\n"), ("\ufeff", ""), ("", "x"), ("", "{}"), ("", "\x00")))
    return before + opening + text + closing + after


def altered(document: Mapping[str, object], dice: Random) -> str:
    """The text of a document of which something was changed: its members, its rendering, or a few characters."""
    members = members_of(document)
    if dice.random() < 0.3:
        return mangled(json.dumps(document, separators=(",", ":")), dice)
    return rendered(changed_members(members, dice), dice)


class _Pairs(tuple[tuple[str, Any], ...]):
    """An object as it stands in the text."""

    __slots__ = ()


def strictly_read(text: str) -> Any:  # noqa: ANN401 (whatever JSON holds)
    """Give the value of a JSON text, REFUSED where it repeats a member, has no finite number or no end."""
    try:
        return _plain(json.loads(text, object_pairs_hook=_Pairs))
    except (ValueError, RecursionError):
        return REFUSED


def _plain(value: object) -> object:
    if isinstance(value, _Pairs):
        if len({name for name, _ in value}) < len(value):
            raise ValueError("repeated")
        return {name: _plain(inner) for name, inner in value}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("not finite")
    return value
