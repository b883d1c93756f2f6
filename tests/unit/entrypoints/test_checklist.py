"""Each line of the guide's checklists is answered by what is found, or by hand, whatever else fails."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from journal_keys.domain.audit_chain import AuditHead
from journal_keys.domain.backup_seal import ForRecipients
from journal_keys.domain.errors import AuditChainBrokenError
from journal_keys.domain.keys import Family
from journal_keys.entrypoints.checklist.answers import Answer, Checklist, Status
from journal_keys.entrypoints.checklist.facts import Examined, Facts, Kept, Once, Webhook
from journal_keys.entrypoints.checklist.lines import LINES, answered
from journal_keys.entrypoints.settings import ClosedSettings, Settings
from journal_keys.ports.backup_shelf import BackupDamagedError, Shelved
from journal_keys.ports.ledger import LedgerUnavailableError
from journal_keys.ports.secret_store import SecretStoreUnavailableError
from journal_keys.use_cases.check_backup import BackupReport, RingReport
from tests.support.world import START, World

T = TypeVar("T")
CANARY = "canary-of-the-checklist"

OF_THE_GUIDE: Mapping[str, tuple[Checklist, str]] = {
    "Infisical CLI v0.42.1 installed": (Checklist.DEPLOYMENT, "Infisical CLI 0.42.1 installed"),
    "Machine identity token configured": (Checklist.DEPLOYMENT, "machine identity token configured"),
    "Network connectivity to Infisical server": (Checklist.DEPLOYMENT, "network connectivity to the Infisical server"),
    "Redis cache available": (Checklist.DEPLOYMENT, "Redis cache available"),
    "Webhook endpoint accessible": (Checklist.DEPLOYMENT, "webhook endpoint accessible"),
    "Monitoring and alerting configured": (Checklist.DEPLOYMENT, "monitoring and alerting configured"),
    "Backup procedures tested": (Checklist.DEPLOYMENT, "backup procedures tested"),
    "Rollback procedures documented": (Checklist.DEPLOYMENT, "rollback procedures documented"),
    "Unit tests pass": (Checklist.TESTING, "unit tests pass"),
    "Integration tests pass (with real Infisical)": (
        Checklist.TESTING,
        "integration tests pass (with real Infisical)",
    ),
    "Health check returns healthy": (Checklist.TESTING, "health check returns healthy"),
    "Key rotation works": (Checklist.TESTING, "key rotation works"),
    "Webhook handling works": (Checklist.TESTING, "webhook handling works"),
    "Cache invalidation works": (Checklist.TESTING, "cache invalidation works"),
    "Error handling works": (Checklist.TESTING, "error handling works"),
    "Metrics are collected": (Checklist.TESTING, "metrics are collected"),
    "No secrets in environment variables": (Checklist.SECURITY, "no secrets in environment variables"),
    "Webhook signatures verified": (Checklist.SECURITY, "webhook signatures verified"),
    "Cache encryption enabled": (Checklist.SECURITY, "cache encryption enabled"),
    "Network traffic encrypted": (Checklist.SECURITY, "network traffic encrypted"),
    "Access logs monitored": (Checklist.SECURITY, "access logs monitored"),
    "Token rotation scheduled": (Checklist.SECURITY, "token rotation scheduled"),
    "Backup encryption verified": (Checklist.SECURITY, "backup encryption verified"),
    "Incident response tested": (Checklist.SECURITY, "incident response tested"),
}
OURS = (Checklist.SECURITY, "audit chain verifies")


def test_every_line_of_the_guide_has_one_of_ours_in_its_order() -> None:
    assert [(line.checklist, line.text) for line in LINES] == [*OF_THE_GUIDE.values(), OURS]


def giving(value: T) -> Callable[[], Awaitable[T]]:
    async def ask() -> T:
        return value

    return ask


def raising(failure: Exception) -> Callable[[], Awaitable[object]]:
    async def ask() -> object:
        raise failure

    return ask


def settings(**changes: object) -> Settings:
    chosen: dict[str, object] = {
        "journal_infisical_enabled": True,
        "journal_redis_url": "rediss://cache.example/0",
        "journal_db_url_async": "postgresql+asyncpg://db.example/journal?ssl=verify-full",
        "journal_infisical_webhook_secret_file": "/run/secrets/hook",
    }
    return ClosedSettings.model_validate({**chosen, **changes})


EXAMINED = {
    name: Examined(ok=True, found=f"{name} is well")
    for name in ("binary", "server", "clock", "login", "token", "read", "rings", "write")
}
HOOK = Webhook(has_secret=True, refuses_forged=True, used_at=START)


async def kept_of(world: World) -> Kept:
    rings = {}
    for family in Family:
        ring = await world.ring(family)
        rings[family] = RingReport(
            generation=ring.generation,
            active_kid=ring.active.kid,
            opened=tuple(version.kid for version in ring.accepted),
            without_material=(),
        )
    report = BackupReport(made_at=START, environment="dev", rings=rings, secrets=(), audit_entries=9)
    shelved = Shelved(
        name="backup-1.age",
        size_bytes=9,
        written_at=START + timedelta(days=1),
        sealed_for="recipients",
        recipients=2,
    )
    return Kept(shelved=shelved, report=report)


async def well() -> Facts:
    """An installation with everything, and all of it well."""
    world = await World().initialised()
    for family in Family:
        await world.rotated(family, f"first-{family}")
    return Facts(
        settings=settings(),
        variables=frozenset(),
        infisical=giving(EXAMINED),
        redis=giving(""),
        health=world.health,
        status=world.describe,
        head=giving(AuditHead(sequence=9, hash="0" * 64)),
        rotations=giving(dict.fromkeys(Family, START)),
        webhook=giving(HOOK),
        backup=giving(await kept_of(world)),
        seal=giving(ForRecipients(("age1",))),
    )


async def told(facts: Facts) -> dict[str, Answer]:
    return {line.text: answer async for line, answer in answered(facts)}


BY_HAND = {
    "webhook endpoint accessible",
    "monitoring and alerting configured",
    "rollback procedures documented",
    "unit tests pass",
    "integration tests pass (with real Infisical)",
    "cache invalidation works",
    "error handling works",
    "metrics are collected",
    "access logs monitored",
    "token rotation scheduled",
    "incident response tested",
}


async def test_where_all_is_well_each_line_is_ok_or_left_to_people() -> None:
    found = await told(await well())
    assert {text for text, answer in found.items() if answer.status is Status.BY_HAND} == BY_HAND
    assert {answer.status for text, answer in found.items() if text not in BY_HAND} == {Status.OK}
    assert not [answer.cure for answer in found.values() if answer.cure]
    assert all(answer.found for answer in found.values())


Change = Callable[[Facts], Facts]


def set_to(**changes: object) -> Change:
    return lambda facts: replace(facts, settings=settings(**changes))


def asked(**changes: Callable[[], Awaitable[object]]) -> Change:
    return lambda facts: replace(facts, **changes)  # type: ignore[arg-type]


def examined(name: str, cure: str = "the cure") -> Change:
    return asked(infisical=giving({**EXAMINED, name: Examined(ok=False, found=f"{name} is bad", cure=cure)}))


def backed_up(**changes: object) -> Change:
    async def changed(facts: Facts) -> Kept:
        kept = await facts.backup()
        assert kept is not None
        return replace(kept, **changes)  # type: ignore[arg-type]

    return lambda facts: replace(facts, backup=lambda: changed(facts))


def shelved(**changes: object) -> Change:
    async def changed(facts: Facts) -> Kept:
        kept = await facts.backup()
        assert kept is not None
        return Kept(shelved=replace(kept.shelved, **changes), report=None)  # type: ignore[arg-type]

    return lambda facts: replace(facts, backup=lambda: changed(facts))


async def _lacking(facts: Facts) -> Kept:
    kept = await facts.backup()
    assert kept is not None
    assert kept.report is not None
    poor = {family: replace(ring, opened=ring.opened[1:]) for family, ring in kept.report.rings.items()}
    return replace(kept, report=replace(kept.report, rings=poor))


def lacking(facts: Facts) -> Facts:
    """The backup knows all keys but one of each ring."""
    return replace(facts, backup=lambda: _lacking(facts))


def without_infisical(facts: Facts) -> Facts:
    return replace(
        facts,
        settings=ClosedSettings(),
        infisical=raising(AssertionError("it is not asked")),  # type: ignore[arg-type]
        redis=raising(AssertionError("it is not asked")),  # type: ignore[arg-type]
        webhook=giving(Webhook(has_secret=False, refuses_forged=True, used_at=None)),
    )


async def unmade() -> object:
    return await World().describe()


async def unhealthy() -> object:
    return await World().health()


CASES: Mapping[str, tuple[str, Change, Status, str]] = {
    "no CLI": ("Infisical CLI 0.42.1 installed", examined("binary"), Status.FAILED, "binary is bad"),
    "no login": ("machine identity token configured", examined("login"), Status.FAILED, "login is bad"),
    "no right to write": ("machine identity token configured", examined("write"), Status.FAILED, "write is bad"),
    "skipped": ("machine identity token configured", examined("login", ""), Status.FAILED, "mend what is named"),
    "no server": ("network connectivity to the Infisical server", examined("server"), Status.FAILED, "server is bad"),
    "no CLI, the server all the same": (
        "network connectivity to the Infisical server",
        examined("binary"),
        Status.OK,
        "server is well",
    ),
    "vault, CLI": ("Infisical CLI 0.42.1 installed", without_infisical, Status.NOT_NEEDED, "embedded vault"),
    "vault, token": ("machine identity token configured", without_infisical, Status.NOT_NEEDED, "embedded vault"),
    "vault, server": (
        "network connectivity to the Infisical server",
        without_infisical,
        Status.NOT_NEEDED,
        "embedded vault",
    ),
    "no Redis": ("Redis cache available", without_infisical, Status.NOT_NEEDED, "JOURNAL_REDIS_URL"),
    "Redis is silent": ("Redis cache available", asked(redis=giving("timed_out")), Status.FAILED, "timed_out"),
    "no secret of the hook": (
        "webhook endpoint accessible",
        asked(webhook=giving(replace(HOOK, has_secret=False))),
        Status.FAILED,
        "webhook-secret rotate",
    ),
    "vault, hook": ("webhook endpoint accessible", without_infisical, Status.NOT_NEEDED, "no webhook secret"),
    "no backup": ("backup procedures tested", asked(backup=giving(None)), Status.FAILED, "backup create"),
    "a backup that lacks keys": ("backup procedures tested", lacking, Status.FAILED, "is older than jwt_"),
    "a backup that others open": ("backup procedures tested", backed_up(report=None), Status.BY_HAND, "backup verify"),
    "an old backup that others open": (
        "backup procedures tested",
        shelved(written_at=START - timedelta(days=1)),
        Status.FAILED,
        "is older than",
    ),
    "a damaged backup": (
        "backup procedures tested",
        asked(backup=raising(BackupDamagedError("backup-1.age was cut off"))),
        Status.FAILED,
        "was cut off",
    ),
    "unhealthy": ("health check returns healthy", asked(health=unhealthy), Status.FAILED, "journal-keys init"),
    "rings that were not made": ("key rotation works", asked(status=unmade), Status.FAILED, "journal-keys init"),
    "rings that never rotated": ("key rotation works", asked(rotations=giving({})), Status.BY_HAND, "jwt and aes"),
    "a ring that never rotated": (
        "key rotation works",
        asked(rotations=giving({Family.JWT: START})),
        Status.BY_HAND,
        "aes never rotated",
    ),
    "no delivery yet": (
        "webhook handling works",
        asked(webhook=giving(replace(HOOK, used_at=None))),
        Status.BY_HAND,
        "a test of the console",
    ),
    "vault, no delivery": ("webhook handling works", without_infisical, Status.NOT_NEEDED, "no webhook secret"),
    "an application's key": (
        "no secrets in environment variables",
        lambda facts: replace(facts, variables=frozenset({"AUTH_ENC_KEYS"})),
        Status.FAILED,
        "unset AUTH_ENC_KEYS",
    ),
    "a token that a file could hold": (
        "no secrets in environment variables",
        set_to(infisical_token=CANARY),
        Status.FAILED,
        "INFISICAL_TOKEN_FILE",
    ),
    "a key without a file": (
        "no secrets in environment variables",
        set_to(journal_redis_cache_key=CANARY),
        Status.BY_HAND,
        "JOURNAL_REDIS_CACHE_KEY",
    ),
    "a password of Redis": (
        "no secrets in environment variables",
        set_to(journal_redis_url=f"rediss://:{CANARY}@cache.example/0"),
        Status.BY_HAND,
        "JOURNAL_REDIS_URL",
    ),
    "a password of the ledger": (
        "no secrets in environment variables",
        set_to(journal_db_url_async=f"postgresql+asyncpg://me:{CANARY}@db.example/journal"),
        Status.BY_HAND,
        "JOURNAL_DB_URL_ASYNC",
    ),
    "a password of a proxy": (
        "no secrets in environment variables",
        set_to(https_proxy=f"http://me:{CANARY}@proxy.example:3128"),
        Status.BY_HAND,
        "HTTPS_PROXY",
    ),
    "a forged delivery": (
        "webhook signatures verified",
        asked(webhook=giving(replace(HOOK, refuses_forged=False))),
        Status.FAILED,
        "was taken",
    ),
    "no hook": ("webhook signatures verified", without_infisical, Status.OK, "every delivery is"),
    "a cache in memory": ("cache encryption enabled", without_infisical, Status.NOT_NEEDED, "in memory"),
    "the cache's own key": (
        "cache encryption enabled",
        set_to(journal_redis_cache_key="A" * 43),
        Status.OK,
        "the key: JOURNAL_REDIS_CACHE_KEY",
    ),
    "Redis in the clear": (
        "network traffic encrypted",
        set_to(journal_redis_url="redis://cache.example:6379/0"),
        Status.FAILED,
        "rediss://",
    ),
    "Redis on this host": (
        "network traffic encrypted",
        set_to(journal_redis_url="redis://127.0.0.1:6379/0"),
        Status.OK,
        "on this host",
    ),
    "Redis by socket": (
        "network traffic encrypted",
        set_to(journal_redis_url="unix:///run/redis.sock?db=0"),
        Status.OK,
        "on this host",
    ),
    "PostgreSQL in the clear": (
        "network traffic encrypted",
        set_to(journal_db_url_async="postgresql+asyncpg://db.example/journal"),
        Status.FAILED,
        "?ssl=verify-full",
    ),
    "PostgreSQL that prefers TLS": (
        "network traffic encrypted",
        set_to(journal_db_url_async="postgresql+asyncpg://db.example/journal?ssl=prefer"),
        Status.FAILED,
        "?ssl=verify-full",
    ),
    "PostgreSQL by socket": (
        "network traffic encrypted",
        set_to(journal_db_url_async="postgresql+asyncpg:///journal?host=/run/postgresql"),
        Status.OK,
        "on this host",
    ),
    "SQLite": ("network traffic encrypted", without_infisical, Status.OK, "on this host"),
    "no backup to look at": (
        "backup encryption verified",
        asked(backup=giving(None)),
        Status.BY_HAND,
        "sealed for 1 recipients",
    ),
    "no backup and no identity": (
        "backup encryption verified",
        asked(backup=giving(None), seal=giving(None)),
        Status.BY_HAND,
        "made for it",
    ),
    "a backup that is no age file": (
        "backup encryption verified",
        shelved(sealed_for="unreadable"),
        Status.FAILED,
        "is no age file",
    ),
    "a passphrase": ("backup encryption verified", shelved(sealed_for="passphrase"), Status.OK, "for a passphrase"),
    "a broken chain": (
        "audit chain verifies",
        asked(head=raising(AuditChainBrokenError("entry 4 was changed"))),
        Status.FAILED,
        "entry 4 was changed",
    ),
}


@pytest.mark.parametrize(("text", "change", "status", "words"), CASES.values(), ids=CASES.keys())
async def test_a_line_is_answered_by_what_is_found(text: str, change: Change, status: Status, words: str) -> None:
    answer = (await told(change(await well())))[text]
    assert answer.status is status, answer
    assert words in f"{answer.found} {answer.cure}"
    assert bool(answer.cure) == (status is Status.FAILED)


def test_every_line_that_is_not_left_to_people_is_seen_in_more_than_one_world() -> None:
    seen = {text for text, *_ in CASES.values()}
    assert {line.text for line in LINES} - seen == BY_HAND - {"webhook endpoint accessible"}


async def test_a_secret_in_a_setting_is_in_no_answer() -> None:
    facts = await well()
    chosen = settings(
        infisical_token=CANARY,
        journal_redis_url=f"redis://:{CANARY}@cache.example/0",
        journal_db_url_async=f"postgresql+asyncpg://me:{CANARY}@db.example/journal",
    )
    assert CANARY not in repr(await told(replace(facts, settings=chosen)))


FAILURES = {
    "infisical": 3,
    "redis": 1,
    "health": 1,
    "status": 2,
    "head": 1,
    "rotations": 1,
    "webhook": 3,
    "backup": 2,
    "seal": 1,
}


@pytest.mark.parametrize(("question", "lines"), FAILURES.items(), ids=FAILURES.keys())
@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (SecretStoreUnavailableError("the store is away"), "the store is away"),
        (LedgerUnavailableError("the ledger is away"), "the ledger is away"),
        (TimeoutError("there was no answer within 3 s"), "no answer within 3 s"),
        (ValueError(CANARY), "it could not be found out: ValueError"),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_question_that_fails_fails_its_lines_only(
    question: str, lines: int, failure: Exception, words: str
) -> None:
    found = await told(asked(**{question: raising(failure)})(await well()))
    bad = [answer for answer in found.values() if answer.status is Status.FAILED]
    assert len(found) == len(LINES)
    assert len(bad) == lines
    assert all(words in answer.found and answer.cure for answer in bad)
    assert CANARY not in repr(found)


@pytest.mark.parametrize("failure", [None, LedgerUnavailableError("away"), ValueError("odd")], ids=repr)
async def test_a_question_is_put_once_and_its_answer_or_failure_is_given_again(failure: Exception | None) -> None:
    puts = []

    async def ask() -> int:
        puts.append(1)
        if failure is not None:
            raise failure
        return 7

    once = Once(ask, 5)
    for _ in range(2):
        if failure is None:
            assert await once() == 7
        else:
            with pytest.raises(type(failure), match=str(failure)):
                await once()
    assert len(puts) == 1


async def test_a_question_that_is_not_answered_in_time_is_given_up_for_good() -> None:
    puts = []

    async def ask() -> None:
        puts.append(1)
        await asyncio.Event().wait()

    once = Once(ask, 0.01)
    async with asyncio.timeout(2):
        for _ in range(2):
            with pytest.raises(TimeoutError, match=re.escape("no answer within 0.01 s")):
                await once()
    assert len(puts) == 1
