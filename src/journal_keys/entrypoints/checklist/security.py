"""The security audit checklist of the integration guide, and the audit chain."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from journal_keys.domain.backup_seal import ForRecipients, Seal
from journal_keys.domain.errors import AuditChainBrokenError
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
from journal_keys.entrypoints.checklist.ways import plain_ways
from journal_keys.entrypoints.settings import Settings


async def no_secrets_in_environment(facts: Facts) -> Answer:
    """Neither keys of an application that the rings take in, nor secrets that a file could hold."""
    keys, fileable = sorted(facts.variables), sorted(_with_a_file(facts.settings))
    cures = []
    if keys:
        cures.append(
            f"unset {', '.join(keys)}: 'journal-keys migration migrate' moves keys in, 'journal-keys migration status'"
            " says when a variable may go"
        )
    if fileable:
        cures.append(f"name files of mode 0600 instead, by {', '.join(f'{name}_FILE' for name in fileable)}")
    if cures:
        return failed(f"set in this environment: {', '.join([*keys, *fileable])}", "; ".join(cures))
    others = sorted(_without_a_file(facts.settings))
    if others:
        return by_hand(f"{', '.join(others)} hold secrets and have no form as a file: that only this process sees them")
    return ok("no variable that holds a secret is set")


def _with_a_file(settings: Settings) -> Iterator[str]:
    known = type(settings).model_fields
    for name in settings.model_fields_set:
        if isinstance(getattr(settings, name), SecretStr) and f"{name}_file" in known:
            yield name.upper()


def _without_a_file(settings: Settings) -> Iterator[str]:
    known = type(settings).model_fields
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        if isinstance(value, SecretStr) and f"{name}_file" not in known and not _is_bare_url(value.get_secret_value()):
            yield name.upper()


def _is_bare_url(text: str) -> bool:
    """Whether it is a URL, and has no password."""
    parts = urlsplit(text)
    return bool(parts.scheme) and parts.password is None and "password" not in parts.query


async def webhooks_verified(facts: Facts) -> Answer:
    """A forged delivery is refused; no setting lets one in."""
    webhook = await facts.webhook()
    if not webhook.refuses_forged:
        return failed("a forged delivery was taken", "stop the service, and tell the maintainers")
    kept = "" if webhook.has_secret else "; no secret is kept, so that every delivery is"
    return ok(f"a forged delivery is refused, and no setting switches that off{kept}")


async def cache_encrypted(facts: Facts) -> Answer:
    """What lies in Redis is sealed, always."""
    settings = facts.settings
    if settings.redis_url() is None:
        return not_needed("secrets are cached in memory only: JOURNAL_REDIS_URL is not set")
    source = "derived from the aes ring" if settings.redis_cache_key() is None else "JOURNAL_REDIS_CACHE_KEY"
    return ok(f"values in Redis are sealed with AES-256-GCM, which no setting switches off; the key: {source}")


async def traffic_encrypted(facts: Facts) -> Answer:
    """What leaves this host does so over TLS."""
    plain = dict(plain_ways(facts.settings))
    if plain:
        return failed(f"in the clear: {', '.join(plain)}", "; ".join(plain.values()))
    return ok(
        "Infisical, Redis and ledger are asked over TLS or on this host; the service is on loopback only, and TLS"
        " towards its callers is its proxy's matter"
    )


async def backups_encrypted(facts: Facts) -> Answer:
    """Whom backups are sealed for is well formed, and the newest one is sealed."""
    seal, kept = await facts.seal(), await facts.backup()
    if kept is None:
        return by_hand(f"no backup is there to look at; {_told(seal)}")
    if kept.shelved.sealed_for == "unreadable":
        return failed(f"{kept.shelved.name} is no age file", "remove it, and run 'journal-keys backup create'")
    whom = "a passphrase" if kept.shelved.sealed_for == "passphrase" else f"{kept.shelved.recipients} recipients"
    opened = "it was opened here" if kept.report is not None else "what opens it is not here"
    return ok(f"{kept.shelved.name} is an age file for {whom}; {opened}")


def _told(seal: Seal | None) -> str:
    if isinstance(seal, ForRecipients):
        return f"the next one is sealed for {len(seal.recipients)} recipients"
    return "the next one is sealed for an identity that is made for it"


async def chain_verifies(facts: Facts) -> Answer:
    """Every link of the audit chain, from the first."""
    try:
        head = await facts.head()
    except AuditChainBrokenError as failure:
        return failed(str(failure), "find out who could change the ledger; restore a backup of before")
    return ok(f"{head.sequence} entries, each linked to the one before")


LINES: Final = tuple(
    Line(checklist=Checklist.SECURITY, text=text, check=check)
    for text, check in (
        ("no secrets in environment variables", no_secrets_in_environment),
        ("webhook signatures verified", webhooks_verified),
        ("cache encryption enabled", cache_encrypted),
        ("network traffic encrypted", traffic_encrypted),
        (
            "access logs monitored",
            left_to_people("that somebody reads Infisical's access log, and 'journal-keys audit list'"),
        ),
        (
            "token rotation scheduled",
            left_to_people(
                "that dates are set for the machine identity's secret, the tokens of 'journal-keys admin-token list',"
                " and 'journal-keys webhook-secret rotate'"
            ),
        ),
        ("backup encryption verified", backups_encrypted),
        (
            "incident response tested",
            left_to_people("that 'journal-keys compromise' was tried on a copy: docs/how-to/compromised-key.md"),
        ),
        ("audit chain verifies", chain_verifies),
    )
)
