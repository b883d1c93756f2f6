"""A status report drawn for a terminal: nothing of the ledger is read as markup, and colours only repeat letters."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from journal_keys.domain.audit_chain import AuditEntry
from journal_keys.domain.fleet import Instance
from journal_keys.domain.keys import Family, KeyState, KeyVersion
from journal_keys.domain.status import RingStatus, StatusReport
from journal_keys.entrypoints.cli.output import printable
from journal_keys.entrypoints.cli.service_figures import Figures, figure_lines
from journal_keys.entrypoints.status.answer import Answer
from journal_keys.entrypoints.status.events import told, waits
from journal_keys.entrypoints.status.rings import encryptions
from journal_keys.entrypoints.status.words import iso, length, plain
from journal_keys.use_cases.check_health import Health

_LETTERS: Final = {
    KeyState.PRE_ACTIVATION: ("P", "cyan"),
    KeyState.ACTIVE: ("A", "green"),
    KeyState.DEACTIVATED: ("D", "yellow"),
    KeyState.COMPROMISED: ("C", "red"),
    KeyState.DESTROYED: ("X", "dim"),
}
_LEGEND: Final = "P staged  A in use  D reads only  C compromised  X destroyed"
_ELSEWHERE: Final = "Caches and webhooks: each service counts its own, --figures http://localhost:8000 shows them."
_KEYS: Final = 6
_INSTANCES: Final = 8
_ENTRIES: Final = 6
_KID: Final = 14
_BESIDE_BAR: Final = _KID + 8
_LEAST_BAR: Final = 10
_MOST_BAR: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One picture; `now` is the ledger's clock, `failure` says why the report is not of now."""

    report: StatusReport
    answers: tuple[Answer, ...]
    now: datetime
    health: Health | None
    failure: str = ""
    figures: Figures | None = None

    def draw(self, width: int) -> RenderableType:
        """Give it for a terminal of so many columns."""
        rings = (self._ring(family, status, width) for family, status in self.report.rings.items())
        return Group(
            *self._head(), *self._answers(), *rings, *self._instances(), self._health(), self._audit(), self._figures()
        )

    def _head(self) -> Iterator[Text]:
        yield Text(f"journal-keys, {iso(self.now)} by the ledger's clock; Ctrl-C ends", style="bold")
        if self.failure:
            yield Text(f"! as of {iso(self.report.at)}, asked again: {printable(self.failure)}", style="red")

    def _answers(self) -> Iterator[Text]:
        for answer in self.answers:
            mark, style = ("  ", "") if answer.is_well else ("! ", "red")
            yield Text.assemble((f"{mark}{answer.question} ", "bold"), (printable(answer.says), style))

    def _ring(self, family: Family, status: RingStatus | None, width: int) -> Panel:
        if status is None:
            return Panel(Text("not made yet: run 'journal-keys init'"), title=family.value)
        used = [Text(encryptions(status))] if family is Family.AES else []
        lines = [*self._bars(status, width), Text(_LEGEND, style="dim"), *used, *self._coming(status)]
        return Panel(Group(*lines), title=f"{family}, generation {status.ring.generation}", title_align="left")

    def _bars(self, status: RingStatus, width: int) -> Iterator[Text]:
        versions = sorted(status.ring.versions, key=lambda one: (one.is_accepted, one.since))[-_KEYS:]
        columns = min(max(width - _BESIDE_BAR, _LEAST_BAR), _MOST_BAR)
        begin = min(version.published_at for version in versions)
        for version in sorted(versions, key=lambda one: one.published_at):
            yield Text(f"{_short(version.kid)} ", no_wrap=True).append_text(_bar(version, begin, self.now, columns))

    def _coming(self, status: RingStatus) -> Iterator[Text]:
        for event in status.upcoming:
            yield Text(printable(f"next: {plain(told(status, event, self.now))}"))
        if status.wait is not None:
            yield Text(printable(plain(waits(status.wait, self.now))), style="yellow")
            for record in status.wait.rotations[:_KEYS]:
                request = record.request
                yield Text(printable(f"  {request.rotation_id} by {request.actor}: {request.reason}"))
            for one in status.wait.behind[:_INSTANCES]:
                gone = length(one.expires_at - self.now)
                yield Text(printable(f"  held back by {one}; its report expires in {gone}"), style="red")
        if status.trouble:
            yield Text(printable(f"! {status.trouble}"), style="red")

    def _instances(self) -> Iterator[Panel]:
        found = self.report.instances
        if found:
            shown = [Text(self._instance(one)) for one in found[:_INSTANCES]]
            more = [Text(f"and {len(found) - _INSTANCES} more")] if len(found) > _INSTANCES else []
            yield Panel(Group(*shown, *more), title=f"{len(found)} live instances", title_align="left")

    def _instance(self, one: Instance) -> str:
        held = ", ".join(f"{family} {held.generation}" for family, held in one.held.items())
        return printable(f"{one.name}: holds {held}; reported {length(self.now - one.reported_at)} ago")

    def _health(self) -> Panel:
        parts = self.health.parts if self.health else {}
        told = [f"{name}: {part.status} {part.reason}".rstrip() for name, part in parts.items()]
        lines = [Text(printable(line)) for line in told or ("not known: no answer in time",)]
        return Panel(Group(*lines), title="health", title_align="left")

    def _audit(self) -> Panel:
        audit = self.report.audit
        verdict = Text(printable(f"BROKEN: {audit.broken}"), style="red") if audit.broken else Text("the chain holds")
        return Panel(
            Group(verdict, *_entries(self.report.recent[:_ENTRIES])),
            title=f"audit, {audit.head.sequence} entries followed",
            title_align="left",
        )

    def _figures(self) -> Panel | Text:
        if self.figures is None:
            return Text(_ELSEWHERE, style="dim")
        style = "red" if self.figures.counts is None else ""
        lines = (Text(printable(line), style=style) for line in figure_lines(self.figures))
        return Panel(Group(*lines), title=Text(f"figures of {printable(self.figures.of)}"), title_align="left")


def _entries(entries: Iterable[AuditEntry]) -> Iterator[Text]:
    for entry in entries:
        fact = entry.fact
        about = f" {fact.kid}" if fact.kid else ""
        yield Text(printable(f"{entry.sequence} {iso(fact.at)} {fact.action}{about} by {fact.actor}: {fact.reason}"))


def _short(kid: str) -> str:
    return kid if len(kid) <= _KID else f"{kid[: _KID - 1]}\u2026"


def _bar(version: KeyVersion, begin: datetime, now: datetime, columns: int) -> Text:
    """Draw the key's life from `begin` to now, a letter for each part of that time, the last one its state of now."""
    span = max(now, version.since) - begin
    states = [_state_at(version, begin + span * column / columns) for column in range(1, columns)]
    bar = Text(no_wrap=True)
    for state, same in groupby([*states, version.state]):
        letter, style = _LETTERS[state] if state else (" ", "")
        bar.append(letter * len(list(same)), style)
    return bar


def _state_at(version: KeyVersion, at: datetime) -> KeyState | None:
    """Give the state in which it was then, None before its publication."""
    moments = {
        KeyState.PRE_ACTIVATION: version.published_at,
        KeyState.ACTIVE: version.activated_at,
        KeyState.DEACTIVATED: version.deactivated_at,
        KeyState.COMPROMISED: version.compromised_at,
        KeyState.DESTROYED: version.destroyed_at,
    }
    entered = [state for state, since in moments.items() if since is not None and since <= at]
    return entered[-1] if entered else None
