"""What became of the questions to Redis: numbers by name."""

from collections import Counter
from enum import StrEnum
from typing import TypeAlias


class Count(StrEnum):
    """What is counted. All but the first are misses, or things that were not kept or not said."""

    HIT = "hit"
    ABSENT = "absent"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed_out"
    RESTING = "resting"
    DENIED = "denied"
    LOADING = "loading"
    READ_ONLY = "read_only"
    FULL = "full"
    WRONG_TYPE = "wrong_type"
    REFUSED = "refused"
    GARBLED = "garbled"
    OVERSIZED = "oversized"
    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    FORGED = "forged"
    EXPIRED = "expired"
    FROM_THE_FUTURE = "from_the_future"
    REPEATED = "repeated"
    OVERTAKEN = "overtaken"
    NO_KEY = "no_key"
    FOREIGN_NAMESPACE = "foreign_namespace"


Counts: TypeAlias = Counter[str]
