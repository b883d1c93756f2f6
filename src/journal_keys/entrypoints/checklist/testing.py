"""The testing checklist of the integration guide."""

from typing import Final

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
from journal_keys.entrypoints.checklist.facts import Facts
from journal_keys.use_cases.check_health import HealthStatus


async def health_is_healthy(facts: Facts) -> Answer:
    """As `journal-keys health` says it."""
    health = await facts.health()
    if health.overall is HealthStatus.HEALTHY:
        return ok("both rings and the secret store are healthy")
    parts = {**{f"{family} ring": part for family, part in health.rings.items()}, "secret store": health.store}
    told = "; ".join(f"{name}: {part.reason}" for name, part in parts.items() if part.reason)
    return failed(f"{health.overall}: {told}", "do what the reason says; 'journal-keys health' says when it is gone")


async def rotation_works(facts: Facts) -> Answer:
    """Rings are there, nothing is in their way, and each has rotated."""
    rings = (await facts.status()).rings
    absent = [family for family, ring in rings.items() if ring is None]
    if absent:
        return failed(f"there is no ring {', '.join(absent)}", "run 'journal-keys init'")
    troubles = [f"{family}: {ring.trouble}" for family, ring in rings.items() if ring is not None and ring.trouble]
    if troubles:
        return failed("; ".join(troubles), "'journal-keys status' says what is waited for")
    last = await facts.rotations()
    never = [family for family in rings if family not in last]
    if never:
        return by_hand(
            f"{' and '.join(never)} never rotated, and nothing is in the way: run 'journal-keys rotate both --force'"
        )
    told = ", ".join(f"{family} at {at.isoformat(timespec='seconds')}" for family, at in sorted(last.items()))
    return ok(f"nothing is in the way; last rotations: {told}")


async def webhook_works(facts: Facts) -> Answer:
    """A secret that a rotation made was used: a delivery was accepted."""
    webhook = await facts.webhook()
    if webhook.used_at is not None:
        return ok(f"the secret in use signed its first delivery at {webhook.used_at.isoformat(timespec='seconds')}")
    if not webhook.has_secret and not facts.settings.journal_infisical_enabled:
        return not_needed("no webhook secret is kept, and no Infisical sends webhooks")
    return by_hand(
        'that a test of the console is answered 200, and counts as infisical_webhook_events_total{status="ignored"}'
    )


LINES: Final = tuple(
    Line(checklist=Checklist.TESTING, text=text, check=check)
    for text, check in (
        ("unit tests pass", left_to_people("run 'make test' on the release that is deployed")),
        (
            "integration tests pass (with real Infisical)",
            left_to_people(
                "run 'make test-infisical' with INFISICAL_API_URL, INFISICAL_PROJECT_ID and an identity for tests"
            ),
        ),
        ("health check returns healthy", health_is_healthy),
        ("key rotation works", rotation_works),
        ("webhook handling works", webhook_works),
        (
            "cache invalidation works",
            left_to_people("run 'make infisical-cache-clear' beside the service: it is answered 200"),
        ),
        (
            "error handling works",
            left_to_people(
                "run 'make proof-quick' on the release that is deployed: it breaks every call of every port"
            ),
        ),
        (
            "metrics are collected",
            left_to_people(
                "that 'curl http://127.0.0.1:8000/metrics' beside the service shows what Prometheus has of it"
            ),
        ),
    )
)
