"""How often a flood of deliveries has store and ledger asked which secrets count."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.webhook_secrets import SecretsPage
from journal_keys.domain.webhooks import Dialect, WebhookRefusedError, read_claim
from journal_keys.ports.secret_store import FolderContent, SecretStoreUnavailableError
from journal_keys.use_cases.check_signature import COOL_DOWN, PAGE_HELD, PAGE_HELD_MEANWHILE, CheckSignature
from journal_keys.use_cases.rotate_webhook_secret import RotateWebhookSecret
from tests.support.canary.entropy import WatchedEntropy
from tests.support.hooks import SECRET, delivery, modified, signed
from tests.support.world import START

TTL = timedelta(minutes=5)
A_MOMENT = timedelta(milliseconds=1)


class CountedLedger(MemoryLedger):
    """Counts looks at what was made, which wait while they may not go on, and records of a first use."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock, timedelta(seconds=1))
        self.looks, self.may_answer, self.confirmed = 0, asyncio.Event(), list[str]()
        self.may_answer.set()

    async def known_secrets(self) -> SecretsPage:
        self.looks += 1
        await self.may_answer.wait()
        return await super().known_secrets()

    async def confirm(self, name: str) -> None:
        self.confirmed.append(name)
        await super().confirm(name)


class CountedStore(MemorySecretStore):
    """Counts reads, which may fail."""

    reads = 0
    is_away = False

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        self.reads += 1
        if self.is_away:
            raise SecretStoreUnavailableError("no answer")
        return await super().read_folder(folder)


@dataclass
class Desk:
    """An instance that hears webhooks."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(START))

    def __post_init__(self) -> None:
        self.clock.pass_time(timedelta(hours=1))
        self.store, self.ledger = CountedStore(), CountedLedger(self.clock)
        self.check = CheckSignature(
            store=self.store,
            secrets=self.ledger,
            clock=self.clock,
            ttl=TTL,
            configured=(KeyMaterial(SECRET.encode()),),
        )

    async def made(self) -> str:
        """Have a rotation make a secret, of which a delivery has come."""
        rotate = RotateWebhookSecret(store=self.store, secrets=self.ledger, entropy=WatchedEntropy(7))
        made = await rotate(actor="test", reason="test")
        secret = expose(made.secret).decode()
        await self.hear(secret)
        return secret

    async def hear(self, secret: str = SECRET) -> None:
        wall = self.clock.read().wall
        body = modified(wall)
        await self.check(read_claim(delivery(body, signed(body, wall, secret)), frozenset({Dialect.INFISICAL})))


async def test_the_ledger_is_asked_once_a_second_however_many_come() -> None:
    desk = Desk()
    for _ in range(3):
        await desk.hear()
    desk.clock.pass_time(PAGE_HELD)
    await desk.hear()
    assert desk.ledger.looks == 1
    desk.clock.pass_time(A_MOMENT)
    for _ in range(3):
        await desk.hear()
    assert desk.ledger.looks == 2


async def test_of_many_who_come_while_the_ledger_is_asked_one_asks() -> None:
    desk = Desk()
    await desk.hear()
    desk.clock.pass_time(PAGE_HELD_MEANWHILE)
    desk.ledger.may_answer.clear()
    first = asyncio.create_task(desk.hear())
    await asyncio.sleep(0)
    await asyncio.gather(*(desk.hear() for _ in range(3)))
    assert (first.done(), desk.ledger.looks) == (False, 2)
    desk.ledger.may_answer.set()
    await first
    desk.clock.pass_time(PAGE_HELD_MEANWHILE)
    await desk.hear()
    assert desk.ledger.looks == 3


async def test_what_was_held_before_that_is_too_old_for_those_who_come_meanwhile() -> None:
    desk = Desk()
    await desk.hear()
    desk.clock.pass_time(PAGE_HELD_MEANWHILE + A_MOMENT)
    desk.ledger.may_answer.clear()
    both = asyncio.gather(desk.hear(), desk.hear())
    await asyncio.sleep(0)
    assert desk.ledger.looks == 3
    desk.ledger.may_answer.set()
    await both


async def test_a_secret_that_a_rotation_made_is_looked_up_no_more_often_and_its_use_is_recorded_once() -> None:
    desk = Desk()
    secret = await desk.made()
    await desk.hear(secret)
    looks = desk.ledger.looks
    for _ in range(3):
        await desk.hear(secret)
    assert (desk.ledger.looks, len(desk.ledger.confirmed)) == (looks, 1)


async def test_the_setting_s_secret_is_never_recorded_as_used() -> None:
    desk = Desk()
    rotate = RotateWebhookSecret(store=desk.store, secrets=desk.ledger, entropy=WatchedEntropy(7))
    await rotate(actor="test", reason="test")
    await desk.hear()
    assert desk.ledger.confirmed == []


async def test_the_store_is_read_once_within_the_time_to_live_and_sooner_only_for_what_does_not_fit() -> None:
    desk = Desk()
    secret = await desk.made()
    reads = desk.store.reads
    desk.clock.pass_time(TTL)
    await desk.hear(secret)
    assert desk.store.reads == reads
    desk.clock.pass_time(A_MOMENT)
    await desk.hear(secret)
    assert desk.store.reads == reads + 1
    desk.clock.pass_time(COOL_DOWN)
    for _ in range(2):
        with pytest.raises(WebhookRefusedError, match=r"^the signature does not fit"):
            await desk.hear("another")
    assert desk.store.reads == reads + 1
    desk.clock.pass_time(A_MOMENT)
    for _ in range(2):
        with pytest.raises(WebhookRefusedError):
            await desk.hear("another")
    assert desk.store.reads == reads + 2


async def test_a_store_that_fails_is_asked_again_behind_the_cool_down_only() -> None:
    desk = Desk()
    desk.store.is_away = True
    for pause, reads in ((timedelta(0), 1), (COOL_DOWN, 1), (A_MOMENT, 2)):
        desk.clock.pass_time(pause)
        with pytest.raises(SecretStoreUnavailableError, match="no answer"):
            await desk.hear("another")
        assert desk.store.reads == reads
