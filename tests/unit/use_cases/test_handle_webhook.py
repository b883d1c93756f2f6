"""What follows from a webhook: a folder forgotten and a look at the rings, once; and nothing else, ever."""

import base64
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.hint_bus import MemoryHintBus
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.meter import MemoryMeter
from journal_keys.adapters.memory.rate_limiter import MemoryRateLimiter
from journal_keys.adapters.memory.secret_cache import MemorySecretCache
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.adapters.memory.tracer import MemoryTracer
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import MARKER_NAME, MARKER_VALUE, WEBHOOK_SECRET, SecretPath
from journal_keys.domain.rates import Rate, Rates, TooManyRequestsError
from journal_keys.domain.webhooks import (
    AlreadySeen,
    Delivery,
    Dialect,
    Ignored,
    Notice,
    Place,
    Taken,
    WebhookOutcome,
    WebhookRefusedError,
    WebhookUnusableError,
)
from journal_keys.ports.ledger import LedgerUnavailableError
from journal_keys.ports.rate_limiter import LimiterUnavailableError, RateLimiter
from journal_keys.ports.secret_store import FolderContent, SecretHiddenError, SecretStoreUnavailableError
from journal_keys.ports.tracer import Work
from journal_keys.ports.webhook_inbox import WebhookInbox
from journal_keys.use_cases.check_signature import COOL_DOWN, CheckSignature
from journal_keys.use_cases.handle_webhook import HandleWebhook, WebhookRules
from journal_keys.use_cases.invalidate_cache import InvalidateCache
from journal_keys.use_cases.limit_calls import LimitCalls
from journal_keys.use_cases.recent_deliveries import RecentDeliveries
from tests.support.hooks import PROJECT, SECRET, SIGNATURE, delivery, modified, ms_of, signed
from tests.support.world import START

DB, KEYS_MAP = SecretPath.parse("/database/db_url_async"), SecretPath.parse("/auth/aes/keys_map")
STORED = "the secret in the store"
TTL = timedelta(minutes=5)
RATES = Rates(admin=Rate.parse("1/hour"), webhook=Rate.parse("200/minute"), key_set=Rate.parse("1/hour"))


class CountedStore(MemorySecretStore):
    """Counts how often it is read, and can be out of reach."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.is_down = False
        self.is_hidden = False

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        self.reads += 1
        if self.is_down:
            raise SecretStoreUnavailableError("no answer")
        return FolderContent(folder, {}) if self.is_hidden else await super().read_folder(folder)


class NoLimiter(RateLimiter):
    async def admit(self, rate: Rate, who: str) -> bool:
        raise LimiterUnavailableError(f"no answer about {rate} of {who}")


class NotingLimiter(RateLimiter):
    """Lets everybody in, and notes who asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Rate, str]] = []

    async def admit(self, rate: Rate, who: str) -> bool:
        self.asked.append((rate, who))
        return True


class NoInbox(WebhookInbox):
    """A ledger that does not answer."""

    async def take(self, digest: str) -> bool:
        raise LedgerUnavailableError(f"no answer about {digest[:4]}")


