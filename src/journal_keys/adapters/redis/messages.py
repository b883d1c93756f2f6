"""Hints as Redis passes them on: sealed, so that only who holds the keys can make or read one."""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeAlias

from journal_keys.adapters.redis.counts import Count, Counts
from journal_keys.adapters.redis.keys import DerivedKeys
from journal_keys.adapters.redis.namespace import Namespace
from journal_keys.adapters.redis.sealing import NONCE_BYTES, Form
from journal_keys.domain import canonical
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family, parse_family
from journal_keys.domain.paths import SecretPath, parse_pattern
from journal_keys.ports.clock import Clock
from journal_keys.ports.entropy import Entropy

MOST_TEXT: Final = 2048
LIFE: Final = timedelta(seconds=30)
"""How old a hint may be. Clocks that differ by more, and the skew, cost hints and nothing else."""

_HINT: Final = b"JKH1"
_MOST_SEEN: Final = 4096
_MS: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Changed:
    """A ring has this generation now."""

    family: Family
    generation: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """This path and all below it, or everything, may have changed in the store."""

    prefix: SecretPath | None


News: TypeAlias = Changed | Forgotten


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Writes this process's hints, and reads those of others, each once."""

    name: str
    place: Namespace
    keys: DerivedKeys
    skew: timedelta
    clock: Clock
    entropy: Entropy
    counts: Counts
    _seen: OrderedDict[bytes, None] = field(default_factory=OrderedDict)

    def write(self, news: News) -> str:
        """Give the text to publish; an empty one where there is no key to seal it with."""
        sealer = self.keys.sealer()
        if sealer is None:
            self.counts[Count.NO_KEY] += 1
            return ""
        match news:
            case Changed(family, generation):
                told: dict[str, object] = {"family": family.value, "generation": generation}
            case Forgotten(prefix):
                told = {"path": "/*" if prefix is None else str(prefix)}
        content = canonical.to_json({**told, "at": self._now_ms(), "by": self.name}).encode("ascii")
        return self._form().seal(sealer, self.entropy.token(NONCE_BYTES), content)

    def read(self, text: bytes | str) -> News | None:
        """Give what another process told lately. Anything else is None, and counted unless it is our own."""
        found = self._form().unseal(self.keys, text)
        if isinstance(found, Count):
            self.counts[found] += 1
            return None
        nonce, content = found
        try:
            document = canonical.from_json(content.decode("ascii"))
            news, at_ms, by = _news(document), int(document["at"]), document["by"]
        except (ValueError, TypeError, LookupError, AttributeError, JournalKeysError):
            self.counts[Count.MALFORMED] += 1  # by somebody who holds the key: a newer release
            return None
        if by == self.name:
            return None
        reason = self._reason_against(nonce, at_ms)
        if reason is not None:
            self.counts[reason] += 1
            return None
        return news

    def _now_ms(self) -> int:
        return round(self.clock.unix_s() * 1000)

    def _reason_against(self, nonce: bytes, at_ms: int) -> Count | None:
        age_ms = self._now_ms() - at_ms
        if age_ms > (LIFE + self.skew) / _MS:
            return Count.EXPIRED
        if age_ms < -self.skew / _MS:
            return Count.FROM_THE_FUTURE
        if nonce in self._seen:
            return Count.REPEATED
        self._seen[nonce] = None
        if len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)
        return None

    def _form(self) -> Form:
        return Form(letters=_HINT, place=self.place, name=b"", most_text=MOST_TEXT, least_content=1)


def _news(document: Any) -> News:  # noqa: ANN401 (whatever a newer release may write)
    if "path" in document:
        return Forgotten(parse_pattern(document["path"]))
    return Changed(parse_family(document["family"]), int(document["generation"]))
