"""A home made before a proof and brought to rest behind it, by processes that cost no more than the others."""

from dataclasses import dataclass
from multiprocessing.context import ForkServerContext

from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from tests.proof.ring_at_rest import Rest, bring_to_rest
from tests.support.crew import Line, crew, run_plainly
from tests.support.embedded import make_rings


@dataclass(frozen=True, slots=True, kw_only=True)
class Rested:
    """Every ring at rest; none where they do not come to rest, and `troubles` says why."""

    rests: tuple[Rest, ...] = ()
    troubles: tuple[str, ...] = ()


def make_home(context: ForkServerContext, settings: Settings) -> None:
    """Make vault, ledger and rings."""
    with crew(context, _make, (settings,)) as (maker,):
        maker.hear()


def rest_home(context: ForkServerContext, settings: Settings) -> Rested:
    """Reconcile what is left to reconcile, and look."""
    with crew(context, _rest, (settings,)) as (keeper,):
        rested: Rested = keeper.hear()
    return rested


def _make(settings: Settings, line: Line) -> None:
    line.send(run_plainly(make_rings(settings)))


def _rest(settings: Settings, line: Line) -> None:
    try:
        line.send(Rested(rests=run_plainly(_rests(settings))))
    except JournalKeysError as failure:
        line.send(Rested(troubles=(f"the rings do not come to rest: {failure}",)))


async def _rests(settings: Settings) -> tuple[Rest, ...]:
    async with open_container(settings) as container:
        return tuple([await bring_to_rest(container, family) for family in Family])
