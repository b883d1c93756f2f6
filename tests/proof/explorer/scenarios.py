"""What is explored of the design as it is: small casts, and everything that may happen to them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from journal_keys.domain.keys import Family
from tests.proof.explorer.actors import Verb
from tests.proof.explorer.cast import (
    compromising,
    founded,
    initialising,
    judge,
    one_winner,
    projecting,
    reconciling,
    rotation_of,
    verb,
)
from tests.proof.explorer.promises import names_of_another_ring, no_view
from tests.proof.explorer.search import Scenario
from tests.proof.explorer.world import Books, Ports

READY: Final = 2
"""Published so many ticks ago, a key may be promoted at once."""


def rotators(family: Family, *, actors: int = 2, faults: int = 1, horizon: int = 3, readers: int = 1) -> Scenario:
    """Rotators that ask for different rotations of a ring in rest."""
    ports = Ports(family)
    books, shelf, _ = founded(ports, published_ago=READY)
    scripts = tuple((verb(f"r{number}", rotation_of(family, f"r{number}")),) for number in range(actors))
    return _scenario(f"{actors} rotators of {family}", ports, scripts, books=books, shelf=shelf, faults=faults,
                     horizon=horizon, readers=readers, judge_ends=one_winner)  # fmt: skip


def alone(family: Family, *, faults: int = 1, horizon: int = 2) -> Scenario:
    """One rotator, small enough to be followed to its last state."""
    return rotators(family, actors=1, faults=faults, horizon=horizon)


def same_rotation(family: Family, *, faults: int = 1, horizon: int = 3) -> Scenario:
    """Two rotators that ask for the same rotation, of a ring whose staged key is young."""
    ports = Ports(family)
    books, shelf, _ = founded(ports, published_ago=0)
    scripts = tuple(
        (verb(f"r{number}", rotation_of(family, "same")), verb(f"s{number}", reconciling(family)))
        for number in range(2)
    )
    return _scenario(f"one rotation of {family} asked for twice", ports, scripts, books=books, shelf=shelf,
                     faults=faults, horizon=horizon)  # fmt: skip


def rotate_and_reconcile(family: Family, *, faults: int = 1, horizon: int = 4) -> Scenario:
    """A rotator, and somebody who finishes what is left and retires what is old."""
    ports = Ports(family)
    books, shelf, _ = founded(ports, published_ago=READY, old_keys=1)
    scripts = ((verb("r", rotation_of(family, "r")),), (verb("s", reconciling(family)), verb("t", reconciling(family))))
    return _scenario(f"rotate and reconcile {family}", ports, scripts, books=books, shelf=shelf, faults=faults,
                     horizon=horizon)  # fmt: skip


def project_meanwhile(family: Family, *, horizon: int = 0, **changes: Any) -> Scenario:  # noqa: ANN401 (fields of Process)
    """A rotator, and somebody who writes the guide's names from a ring that may be older by then."""
    ports = Ports(family)
    books, shelf, _ = founded(ports, published_ago=READY)
    scripts = ((verb("r", rotation_of(family, "r"), **changes),), (verb("p", projecting(family), **changes),))
    return _scenario(f"names of {family} written during a rotation", ports, scripts, books=books, shelf=shelf,
                     horizon=horizon, readers=0, rest=None, at_end=names_of_another_ring(ports))  # fmt: skip


def compromise_meanwhile(family: Family, *, faults: int = 1, horizon: int = 3) -> Scenario:
    """A rotator, and an operator who takes the ACTIVE key out of use."""
    ports = Ports(family)
    books, shelf, ring = founded(ports, published_ago=READY)
    scripts = (
        (verb("r", rotation_of(family, "r")),),
        (verb("c", compromising(family, ring.active.kid)), verb("s", reconciling(family))),
    )
    return _scenario(f"compromise during a rotation of {family}", ports, scripts, books=books, shelf=shelf,
                     faults=faults, horizon=horizon)  # fmt: skip


def first_start(family: Family, *, actors: int = 2, faults: int = 1) -> Scenario:
    """Processes that all make the first keys."""
    ports = Ports(family)
    scripts = tuple((verb(f"i{number}", initialising(family)),) for number in range(actors))
    return _scenario(f"{actors} first starts of {family}", ports, scripts, books=Books(), shelf=frozenset(),
                     faults=faults, horizon=1)  # fmt: skip


def clocks_that_jump(family: Family, *, faults: int = 2, horizon: int = 4) -> Scenario:
    """A rotator and a reconciler on a host whose wall clock steps and which reboots."""
    ports = Ports(family)
    books, shelf, _ = founded(ports, published_ago=0, old_keys=1)
    scripts = ((verb("r", rotation_of(family, "r")), verb("s", reconciling(family))),)
    return _scenario(f"clocks that jump under {family}", ports, scripts, books=books, shelf=shelf, faults=faults,
                     horizon=horizon, clocks_jump=True)  # fmt: skip


def brief(scenario: Scenario) -> Scenario:
    """The same before the first tick ends, while nobody signs or reads: small enough to be followed to its end."""
    return replace(scenario, name=f"{scenario.name}, within a tick", horizon=0, readers=0, signer_view_of=no_view)


def _scenario(name: str, ports: Ports, scripts: tuple[tuple[Verb, ...], ...], **rest: object) -> Scenario:
    fields: dict[str, object] = {"rest": verb("rest", reconciling(ports.family)), "judge": judge, **rest}
    return Scenario(name=name, family=ports.family, ports=ports, scripts=scripts, **fields)  # type: ignore[arg-type]


_KINDS: Final[tuple[Callable[[Family], Scenario], ...]] = (
    rotators,
    same_rotation,
    rotate_and_reconcile,
    compromise_meanwhile,
    first_start,
    clocks_that_jump,
)


def small_scenarios() -> list[Scenario]:
    """What is followed to its last state in every form."""
    return [
        alone(Family.JWT),
        *(project_meanwhile(family) for family in Family),
        brief(rotators(Family.JWT, faults=2)),
        brief(rotators(Family.AES)),
        brief(rotators(Family.JWT, actors=3, faults=0)),
        brief(same_rotation(Family.JWT)),
        brief(compromise_meanwhile(Family.JWT, faults=0)),
        brief(first_start(Family.JWT, faults=0)),
    ]


def large_scenarios() -> list[Scenario]:
    """What the ordinary test run explores the shallow end of."""
    return [kind(family) for family in Family for kind in _KINDS]


def nightly_scenarios() -> list[Scenario]:
    """The same, and larger casts with more that may go wrong."""
    larger = [
        scenario
        for family in Family
        for scenario in (
            alone(family, faults=2, horizon=3),
            rotators(family, actors=3, faults=1),
            rotators(family, faults=2, readers=2),
            same_rotation(family, faults=2),
            rotate_and_reconcile(family, faults=2, horizon=5),
            compromise_meanwhile(family, faults=2),
            first_start(family, actors=3),
            brief(rotators(family, actors=3)),
            brief(rotate_and_reconcile(family)),
            brief(compromise_meanwhile(family)),
            brief(first_start(family)),
        )
    ]
    return [*small_scenarios(), *large_scenarios(), *larger]