@dataclass(kw_only=True)
class Desk:
    """The receiver with what stands behind it, and one secret in its cache."""

    configured: tuple[str, ...] = (SECRET,)
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    store: CountedStore = field(default_factory=CountedStore)
    hints: MemoryHintBus = field(default_factory=MemoryHintBus)
    meter: MemoryMeter = field(default_factory=MemoryMeter)
    tracer: MemoryTracer = field(default_factory=MemoryTracer)
    limiter: RateLimiter | None = None

    def __post_init__(self) -> None:
        self.cache = MemorySecretCache(self.clock, timedelta(hours=1), timedelta(0))
        self.ledger = MemoryLedger(self.clock, timedelta(seconds=1))
        check = CheckSignature(
            store=self.store,
            secrets=self.ledger,
            clock=self.clock,
            ttl=TTL,
            configured=tuple(KeyMaterial(secret.encode()) for secret in self.configured),
        )
        self.handle = HandleWebhook(
            check=check,
            inbox=self.ledger,
            recent=RecentDeliveries(),
            invalidate=InvalidateCache(cache=self.cache, hints=self.hints),
            limit=LimitCalls(limiter=self.limiter or MemoryRateLimiter(self.clock), rates=RATES),
            clock=self.clock,
            meter=self.meter,
            tracer=self.tracer,
            rules=WebhookRules(
                dialects=frozenset({Dialect.INFISICAL}),
                tolerance=timedelta(seconds=300),
                place=Place(project=PROJECT, environment="dev"),
            ),
        )

    async def fill(self, *paths: SecretPath) -> None:
        """Have these in the cache."""

        async def load(path: SecretPath) -> KeyMaterial:
            return KeyMaterial(str(path).encode())

        for path in paths:
            await self.cache.get(path, load)

    async def set_stored(self, secret: str | None) -> None:
        """Have this secret in the store."""
        if secret is None:
            await self.store.delete(WEBHOOK_SECRET)
        else:
            await self.store.overwrite({WEBHOOK_SECRET: KeyMaterial(secret.encode())})

    async def send(
        self, folder: str = "/auth/jwt", *, secret: str = SECRET, event: str = "secrets.modified", more: int = 0
    ) -> WebhookOutcome:
        """Send what tells that this folder changed; `more` tells deliveries of one moment apart."""
        body = modified(self.clock.read().wall, folder, event=event, more=more)
        return await self.handle(delivery(body, signed(body, self.clock.read().wall, secret)))


async def test_what_lies_in_the_folder_is_forgotten_and_the_rings_are_looked_at() -> None:
    desk = Desk()
    await desk.fill(DB, KEYS_MAP)
    assert await desk.send("/database") == Taken(
        event="secrets.modified", folder=SecretPath.parse("/database"), families=()
    )
    assert (desk.cache.peek(str(DB)), desk.cache.peek(str(KEYS_MAP))) == (None, str(KEYS_MAP))
    assert await desk.hints.wait(0)


async def test_the_rings_with_keys_there_are_named() -> None:
    outcome = await Desk().send("/auth/aes/versions")
    assert isinstance(outcome, Taken)
    assert outcome.families == (Family.AES,)


async def test_a_folder_whose_name_only_begins_alike_is_another() -> None:
    desk = Desk()
    await desk.fill(KEYS_MAP)
    await desk.send("/auth/aesx")
    assert desk.cache.peek(str(KEYS_MAP)) == str(KEYS_MAP)


async def test_a_repeated_delivery_has_no_second_effect() -> None:
    desk = Desk()
    await desk.send("/database")
    await desk.hints.wait(0)
    await desk.fill(DB)
    assert await desk.send("/database") == AlreadySeen(event="secrets.modified")
    assert desk.cache.peek(str(DB)) == str(DB)
    assert not await desk.hints.wait(0)
    assert isinstance(await desk.send("/database", more=1), Taken)


@pytest.mark.parametrize(
    ("event", "because"),
    [
        ("test", "a test changes nothing"),
        ("secrets.rotation-failed", "the event does not say that a secret changed"),
        ("whatever comes", "the event does not say that a secret changed"),
    ],
)
async def test_an_event_that_changes_no_secret_has_no_effect(event: str, because: str) -> None:
    desk = Desk()
    await desk.fill(DB)
    assert await desk.send("/database", event=event) == Ignored(event=event, because=because)
    assert desk.cache.peek(str(DB)) == str(DB)
    assert not await desk.hints.wait(0)


async def test_what_became_of_a_delivery_stands_in_its_trace() -> None:
    desk = Desk()
    await desk.send("/database")
    await desk.send("/database")
    await desk.send(event="test")
    with pytest.raises(WebhookRefusedError):
        await desk.send(secret="another secret")
    assert [(one.work, one.facts, one.failed) for one in desk.tracer.ended] == [
        (Work.WEBHOOK, {"change": "secrets.modified", "outcome": "taken"}, ""),
        (Work.WEBHOOK, {"change": "secrets.modified", "outcome": "already_seen"}, ""),
        (Work.WEBHOOK, {"change": "test", "outcome": "ignored"}, ""),
        (Work.WEBHOOK, {}, "WebhookRefusedError"),
    ]


