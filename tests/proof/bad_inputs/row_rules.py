"""What each column of the ledger may hold, by rules that share no code with the reader of rows."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from tests.proof.bad_inputs.documents import strictly_read
from tests.proof.bad_inputs.jwks import jwk_expected
from tests.proof.bad_inputs.names import kid_expected
from tests.proof.bad_inputs.search import REFUSED

Rule: TypeAlias = Callable[[Any], bool]
_MOMENT: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"


def _moment(text: object) -> bool:
    if not isinstance(text, str) or not re.fullmatch(_MOMENT, text, re.ASCII):
        return False
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def _text(value: object) -> bool:
    return isinstance(value, str)


def _reason(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 500 and value.isprintable()


def _rotation_id(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[A-Za-z0-9._:-]{1,128}", value, re.ASCII) is not None


def _whole(value: object) -> bool:
    return isinstance(value, int)


def _kid(value: object) -> bool:
    return kid_expected(value) is not REFUSED


def _digest(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value, re.ASCII) is not None


def _texts(value: object) -> bool:
    members = strictly_read(value) if isinstance(value, str) else REFUSED
    return isinstance(members, dict) and all(isinstance(one, str) for one in members.values())


def _one_of(*known: str) -> Rule:
    return lambda value: isinstance(value, str) and value in known


def _or_none(rule: Rule) -> Rule:
    return lambda value: value is None or rule(value)


_FAMILY: Final = _one_of("jwt", "aes")
ENTRY: Final = {
    "sequence": _whole,
    "at": _moment,
    "actor": _text,
    "action": _text,
    "family": _or_none(_FAMILY),
    "kid": _or_none(_kid),
    "reason": _text,
    "detail": _texts,
    "previous_hash": _digest,
    "hash": _digest,
}
ROTATION: Final = {
    "rotation_id": _rotation_id,
    "family": _FAMILY,
    "scope": _text,
    "force": lambda value: isinstance(value, bool),
    "reason": _reason,
    "actor": _text,
    "status": _one_of("waiting", "promoted"),
    "opened_at": _moment,
    "old_kid": _or_none(_kid),
    "new_kid": _or_none(_kid),
    "generation": _or_none(_whole),
    "settled_at": _or_none(_moment),
}
KEY: Final = {
    "family": _FAMILY,
    "kid": _kid,
    "algorithm": _one_of("EdDSA", "ES256", "RS256", "A256GCM", "HS256", "Fernet"),
    "digest": _digest,
    "public_jwk": _or_none(lambda value: isinstance(value, str) and jwk_expected(value) is not REFUSED),
    "state": _one_of("PRE_ACTIVATION", "ACTIVE", "DEACTIVATED", "COMPROMISED", "DESTROYED"),
    "created_at": _moment,
    "published_at": _moment,
    "activated_at": _or_none(_moment),
    "deactivated_at": _or_none(_moment),
    "compromised_at": _or_none(_moment),
    "destroyed_at": _or_none(_moment),
    "derived_kid": _or_none(_kid),
}


def fits_its_family(row: Mapping[str, object]) -> bool:
    """Whether a public key and an algorithm are those of the family."""
    is_fit = (row["algorithm"] in {"A256GCM", "Fernet"}) is (row["family"] == "aes")
    return is_fit and (row["public_jwk"] is None) is (row["algorithm"] in {"A256GCM", "Fernet", "HS256"})
