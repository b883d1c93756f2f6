"""Bad input: every parser of untrusted or stored bytes refuses with its documented error, or reads what is there.

`python -m tests.proof bad_input` tries one seed and every damaged vault, `--nightly` all seeds. A finding names target,
seed and number; `remade(target, seed, number)` gives its input again.
"""

import warnings
from collections.abc import Iterator, Mapping
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

FEWEST: Final = 50_000
NIGHTLY_FEWEST: Final = 1_000_000
"""Generated inputs for the parsers below, with at least a tenth of them for each."""

PARSERS: Final[Mapping[str, tuple[Target[Any], ...]]] = {
    "tokens": (TOKEN,),
    "envelopes": (envelopes.OPENED, envelopes.PARSED),
    "paths": (names.PATH, names.CHILD),
    "JWKs": (jwks.JWK, jwks.OPENED_JWK),
    "audit bytes": (chains.CHAIN, rows.ENTRY),
    "vault files": (CONTENT,),
}
"""Those that stand between keys and what others send or files hold, beside the damaged vaults."""

TARGETS: Final[tuple[Target[Any], ...]] = (
    *(target for targets in PARSERS.values() for target in targets),
    names.KID,
    names.FAMILY,
    names.ALGORITHM,
    names.HEAD,
    names.MASTER_KEY,
    encodings.BASE64URL,
    encodings.FAST_BASE64URL,
    encodings.JSON,
    LINE,
    PROVED,
    rows.ROTATION,
    rows.KEY,
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
    return verdict(tallies, vaults, fewest=NIGHTLY_FEWEST if nightly else FEWEST)


def _tried(target: Target[Any], seeds: tuple[int, ...]) -> Tally:
    tally = Tally(target.name, target.refusals)
    for seed in seeds:
        search(target, generated(target, seed), tally)
    return tally


def verdict(tallies: list[Tally], vaults: Tally, *, fewest: int) -> Verdict:
    """Say what was found, and how much was tried; fewer inputs for the named parsers prove nothing."""
    everything = [*tallies, vaults]
    lines = [line for tally in everything for line in _lines(tally)]
    made, size = sum(tally.tried for tally in tallies), sum(map(len, SEALED))
    shares = {name: _tried_of(targets, tallies) for name, targets in PARSERS.items()}
    named = sum(shares.values())
    lines.append(f"of {named}: " + ", ".join(f"{name} {share}" for name, share in shares.items()))
    lines.append(f"generated {made}; vaults {len(SEALED)}, bits flipped {8 * size}, cuts {size}")
    tried, good = sum(tally.tried for tally in everything), sum(tally.refused + tally.read for tally in everything)
    uncaught = sum(tally.uncaught for tally in everything)
    lines.append(f"bad inputs {tried}, refused or rightly read {good}, uncaught {uncaught}")
    is_enough = named >= fewest and min(shares.values()) >= fewest / 10
    return Verdict(lines=tuple(lines), holds=is_enough and all(tally.holds for tally in everything))


def _tried_of(targets: tuple[Target[Any], ...], tallies: list[Tally]) -> int:
    names_of = {target.name for target in targets}
    return sum(tally.tried for tally in tallies if tally.name in names_of)


def _lines(tally: Tally) -> Iterator[str]:
    yield tally.summary
    yield from tally.findings
