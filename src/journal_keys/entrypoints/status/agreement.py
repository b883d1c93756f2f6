"""Whether every instance holds the rings as the ledger has them."""

from collections.abc import Mapping
from typing import Final

from journal_keys.domain.fleet import Instance
from journal_keys.domain.keys import Family
from journal_keys.domain.status import StatusReport
from journal_keys.entrypoints.status.answer import Answer, Verdict
from journal_keys.entrypoints.status.sight import Service, Sight
from journal_keys.entrypoints.status.words import Code, Part, Sentence, listed

_NAMED: Final = 3
"""Of the instances that do not agree; the others are counted."""
_ALONE: Final = "instances do not report with a ledger on SQLite: only processes of this machine share it"


def agree(sight: Sight) -> Answer:
    """Compare what was reported, or, where nobody reports, what processes of this machine hold."""
    verdict, sentence = _found(sight, sight.report) if sight.report and sight.is_current else _unknown()
    return Answer(question="Does every instance agree?", verdict=verdict, sentences=(sentence,))


def agrees(instance: Instance, generations: Mapping[Family, int]) -> bool:
    """Whether the instance holds every ring as the ledger has it."""
    return all(instance.held[family].generation == one for family, one in generations.items())


def generations_of(report: StatusReport) -> dict[Family, int]:
    """Give those of the rings that are made."""
    return {family: status.ring.generation for family, status in report.rings.items() if status}


def _unknown() -> tuple[Verdict, Sentence]:
    return Verdict.UNKNOWN, ("Not known: while the ledger does not answer, no instance can confirm what it holds",)


def _found(sight: Sight, report: StatusReport) -> tuple[Verdict, Sentence]:
    generations = generations_of(report)
    if report.instances:
        return _of_instances(report.instances, generations)
    if sight.reports:
        none = "No instance reports: none runs, or none has reached the ledger before its last report expired"
        return Verdict.LOOK, (none,)
    return _unreported(sight, generations)


def _of_instances(instances: tuple[Instance, ...], generations: Mapping[Family, int]) -> tuple[Verdict, Sentence]:
    behind, number = [one for one in instances if not agrees(one, generations)], len(instances)
    if not behind:
        return Verdict.GOOD, (f"Yes: {number} of {number} live instances hold {_listed(generations)}",)
    does = "does" if len(behind) == 1 else "do"
    told = f"No: {len(behind)} of {number} live instances {does} not hold {_listed(generations)}:"
    more = (f"and {len(behind) - _NAMED} more",) if len(behind) > _NAMED else ()
    return Verdict.LOOK, (told, *_named(behind[:_NAMED]), *more)


def _named(instances: list[Instance]) -> tuple[Part, ...]:
    held = [
        (Code(one.name), f"({', '.join(f'{family} {held.generation}' for family, held in one.held.items())})", ",")
        for one in instances
    ]
    return tuple(part for one in held for part in one)[:-1]


def _unreported(sight: Sight, generations: Mapping[Family, int]) -> tuple[Verdict, Sentence]:
    process, service = sight.process, sight.service
    if service is not None and service.held and (process is None or len(service.held) > 1):
        return _of_service(service, generations)
    if process is None:
        return Verdict.UNKNOWN, (f"Not known: {_ALONE}; --figures http://localhost:8000 shows what these hold",)
    held = {family: known.ring.generation for family, known in process.known.items() if known}
    if held == generations:
        return Verdict.GOOD, (f"Yes: this process holds {_listed(held)}, as the ledger says; {_ALONE}",)
    told = f"No: this process holds {_listed(held)}, and the ledger {_listed(generations)}; {_ALONE}"
    return Verdict.LOOK, (told,)


def _of_service(service: Service, generations: Mapping[Family, int]) -> tuple[Verdict, Sentence]:
    behind, number = [held for held in service.held if held != generations], len(service.held)
    who = f"of {number} processes of {service.name}"
    if not behind:
        told = f"Yes: {number} {who} hold {_listed(generations)}, as the ledger says; {_ALONE}"
        return Verdict.GOOD, (told,)
    told = f"No: {len(behind)} {who} hold other than {_listed(generations)}, one of them {_listed(behind[0])}; {_ALONE}"
    return Verdict.LOOK, (told,)


def _listed(generations: Mapping[Family, int]) -> str:
    return listed([f"generation {one} of {family}" for family, one in generations.items()]) or "no ring"
