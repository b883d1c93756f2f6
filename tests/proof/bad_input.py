"""Bad input: every parser of untrusted or stored bytes refuses with its documented error, or reads what is there.

`python -m tests.proof bad_input` tries one seed and every damaged vault, `--nightly` all seeds. A finding names target,
seed and number; `remade(target, seed, number)` gives its input again.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.proof.bad_inputs import chains, encodings, envelopes, jwks, moving, names, rows
from tests.proof.bad_inputs.bodies import body_target
from tests.proof.bad_inputs.callers import CALLER
from tests.proof.bad_inputs.environments import ENVIRONMENT
from tests.proof.bad_inputs.ledger_files import cell_target
from tests.proof.bad_inputs.materials import LINE
from tests.proof.bad_inputs.search import Tally, Target, generated, search
from tests.proof.bad_inputs.stored_keys import PROVED
from tests.proof.bad_inputs.tokens import TOKEN
from tests.proof.bad_inputs.vaults import CONTENT, DAMAGED, SEALED, damaged
from tests.proof.bad_inputs.webhooks import BODY, FORGED
from tests.proof.verdict import Verdict

SEEDS: Final = (20261124, *range(1, 20))
"""The first in every test run, all of them nightly."""

TARGETS: Final[tuple[Target[Any], ...]] = (
    TOKEN,
    envelopes.OPENED,
    envelopes.PARSED,
    names.PATH,
    names.CHILD,
    names.KID,
    names.FAMILY,
    names.ALGORITHM,
    names.HEAD,
    names.MASTER_KEY,
    encodings.BASE64URL,
    encodings.FAST_BASE64URL,
    encodings.JSON,
    jwks.JWK,
    jwks.OPENED_JWK,
    LINE,
    PROVED,
    chains.CHAIN,
    rows.ENTRY,
    rows.ROTATION,
    rows.KEY,
    CONTENT,
    CALLER,
    ENVIRONMENT,
    FORGED,
    BODY,
    moving.BACKUP,
    moving.AGE_HEAD,
    moving.AES_KEYS,
    moving.PEM,
)


@contextmanager
def every_target() -> Iterator[tuple[Target[Any], ...]]:
    """The targets above, and those that need a loop or a file while they are tried."""
    with body_target() as body, cell_target() as cell:
        yield (*TARGETS, body, cell)


def run(*, nightly: bool) -> Verdict:
    """Try every target; a warning counts as uncaught."""
    seeds = SEEDS if nightly else SEEDS[:1]
    with warnings.catch_warnings(), every_target() as targets:
        warnings.simplefilter("error")
        tallies = [_tried(target, seeds) for target in targets]
        vaults = search(DAMAGED, damaged())
    return _verdict(tallies, vaults)


def _tried(target: Target[Any], seeds: tuple[int, ...]) -> Tally:
    tally = Tally(target.name, target.refusals)
    for seed in seeds:
        search(target, generated(target, seed), tally)
    return tally


def _verdict(tallies: list[Tally], vaults: Tally) -> Verdict:
    everything = [*tallies, vaults]
    lines = [line for tally in everything for line in _lines(tally)]
    made, size = sum(tally.tried for tally in tallies), sum(map(len, SEALED))
    lines.append(f"generated {made}; vaults {len(SEALED)}, bits flipped {8 * size}, cuts {size}")
    tried, good = sum(tally.tried for tally in everything), sum(tally.refused + tally.read for tally in everything)
    uncaught = sum(tally.uncaught for tally in everything)
    lines.append(f"bad inputs {tried}, refused or rightly read {good}, uncaught {uncaught}")
    return Verdict(lines=tuple(lines), holds=all(tally.holds for tally in everything))


def _lines(tally: Tally) -> Iterator[str]:
    yield tally.summary
    yield from tally.findings