async def test_genuine_deliveries_and_others_are_counted_under_their_own_names() -> None:
    limiter = NotingLimiter()
    desk = Desk(limiter=limiter)
    await desk.send()
    with pytest.raises(WebhookRefusedError):
        await desk.send(secret="another secret")
    genuine, other = "webhook that is genuine, fresh and new", "webhook that is not genuine, or not fresh"
    assert limiter.asked == [(RATES.webhook, genuine), (RATES.webhook, other)]


async def test_a_delivery_that_is_not_genuine_has_no_effect() -> None:
    desk = Desk()
    await desk.fill(DB)
    with pytest.raises(WebhookRefusedError, match="does not fit"):
        await desk.send("/database", secret="another secret")
    assert desk.cache.peek(str(DB)) == str(DB)
    assert not await desk.hints.wait(0)


async def test_two_secrets_count_at_once_the_setting_s_and_the_stored_one() -> None:
    desk = Desk()
    await desk.set_stored(STORED)
    for more, secret in enumerate((SECRET, STORED)):
        assert isinstance(await desk.send(secret=secret, more=more), Taken)


@pytest.mark.parametrize("secret", [SECRET, "another one"])
async def test_of_several_secrets_in_the_setting_each_counts(secret: str) -> None:
    desk = Desk(configured=(SECRET, "another one"))
    desk.store.is_down = True
    assert isinstance(await desk.send(secret=secret), Taken)


async def test_the_stored_secret_alone_is_enough() -> None:
    desk = Desk(configured=())
    await desk.set_stored(STORED)
    assert isinstance(await desk.send(secret=STORED), Taken)


@pytest.mark.parametrize("secret", [SECRET, "", "undefined"])
async def test_without_any_secret_every_delivery_is_refused_and_the_cure_is_named(secret: str) -> None:
    with pytest.raises(WebhookRefusedError, match="set JOURNAL_INFISICAL_WEBHOOK_SECRET"):
        await Desk(configured=()).send(secret=secret)


async def test_the_store_is_not_asked_where_the_setting_s_secret_fits() -> None:
    desk = Desk()
    desk.store.is_down = True
    assert isinstance(await desk.send(), Taken)
    assert desk.store.reads == 0


async def test_what_fits_no_secret_makes_the_store_be_asked_once_in_a_while() -> None:
    desk = Desk()
    await desk.set_stored(STORED)
    for _ in range(100):
        with pytest.raises(WebhookRefusedError):
            await desk.send(secret="guessed")
    assert desk.store.reads == 1
    desk.clock.pass_time(COOL_DOWN + timedelta(seconds=1))
    for _ in range(100):
        with pytest.raises(WebhookRefusedError):
            await desk.send(secret="guessed")
    assert desk.store.reads == 2


async def test_a_secret_that_was_set_meanwhile_counts_after_the_cool_down() -> None:
    desk = Desk(configured=())
    with pytest.raises(WebhookRefusedError):
        await desk.send(secret=STORED)
    await desk.set_stored(STORED)
    desk.clock.pass_time(COOL_DOWN + timedelta(seconds=1))
    assert isinstance(await desk.send(secret=STORED), Taken)


async def test_a_secret_that_is_gone_counts_no_longer_than_its_time_to_live() -> None:
    desk = Desk()
    await desk.store.put_new(WEBHOOK_SECRET.folder.child(MARKER_NAME), KeyMaterial(MARKER_VALUE))
    await desk.set_stored(STORED)
    await desk.send(secret=STORED)
    await desk.set_stored(None)
    desk.clock.pass_time(TTL + timedelta(seconds=1))
    with pytest.raises(WebhookRefusedError):
        await desk.send(secret=STORED)


@pytest.mark.parametrize("folder", ["/auth/webhooks", "/auth"])
async def test_word_of_a_change_where_the_secret_lies_makes_it_be_read_again(folder: str) -> None:
    desk = Desk()
    await desk.set_stored(STORED)
    await desk.send(secret=STORED)
    await desk.set_stored("a newer one")
    await desk.send(folder)
    assert isinstance(await desk.send(secret="a newer one", more=2), Taken)
    with pytest.raises(WebhookRefusedError):
        await desk.send(secret=STORED, more=3)


async def test_a_store_out_of_reach_is_no_refusal_so_that_the_sender_tries_again() -> None:
    desk = Desk()
    desk.store.is_down = True
    with pytest.raises(SecretStoreUnavailableError):
        await desk.send(secret=STORED)


