"""Base64url and JSON, on which every other format stands."""

import base64
import binascii
import json
from random import Random
from typing import Final

from journal_keys.adapters.crypto.fast_base64 import strict_decode
from journal_keys.domain import base64url, canonical
from tests.proof.bad_inputs.documents import altered, odd_value, strictly_read
from tests.proof.bad_inputs.search import REFUSED, Target, differs_from
from tests.proof.bad_inputs.texts import mangled, noise

_TO_STANDARD: Final = str.maketrans("-_", "+/")
_DOCUMENT: Final = {"n": 1, "t": "text", "l": [1, 2.5, None, True], "o": {"k": {"k": "v"}}, "\u00e9": "\ud83d\udd11"}


def slowly_decoded(text: str) -> object:
    """Decode by way of the other alphabet, and write it again to see that there was one way only; or REFUSED."""
    if not text.isascii() or set(text) & set("+/= \t\r\n\x0b\x0c"):
        return REFUSED
    try:
        data = base64.b64decode(text.translate(_TO_STANDARD) + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return REFUSED
    again = base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
    return data if again == text else REFUSED


def _some_base64(dice: Random) -> str:
    data = dice.randbytes(dice.choice((0, 1, 2, 3, 12, 32, 64)))
    text = dice.choice((base64.urlsafe_b64encode, base64.standard_b64encode))(data).decode("ascii")
    stripped = text.rstrip("=")
    return dice.choice((stripped, text, mangled(stripped, dice), stripped[:-1] + dice.choice("AQgwBx_-"), noise(dice)))


def _some_json(dice: Random) -> str:
    good: object = dice.choice((_DOCUMENT, {}, [], 1, "text", None))
    return dice.choice((json.dumps(good), altered(_DOCUMENT, dice), altered(_DOCUMENT, dice), odd_value(dice)))


BASE64URL: Final[Target[str]] = Target(
    name="base64url.decode",
    make=_some_base64,
    read=base64url.decode,
    refusals=(ValueError,),
    fault=differs_from(slowly_decoded),
    share=3_000,
)
FAST_BASE64URL: Final[Target[str]] = Target(
    name="strict_decode",
    make=_some_base64,
    read=strict_decode,
    refusals=(ValueError,),
    fault=differs_from(slowly_decoded),
    share=3_000,
)
JSON: Final[Target[str]] = Target(
    name="canonical.from_json",
    make=_some_json,
    read=canonical.from_json,
    refusals=(ValueError,),
    fault=differs_from(strictly_read),
    share=4_000,
)
