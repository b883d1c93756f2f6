"""What the commands on rings and keys do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer

from journal_keys.domain.changes import RotationRequest, check_reason
from journal_keys.domain.errors import InvalidNameError, JournalKeysError
from journal_keys.domain.keys import Family, KeyVersion, parse_kid
from journal_keys.domain.outcomes import AlreadyInitialised, Reconciled, ReconcileOutcome, RotationOutcome, Waiting
from journal_keys.entrypoints.cli.exit_codes import ExitCode, exit_code_of
from journal_keys.entrypoints.cli.options import Scope
from journal_keys.entrypoints.cli.output import as_outcome, plain, print_error, print_fields, print_json, print_table
from journal_keys.entrypoints.cli.running import on_container, operator

if TYPE_CHECKING:
    from journal_keys.container import Container
    from journal_keys.use_cases.check_health import Health


def init(*, quiet: bool, json: bool) -> None:
    """Make vault, ledger and first keys; what is there stays as it is."""

    async def run(container: "Container") -> dict[Family, object]:
        policies = container.policies().items()
        make = container.init_rings()
        return {family: await make(policy, actor=operator(), reason="first keys") for family, policy in policies}

    outcomes = on_container(run, makes="rings")
    if json:
        print_json({family: as_outcome(outcome) for family, outcome in outcomes.items()})
        return
    for family, outcome in outcomes.items():
        fields = as_outcome(outcome)
        if isinstance(outcome, AlreadyInitialised):
            if not quiet:
                typer.echo(f"{family}: already there, ACTIVE {fields['active_kid']}; nothing was changed")
        else:
            typer.echo(f"{family}: made, ACTIVE {fields['active_kid']}, staged {fields['staged_kid']}")


def _families(scope: Scope) -> tuple[Family, ...]:
    return tuple(Family) if scope is Scope.BOTH else (Family(scope.value),)


def list_keys(*, json: bool) -> None:
    """List every key version, also destroyed ones."""

    async def run(container: "Container") -> list[KeyVersion]:
        pages = [await container.ledger().read(family) for family in Family]
        return [version for page in pages if page.ring for version in page.ring.versions]

    versions = on_container(run)
    if json:
        print_json([_listed(version) for version in versions])
        return
    rows = [(v.family, v.kid, v.algorithm, v.state, v.since) for v in versions]
    print_table(("ring", "kid", "algorithm", "state", "since"), rows)


def _listed(version: KeyVersion) -> dict[str, object]:
    fields = plain(version)
    shown = dict(fields) if isinstance(fields, dict) else {}
    shown["public_jwk"] = dict(version.public_jwk.members) if version.public_jwk else None
    return shown


def explain(kid: str, *, json: bool) -> None:
    """Say why a key is in its state, what happens to it next, and when."""
    known = parse_kid(kid)

    async def run(container: "Container") -> object:
        return await container.explain_key()(known)

    _show(on_container(run), json=json)


def rotate(
    scope: Scope, *, force: bool, reason: str, rotation_id: str | None, ignored: frozenset[str], json: bool
) -> None:
    """Rotate rings: promote the staged key, stage its successor."""
    from journal_keys.entrypoints.rotations import rotate_each

    async def run(container: "Container") -> dict[Family, RotationOutcome | JournalKeysError]:
        request = RotationRequest(
            rotation_id=rotation_id or container.entropy().token(16).hex(),
            scope=scope.value,
            force=force,
            reason=reason,
            actor=operator(),
            ignored=ignored,
        )
        await _check_live(container, ignored)
        return await rotate_each(container, _families(scope), request)

    outcomes = on_container(run)
    if json:
        print_json({family: _outcome(outcome) for family, outcome in outcomes.items()})
    else:
        for family, outcome in outcomes.items():
            print_fields({"ring": family, **_outcome(outcome)})
            typer.echo()
    _end(outcomes, json=json)


async def _check_live(container: "Container", named: frozenset[str]) -> None:
    """Refuse a name that no live instance has: it was mistyped, or holds nobody back."""
    if not named:
        return
    live = [instance.name for instance in await container.fleet().instances()]
    for name in sorted(named - set(live)):
        raise InvalidNameError(f"no live instance is named {name!r}; live are: {', '.join(live) or 'none'}")


def _outcome(outcome: object) -> dict[str, object]:
    if isinstance(outcome, JournalKeysError):
        return {"outcome": "failed", "error": str(outcome)}
    return as_outcome(outcome)


def _end(outcomes: Mapping[Family, object], *, json: bool) -> None:
    for outcome in outcomes.values():
        if isinstance(outcome, JournalKeysError):
            print_error(type(outcome).__name__, str(outcome), json_wanted=json)
            raise typer.Exit(exit_code_of(type(outcome)))
    if any(isinstance(outcome, Waiting) for outcome in outcomes.values()):
        raise typer.Exit(ExitCode.WAITING)


def compromise(kid: str, *, reason: str, json: bool) -> None:
    """Take a key out of use everywhere at once, and report what that touches."""
    known = parse_kid(kid)
    check_reason(reason)

    async def run(container: "Container") -> object:
        from journal_keys.entrypoints.rotations import compromise as take_out

        return await take_out(container, known, actor=operator(), reason=reason)

    _show(on_container(run), json=json)


def reconcile(*, accept_clock: bool, reason: str, json: bool) -> None:
    """Finish whatever a crash or a waiting rotation left unfinished."""
    check_reason(reason)

    async def run(container: "Container") -> dict[Family, ReconcileOutcome | JournalKeysError]:
        from journal_keys.entrypoints.rotations import try_each

        if accept_clock:
            await container.clock_keeper().accept_clock(actor=operator(), reason=reason)
        return await try_each(container.reconcile())

    outcomes = on_container(run)
    if json:
        print_json({family: _outcome(outcome) for family, outcome in outcomes.items()})
    else:
        for family, outcome in outcomes.items():
            typer.echo(f"{family}: {_reconciled(outcome)}")
    _end(outcomes, json=json)


def _reconciled(outcome: ReconcileOutcome | JournalKeysError) -> str:
    if isinstance(outcome, JournalKeysError):
        return "failed"
    repairs = outcome.repairs if isinstance(outcome, Reconciled) else ("not made yet: run 'journal-keys init'",)
    return ", ".join(repairs) or "nothing to do"


def recover(scope: Scope, *, active: str | None, json: bool) -> None:
    """Rebuild a lost ledger from the keys that the store holds."""
    chosen = parse_kid(active) if active is not None else None
    if chosen is not None and scope is Scope.BOTH:
        raise typer.BadParameter("--active names one key: give its ring, jwt or aes, too")

    async def run(container: "Container") -> dict[Family, object]:
        verb = container.recover_ledger()
        return {
            family: await verb(family, actor=operator(), reason="ledger lost", active=chosen)
            for family in _families(scope)
        }

    outcomes = on_container(run, makes="ledger")
    if json:
        print_json({family: as_outcome(outcome) for family, outcome in outcomes.items()})
        return
    for outcome in outcomes.values():
        print_fields(as_outcome(outcome))
        typer.echo()


def _show(outcome: object, *, json: bool) -> None:
    if json:
        print_json(as_outcome(outcome))
    else:
        print_fields(as_outcome(outcome))


def health(*, json: bool) -> None:
    """Say whether keys can be used and changed; exit code 10 where a ring cannot be used."""

    async def run(container: "Container") -> "Health":
        return await container.check_health()()

    found = on_container(run)
    if json:
        print_json({"overall": found.overall, **found.parts})
    else:
        texts = {name: f"{part.status} {part.reason}".strip() for name, part in found.parts.items()}
        print_fields({"overall": found.overall, **texts})
    if found.overall == "unhealthy":
        raise typer.Exit(ExitCode.UNHEALTHY)