async def test_a_store_out_of_reach_is_not_asked_for_every_forgery() -> None:
    desk = Desk()
    desk.store.is_down = True
    for _ in range(100):
        with pytest.raises(SecretStoreUnavailableError):
            await desk.send(secret="guessed")
    assert desk.store.reads == 1
    desk.clock.pass_time(COOL_DOWN + timedelta(seconds=1))
    desk.store.is_down = False
    await desk.set_stored(STORED)
    assert isinstance(await desk.send(secret=STORED), Taken)


async def test_a_folder_that_shows_neither_secret_nor_marker_any_more_is_no_refusal_either() -> None:
    desk = Desk()
    await desk.set_stored(STORED)
    await desk.send(secret=STORED)
    desk.clock.pass_time(TTL + timedelta(seconds=1))
    desk.store.is_hidden = True
    reads = desk.store.reads
    for secret in (STORED, "guessed"):
        with pytest.raises(SecretHiddenError, match="_journal_keys"):
            await desk.send(secret=secret)
    assert desk.store.reads == reads + 1
    desk.store.is_hidden = False
    desk.clock.pass_time(COOL_DOWN + timedelta(seconds=1))
    assert isinstance(await desk.send(secret=STORED), Taken)


async def test_a_ledger_out_of_reach_leaves_the_delivery_to_be_sent_again() -> None:
    desk = Desk()
    await desk.fill(DB)
    down = replace(desk.handle, inbox=NoInbox())
    body = modified(START, "/database")
    with pytest.raises(LedgerUnavailableError):
        await down(delivery(body, signed(body, START)))
    assert desk.cache.peek(str(DB)) == str(DB)
    assert isinstance(await desk.send("/database"), Taken)


UNSIGNED: Mapping[str, str] = {}


@pytest.mark.parametrize(
    ("body", "headers", "kind"),
    [
        (b"{}", UNSIGNED, WebhookRefusedError),
        (b"{}", signed(b"{}", START), WebhookRefusedError),
        (b"text", signed(b"text", START), WebhookUnusableError),
    ],
)
async def test_everything_is_counted_by_what_became_of_it(
    body: bytes, headers: Mapping[str, str], kind: type[JournalKeysError]
) -> None:
    desk = Desk()
    with pytest.raises(kind):
        await desk.handle(delivery(body, headers))
    await desk.send()
    await desk.send()
    await desk.send(event="test")
    assert sum(desk.meter.webhooks.values()) == 4
    assert desk.meter.webhooks["secrets.modified", "taken"] == desk.meter.webhooks["test", "ignored"] == 1
    assert desk.meter.webhooks["secrets.modified", "already_seen"] == 1


@pytest.mark.parametrize(("under_way", "lag_s"), [(12.5, 12.5), (0, 0), (-3, 0)], ids=["late", "at once", "fast clock"])
async def test_how_long_a_delivery_was_under_way_is_counted_where_it_is_taken(under_way: float, lag_s: float) -> None:
    desk = Desk()
    body, now = modified(START, "/database"), START
    desk.clock.step_wall(timedelta(seconds=under_way))
    for _ in range(2):
        await desk.handle(delivery(body, signed(body, now)))
    await desk.send(event="test")
    with pytest.raises(WebhookRefusedError):
        await desk.send(secret="guessed")
    assert desk.meter.lags_s == [lag_s]


async def test_a_delivery_beyond_the_rate_has_no_effect_and_one_later_has() -> None:
    desk = Desk()
    for more in range(RATES.webhook.number):
        await desk.send(more=more)
    await desk.fill(DB)
    with pytest.raises(TooManyRequestsError, match="200/minute") as refused:
        await desk.send("/database")
    assert refused.value.retry_after == timedelta(minutes=1)
    assert desk.cache.peek(str(DB)) == str(DB)


async def test_forgeries_are_counted_apart_so_that_they_use_up_no_genuine_delivery_s_place() -> None:
    desk = Desk()
    for _ in range(RATES.webhook.number):
        with pytest.raises(WebhookRefusedError):
            await desk.send(secret="guessed")
    with pytest.raises(TooManyRequestsError):
        await desk.send(secret="guessed")
    assert isinstance(await desk.send(), Taken)


