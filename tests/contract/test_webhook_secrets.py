"""One test per sentence of `ports.webhook_secrets`, for every adapter."""

from datetime import timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.domain import audit_chain
from journal_keys.domain.webhook_secrets import OVERLAP, WebhookSecret, secret_made, secret_used
from journal_keys.ports.webhook_secrets import WebhookSecrets
from tests.support.ledger_contract import START, Ports

HOUR = timedelta(hours=1)


@pytest.fixture
def secrets(ports: Ports) -> WebhookSecrets:
    return ports.secrets


async def test_a_new_ledger_knows_none(secrets: WebhookSecrets) -> None:
    page = await secrets.known_secrets()
    assert (page.made, page.now) == ((), START)


async def test_secrets_are_given_oldest_first_with_the_moments_at_which_they_were_made(
    secrets: WebhookSecrets, clock: ManualClock
) -> None:
    for name, at in (("whs_b", START), ("whs_a", START + HOUR)):
        introduced = await secrets.introduce(name, actor="ops", reason="it was time")
        assert (introduced.now, introduced.made[-1]) == (at, WebhookSecret(name=name, made_at=at))
        clock.pass_time(HOUR)
    assert introduced.made == (WebhookSecret(name="whs_b", made_at=START), introduced.made[-1])
    page = await secrets.known_secrets()
    assert page.made == (WebhookSecret(name="whs_b", made_at=START), WebhookSecret(name="whs_a", made_at=START + HOUR))
    assert page.now == START + 2 * HOUR


async def test_the_first_use_is_kept_and_a_later_one_changes_nothing(
    secrets: WebhookSecrets, clock: ManualClock
) -> None:
    await secrets.introduce("whs_a", actor="ops", reason="it was time")
    for _ in range(2):
        clock.pass_time(HOUR)
        await secrets.confirm("whs_a")
    assert (await secrets.known_secrets()).made == (WebhookSecret(name="whs_a", made_at=START, used_at=START + HOUR),)


async def test_what_is_not_known_stays_so(ports: Ports) -> None:
    await ports.secrets.confirm("whs_a")
    assert (await ports.secrets.known_secrets()).made == ()
    assert list(await ports.trail.entries()) == []


async def test_both_steps_are_audited_once_with_their_moments(ports: Ports, clock: ManualClock) -> None:
    await ports.secrets.introduce("whs_a", actor="ops", reason="it was time")
    clock.pass_time(HOUR)
    for _ in range(2):
        await ports.secrets.confirm("whs_a")
    entries = await ports.trail.entries()
    audit_chain.verify(entries)
    assert [entry.fact for entry in entries] == [
        secret_made([WebhookSecret(name="whs_a", made_at=START)], actor="ops", reason="it was time"),
        secret_used("whs_a", START + HOUR),
    ]


async def test_the_fact_says_until_when_former_secrets_count(ports: Ports, clock: ManualClock) -> None:
    for name in ("whs_b", "whs_a"):
        await ports.secrets.introduce(name, actor="ops", reason="it was time")
        clock.pass_time(HOUR)
    told = [entry.fact.detail["former_until"] for entry in await ports.trail.entries()]
    assert told == [(START + OVERLAP).isoformat()] * 2
