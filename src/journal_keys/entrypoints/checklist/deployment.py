"""The deployment checklist of the integration guide."""

from collections.abc import Sequence
from typing import Final

from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Kid
from journal_keys.entrypoints.checklist.answers import (
    Answer,
    Checklist,
    Line,
    by_hand,
    failed,
    left_to_people,
    not_needed,
    ok,
)
from journal_keys.entrypoints.checklist.facts import Facts, Kept

_IN_VAULT: Final = "Infisical is not enabled: secrets are in the embedded vault"
_WEBHOOK: Final = "POST /api/v1/infisical/webhook"
_NO_SECRET: Final = "no webhook secret is kept: every delivery is refused"  # noqa: S105 (words)


async def cli_installed(facts: Facts) -> Answer:
    """The CLI, and its version."""
    return await _examined(facts, "binary")


async def identity_configured(facts: Facts) -> Answer:
    """The identity logs in, reads and writes."""
    return await _examined(facts, "login", "login for rotation", "token", "read", "rings", "write")


async def server_reached(facts: Facts) -> Answer:
    """The server answers as Infisical does."""
    return await _examined(facts, "server", "clock")


async def _examined(facts: Facts, *names: str) -> Answer:
    """The first finding that is to be mended, else all of them."""
    if not facts.settings.journal_infisical_enabled:
        return not_needed(_IN_VAULT)
    findings = await facts.infisical()
    chosen = [findings[name] for name in names if name in findings]
    for finding in chosen:
        if not finding.ok:
            return failed(finding.found, finding.cure or "mend what is named in the lines beside it")
    return ok("; ".join(finding.found for finding in chosen))


async def redis_available(facts: Facts) -> Answer:
    """Redis answers a PING."""
    if facts.settings.redis_url() is None:
        return not_needed("JOURNAL_REDIS_URL is not set: secrets are cached in the memory of each process")
    why = await facts.redis()
    if why:
        return failed(f"Redis gives no answer: {why}", "look at JOURNAL_REDIS_URL, and at the server that it names")
    return ok("Redis answers")


async def webhook_accessible(facts: Facts) -> Answer:
    """A secret is there; whether the server comes through is seen on its side."""
    if (await facts.webhook()).has_secret:
        return by_hand(f"a secret is kept; send a test from Infisical's console to {_WEBHOOK} of this service")
    if not facts.settings.journal_infisical_enabled:
        return not_needed(f"{_NO_SECRET}, and no Infisical sends any")
    return failed(_NO_SECRET, "run 'journal-keys webhook-secret rotate', and give what it prints to the hook")


async def backup_tested(facts: Facts) -> Answer:
    """The newest backup opens, all its keys are used, and it knows every key of the rings."""
    kept = await facts.backup()
    cure = "run 'journal-keys backup create'; after each rotation, too"
    if kept is None:
        return failed(f"there is no backup in {facts.settings.backup_folder}", cure)
    rings = [one.ring for one in (await facts.status()).rings.values() if one is not None]
    unknown = _unknown_to(kept, rings)
    if unknown:
        return failed(f"{kept.shelved.name} is older than {', '.join(unknown)}", cure)
    if kept.report is None:
        return by_hand(
            f"{kept.shelved.name} is young enough, and what opens it is not here: run 'journal-keys backup verify'"
            " where its identity or passphrase is"
        )
    made = kept.report.made_at.isoformat(timespec="seconds")
    return ok(f"{kept.shelved.name} of {made} opens, each key in it was used, and it knows every key in use")


def _unknown_to(kept: Kept, rings: Sequence[KeyRing]) -> list[Kid]:
    accepted = [version for ring in rings for version in ring.accepted]
    if kept.report is None:
        return [version.kid for version in accepted if version.published_at > kept.shelved.written_at]
    known = {kid for ring in kept.report.rings.values() for kid in (*ring.opened, *ring.without_material)}
    return [version.kid for version in accepted if version.kid not in known]


LINES: Final = tuple(
    Line(checklist=Checklist.DEPLOYMENT, text=text, check=check)
    for text, check in (
        ("Infisical CLI 0.42.1 installed", cli_installed),
        ("machine identity token configured", identity_configured),
        ("network connectivity to the Infisical server", server_reached),
        ("Redis cache available", redis_available),
        ("webhook endpoint accessible", webhook_accessible),
        (
            "monitoring and alerting configured",
            left_to_people("that Prometheus asks for /metrics and has rules like those under deploy/: docs/metrics.md"),
        ),
        ("backup procedures tested", backup_tested),
        (
            "rollback procedures documented",
            left_to_people(
                "that your runbook names 'journal-keys migration rollback' and 'journal-keys restore', and who runs"
                " them: docs/how-to/restore-drill.md"
            ),
        ),
    )
)