async def test_replays_of_what_was_captured_take_no_genuine_delivery_s_place() -> None:
    desk = Desk()
    body = modified(desk.clock.read().wall, "/database")
    captured = delivery(body, signed(body, desk.clock.read().wall))
    assert isinstance(await desk.handle(captured), Taken)
    for _ in range(3 * RATES.webhook.number):
        assert isinstance(await desk.handle(captured), AlreadySeen)
    desk.clock.pass_time(timedelta(days=30))
    for _ in range(RATES.webhook.number):
        with pytest.raises(WebhookRefusedError, match="replay"):
            await desk.handle(captured)
    with pytest.raises(TooManyRequestsError):
        await desk.handle(captured)
    assert isinstance(await desk.send(), Taken)


async def test_what_another_process_took_is_asked_for_once() -> None:
    desk, other = Desk(), Desk()
    other.handle = replace(other.handle, inbox=desk.ledger)
    body = modified(START)
    sent = delivery(body, signed(body, START))
    assert isinstance(await desk.handle(sent), Taken)
    assert await other.handle(sent) == AlreadySeen(event="secrets.modified")
    other.handle = replace(other.handle, inbox=NoInbox())
    assert await other.handle(sent) == AlreadySeen(event="secrets.modified")


async def test_a_replay_with_another_time_in_its_header_is_none_of_what_was_taken() -> None:
    desk = Desk()
    body, now = modified(desk.clock.read().wall, "/database"), desk.clock.read().wall
    assert isinstance(await desk.handle(delivery(body, signed(body, now))), Taken)
    mac = signed(body, now)[SIGNATURE].partition(";")[2]
    with pytest.raises(WebhookRefusedError):
        await desk.handle(delivery(body, {SIGNATURE: f"t={ms_of(now) + 1};{mac}"}))


async def test_a_replay_with_one_more_signature_takes_no_place_either() -> None:
    desk = Desk()
    desk.handle = replace(desk.handle, rules=replace(desk.handle.rules, dialects=frozenset(Dialect)))
    data = {"projectId": PROJECT, "environment": "dev", "secretPath": "/database"}
    body, seconds = json.dumps({"type": "secrets.modified", "data": data}).encode(), str(int(START.timestamp()))
    mac = base64.b64encode(hmac.digest(SECRET.encode(), f"msg_1.{seconds}.".encode() + body, "sha256")).decode()
    for number in range(2 * RATES.webhook.number):
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": seconds,
            "webhook-signature": f"v1,{mac} v1a,{number + 1000}",
        }
        outcome = await desk.handle(delivery(body, headers))
        assert isinstance(outcome, AlreadySeen if number else Taken)
    assert isinstance(await desk.send(), Taken)


@pytest.mark.parametrize("change", range(8))
async def test_what_differs_in_one_bit_from_what_was_taken_is_verified_anew(change: int) -> None:
    desk = Desk()
    body, now = modified(desk.clock.read().wall, "/database"), desk.clock.read().wall
    headers = signed(body, now)
    assert isinstance(await desk.handle(delivery(body, headers)), Taken)
    for place in range(0, len(body), 7):
        other = bytearray(body)
        other[place] ^= 1 << change
        with pytest.raises(JournalKeysError):
            await desk.handle(delivery(bytes(other), headers))


def test_what_is_remembered_is_bounded_and_the_oldest_goes_first() -> None:
    recent = RecentDeliveries()
    sent = [Delivery(headers=(), body=str(number).encode()) for number in range(257)]
    for one in sent:
        digest = one.body.decode()
        recent.remember(one, Notice(digest=digest, sent_ms=0, event="", project=None, environment=None, folder=None))
    assert [recent.notice(sent[number]) is None for number in (0, 1, 256)] == [True, False, False]
    assert ["0" in recent, "1" in recent, "256" in recent] == [False, True, True]


@pytest.mark.parametrize("secret", [SECRET, "guessed"])
async def test_where_deliveries_cannot_be_counted_none_is_taken(secret: str) -> None:
    desk = Desk(limiter=NoLimiter())
    await desk.fill(DB)
    with pytest.raises(LimiterUnavailableError):
        await desk.send("/database", secret=secret)
    assert desk.cache.peek(str(DB)) == str(DB)
