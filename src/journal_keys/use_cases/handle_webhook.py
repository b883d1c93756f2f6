"""Follow what a webhook says: forget what may have changed, and look at the rings at once."""

from dataclasses import dataclass
from datetime import timedelta

from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.labels import webhook_labels
from journal_keys.domain.paths import WEBHOOK_SECRET
from journal_keys.domain.rates import Asked
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
    families_at,
    read_claim,
    read_notice,
    refuse_stale,
    why_ignored,
)
from journal_keys.ports.clock import Clock
from journal_keys.ports.meter import Meter
from journal_keys.ports.tracer import Tracer, Work
from journal_keys.ports.webhook_inbox import WebhookInbox
from journal_keys.use_cases.check_signature import CheckSignature
from journal_keys.use_cases.invalidate_cache import InvalidateCache
from journal_keys.use_cases.limit_calls import LimitCalls
from journal_keys.use_cases.recent_deliveries import RecentDeliveries


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRules:
    """Which dialects are accepted, how far from now a delivery may say that it was sent, and whose notices are ours."""

    dialects: frozenset[Dialect]
    tolerance: timedelta
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class HandleWebhook:
    """A delivery is a hint: it changes no key, and nothing in the store; in the ledger, its own record only.

    Where the process dies between that record and the effect, time to live and polling stand in for the hint.
    """

    check: CheckSignature
    inbox: WebhookInbox
    recent: RecentDeliveries
    invalidate: InvalidateCache
    limit: LimitCalls
    clock: Clock
    meter: Meter
    tracer: Tracer
    rules: WebhookRules

    async def __call__(self, delivery: Delivery) -> WebhookOutcome:
        """Say what became of the delivery, and count it.

        Raises:
            WebhookRefusedError: it is not genuine, or not fresh.
            TooManyRequestsError: there are too many of its kind, genuine or not.
            WebhookUnusableError: it is, and says nothing about secrets.
            PortError: whether it is genuine, or came before, could not be found out: it may be sent again.
        """
        with self.tracer.follow(Work.WEBHOOK) as trace:
            try:
                outcome = await self._outcome(delivery)
            except JournalKeysError as failure:
                self.meter.heard(failure)
                raise
            self.meter.heard(outcome)
            change, status = webhook_labels(outcome)
            trace.add(change=change, outcome=status)
            return outcome

    async def _outcome(self, delivery: Delivery) -> WebhookOutcome:
        arrived_s, taken = self.clock.unix_s(), self.recent.notice(delivery)
        try:
            if taken is not None:  # it uses up no place of what is new
                refuse_stale(taken.sent_ms, arrived_s, self.rules.tolerance)
                return AlreadySeen(event=taken.event)
            claim = read_claim(delivery, self.rules.dialects)
            await self.check(claim)
            notice = read_notice(claim, delivery.body, arrived_s, self.rules.tolerance)
        except WebhookRefusedError:
            await self.limit(Asked.WEBHOOK, "that is not genuine, or not fresh")
            raise
        outcome = await self._follow(delivery, notice)
        if isinstance(outcome, Taken):
            self.meter.arrived(notice.lag_s(arrived_s))
        return outcome

    async def _follow(self, delivery: Delivery, notice: Notice) -> WebhookOutcome:
        because = why_ignored(notice, self.rules.place)
        if because is not None or notice.folder is None:
            return Ignored(event=notice.event, because=because or "no place is named")
        if notice.digest in self.recent:
            return AlreadySeen(event=notice.event)
        await self.limit(Asked.WEBHOOK, "that is genuine, fresh and new")
        is_first = await self.inbox.take(notice.digest)
        self.recent.remember(delivery, notice)
        if not is_first:
            return AlreadySeen(event=notice.event)
        await self.invalidate(notice.folder)
        if WEBHOOK_SECRET.is_within(notice.folder):
            self.check.forget()
        return Taken(event=notice.event, folder=notice.folder, families=families_at(notice.folder))
