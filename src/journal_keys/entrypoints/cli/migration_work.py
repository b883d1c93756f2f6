"""What the commands on moving in do."""

import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from journal_keys.domain.changes import check_reason
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import parse_kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.migration import MigrationMap, PlanLine, Resolutions, Step
from journal_keys.domain.paths import SecretPath
from journal_keys.entrypoints.backup_seals import SealOptions, known_seal, opening_of, seal_of
from journal_keys.entrypoints.cli.exit_codes import ExitCode
from journal_keys.entrypoints.cli.output import as_outcome, print_fields, print_json, print_outcome, print_table
from journal_keys.entrypoints.cli.progress import shown
from journal_keys.entrypoints.cli.running import command_settings, on_container, operator
from journal_keys.entrypoints.ending import run_to_end
from journal_keys.entrypoints.migration_source import from_environment, from_file, read_map, refuse_nothing
from journal_keys.entrypoints.settings import Settings
from journal_keys.use_cases.keep_pre_image import open_migration

if TYPE_CHECKING:
    from journal_keys.container import Container
    from journal_keys.use_cases.migrate_secrets import Migrated, NothingToMigrate
    from journal_keys.use_cases.plan_migration import MigrationPlan
    from journal_keys.use_cases.roll_back_migration import RolledBack

_COLUMNS = ("variable", "target", "step", "here", "there", "because")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The options of `migrate`."""

    from_file: Path | None
    map_file: Path | None
    keep: frozenset[str]
    overwrite: frozenset[str]
    seal: SealOptions
    reason: str
    anew: bool

    @property
    def resolutions(self) -> Resolutions:
        """What is said by name."""
        return Resolutions(keep=self.keep, overwrite=self.overwrite)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a migration needs, and how it is."""

    check: str
    ok: bool
    found: str


def _source(file: Path | None, map_file: Path | None) -> tuple[MigrationMap, dict[str, KeyMaterial]]:
    chosen = read_map(map_file)
    source = from_file(file, chosen.variables()) if file is not None else from_environment(chosen.variables())
    return chosen, source


def _to_move(wanted: Wanted) -> tuple[MigrationMap, dict[str, KeyMaterial]]:
    chosen, source = _source(wanted.from_file, wanted.map_file)
    refuse_nothing(source, wanted.from_file)
    return chosen, source


def _previewed(settings: Settings) -> "AbstractAsyncContextManager[Container]":
    from journal_keys.entrypoints.resources import preview

    return preview(settings)


async def _checked_plan(
    settings: Settings,
    chosen: MigrationMap,
    source: Mapping[str, KeyMaterial],
    resolutions: Resolutions,
    *,
    anew: bool = False,
) -> "MigrationPlan":
    """Plan, and refuse what `migrate` would refuse beside conflicts; nothing is made."""
    async with _previewed(settings) as container:
        plan = await container.plan_migration()(source, chosen, resolutions)
        await container.migrate_secrets().refuse_lost_ledger(plan)
        opened = await open_migration(container.trail())
        if opened is not None and not anew:
            await container.shelf().digest(opened.pre_image)
        return plan


def check_prerequisites(file: Path | None, map_file: Path | None, *, json: bool) -> ExitCode:
    """Look, and give the exit code."""
    findings = list(_findings(file, map_file))
    if json:
        print_json(findings)
    else:
        print_table(("check", "verdict", "found"), [(f.check, "ok" if f.ok else "FAILED", f.found) for f in findings])
    return ExitCode.DONE if all(finding.ok for finding in findings) else ExitCode.UNHEALTHY


def _findings(file: Path | None, map_file: Path | None) -> Iterable[Finding]:
    try:
        chosen, source = _source(file, map_file)
    except JournalKeysError as failure:
        yield Finding(check="source", ok=False, found=str(failure))
        return
    where = str(file) if file is not None else "the environment"
    found = f"{len(source)} of the map's variables are set in {where}"
    yield Finding(check="source", ok=bool(source), found=found)
    settings = command_settings()
    try:
        plan = run_to_end(_checked_plan(settings, chosen, source, Resolutions()))
    except JournalKeysError as failure:
        yield Finding(check="store and ledger", ok=False, found=str(failure))
    else:
        yield Finding(check="store and ledger", ok=True, found="they answer, or are to be made")
        conflicts = [line for line in plan.lines if line.step is Step.CONFLICT]
        told = "; ".join(f"{line.variable}: {line.because}" for line in conflicts)
        yield Finding(check="plan", ok=not conflicts, found=told or f"{len(plan.lines)} items, no conflict")
    yield _folder(settings)
    yield _recipients(settings)


