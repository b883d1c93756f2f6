"""Many processes start first at once, on a home that does not exist."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from journal_keys.domain.keys import Family
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from tests.proof.race_ledger import Hold
from tests.proof.ring_at_rest import Rest, look
from tests.proof.starter import Started, StartPost, start
from tests.proof.verdict import Verdict
from tests.proof.wrong_designs import Design, as_built
from tests.support.crew import Child, crew, prepared
from tests.support.embedded import settings_in

_LASTING: Final[Mapping[str, float]] = {
    "journal_jwks_max_age": 60,
    "journal_infisical_cache_ttl": 60,
    "journal_jwt_longest_token": 3600,
    "journal_clock_skew": 5,
}
"""Views, tokens and transactions outlive the wait for fifty processes on two cores."""


def start_at_once(processes: int, *, hold: Hold = Hold.NOT, design: Design = as_built) -> Verdict:
    """Start this many on one empty folder, and say what they made of it."""
    with tempfile.TemporaryDirectory(prefix="journal-keys-first-") as folder:
        settings = settings_in(Path(folder), **_LASTING)
        context = prepared()
        post = StartPost(settings=settings, gate=context.Barrier(processes), hold=hold, design=design)
        with crew(context, start, *[(post,)] * processes) as children:
            started: list[Started] = [child.hear() for child in children]
            unread = _asked(children, started)
        rests = asyncio.run(_rests(settings))
        wrongs = (*unread, *_wrongs(started, rests), *_strays(settings))
    keys = sum(len(rest.stored) for rest in rests)
    summary = f"first starts {len(started)}, rings {len(rests)}, keys {keys}"
    again = f"first starts that a busy ledger had tried again: {sum(one.tries > 1 for one in started)}"
    return Verdict(lines=(*wrongs, again, summary), holds=not wrongs and keys == 2 * len(Family))


def _asked(children: Sequence[Child], started: Sequence[Started]) -> list[str]:
    """Let every process read what every other made."""
    able = [child for child, one in zip(children, started, strict=True) if not one.trouble]
    for child in able:
        child.tell([one for one in started if not one.trouble])
    return [failure for child in able for failure in child.hear()]


async def _rests(settings: Settings) -> list[Rest]:
    async with open_container(settings) as container:
        return [await look(container, family) for family in Family]


def _wrongs(started: Sequence[Started], rests: Sequence[Rest]) -> Iterator[str]:
    yield from (one.trouble for one in started if one.trouble)
    made = Counter(family for one in started for family in one.made)
    yield from (f"{count} processes made the {family} ring" for family, count in made.items() if count > 1)
    told = {one.kids for one in started}
    if told != {tuple(version.kid for rest in rests for version in rest.ring.versions)}:
        yield f"the processes hold {len(told)} different sets of keys, or others than the ledger's"
    yield from (f"a process was told of {one.active}, and holds {one.kids}" for one in started if not one.is_whole)
    for rest in rests:
        yield from rest.wrongs
        if (rest.ring.generation, len(rest.promotions), len(rest.stored)) != (1, 1, 2):
            yield f"the {rest.ring.family} ring has generation {rest.ring.generation} and {len(rest.stored)} keys"


def _strays(settings: Settings) -> Iterator[str]:
    """What lies in the home beside one master key, one vault and one ledger, with their locks and logs."""
    home = settings.journal_keys_home
    expected = {"master.key", "vault.jkv", ".vault.jkv.lock", "ledger.sqlite3"}
    expected |= {"ledger.sqlite3-wal", "ledger.sqlite3-shm"}
    yield from (f"{path.name} was left in the home" for path in home.iterdir() if path.name not in expected)