def _folder(settings: Settings) -> Finding:
    folder = settings.backup_folder.absolute()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    ok = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
    found = f"{folder} is there" if there == folder else f"{folder} is made on demand"
    return Finding(check="backup folder", ok=ok, found=found if ok else f"{there} is no folder that we may write to")


def _recipients(settings: Settings) -> Finding:
    try:
        seal = known_seal(settings, SealOptions())
    except JournalKeysError as failure:
        return Finding(check="recipients", ok=False, found=str(failure))
    if seal is None:
        return Finding(check="recipients", ok=True, found=f"{settings.backup_identity_file} is made on demand")
    return Finding(check="recipients", ok=True, found="somebody can open what is sealed")


def dry_run(wanted: Wanted, *, json: bool) -> None:
    """Show the plan.

    Raises:
        ConflictError: it has conflicts; it is shown all the same.
    """
    chosen, source = _to_move(wanted)
    settings = command_settings()
    plan = run_to_end(_checked_plan(settings, chosen, source, wanted.resolutions, anew=wanted.anew))
    _show_plan(plan.lines, json=json)
    plan.check()


def _show_plan(lines: Iterable[PlanLine], *, json: bool) -> None:
    if json:
        print_json(list(lines))
        return
    print_table(_COLUMNS, [(x.variable, x.target, x.step, x.here, x.there, x.because) for x in lines])


def backup_only(wanted: Wanted, *, json: bool) -> None:
    """Seal away what the plan would touch."""
    chosen, source = _to_move(wanted)
    settings = command_settings()

    async def run() -> tuple[str, str]:
        async with _previewed(settings) as container:
            plan = await container.plan_migration()(source, chosen, wanted.resolutions)
            return await container.keep_pre_image().write(plan, seal_of(settings, wanted.seal))

    name, sha256 = run_to_end(run())
    fields = {"outcome": "backed_up", "file": name, "sha256": sha256}
    if json:
        print_json(fields)
    else:
        print_fields(fields)


def migrate(wanted: Wanted, *, json: bool) -> None:
    """Show the plan, then do it.

    Raises:
        ConflictError: it has conflicts; it is shown all the same, and nothing is made.
    """
    from journal_keys.use_cases.migrate_secrets import Move

    chosen, source = _to_move(wanted)
    settings = command_settings()
    plan = run_to_end(_checked_plan(settings, chosen, source, wanted.resolutions, anew=wanted.anew))
    if not json or any(line.step is Step.CONFLICT for line in plan.lines):
        _show_plan(plan.lines, json=json)
    plan.check()  # before anything is made
    move = Move(
        resolutions=wanted.resolutions,
        seal=seal_of(settings, wanted.seal),
        actor=operator(),
        reason=check_reason(wanted.reason),
        anew=wanted.anew,
    )

    async def run(container: "Container") -> "Migrated | NothingToMigrate":
        with shown(json=json) as tell:
            return await container.migrate_secrets()(source, chosen, move, tell=tell)

    outcome = on_container(run, makes="rings")
    if json:
        print_json({**as_outcome(outcome), "plan": list(plan.lines)})
    else:
        print_fields(as_outcome(outcome))


def status(file: Path | None, map_file: Path | None, *, json: bool) -> None:
    """Show where everything is."""
    chosen, source = _source(file, map_file)

    async def run() -> tuple[object, ...]:
        async with _previewed(command_settings()) as container:
            return await container.migration_status()(source, chosen)

    found = run_to_end(run())
    if json:
        print_json(list(found))
        return
    rows = [as_outcome(one) for one in found]
    print_table(
        ("variable", "target", "state", "removable", "because"),
        [(r["variable"], r["target"], r["state"], "yes" if r["removable"] else "no", r["because"]) for r in rows],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """The options of `rollback`."""

    place: str
    opening: SealOptions
    from_file: Path | None
    map_file: Path | None
    forget: frozenset[str]
    overwrite: frozenset[str]
    reason: str


def rollback(wanted: Back, *, json: bool) -> None:
    """Put back."""
    from journal_keys.use_cases.roll_back_migration import Undo

    settings = command_settings()
    chosen, source = _source(wanted.from_file, wanted.map_file)
    forget = frozenset(parse_kid(kid) for kid in wanted.forget)
    overwrite = frozenset(SecretPath.parse(path) for path in wanted.overwrite)
    opening = opening_of(settings, wanted.opening)

    async def run(container: "Container") -> "RolledBack":
        plan = await container.plan_migration()(source, chosen, Resolutions())
        undo = Undo(actor=operator(), reason=wanted.reason, source=plan, forget=forget, overwrite=overwrite)
        with shown(json=json) as tell:
            return await container.roll_back_migration()(wanted.place, opening, undo, tell=tell)

    print_outcome(on_container(run), json=json)
