"""The webhook's secret rotates without a gap: at no step is a delivery refused that the server may send."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain.errors import InvalidNameError, PortError
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import MARKER_NAME, MARKER_VALUE, WEBHOOK_SECRET, SecretPath, is_owned
from journal_keys.domain.webhook_secrets import OVERLAP, SecretsPage
from journal_keys.domain.webhooks import Dialect, WebhookRefusedError, read_claim
from journal_keys.ports.ledger import LedgerUnavailableError
from journal_keys.ports.secret_store import FolderContent, SecretHiddenError, SecretStoreUnavailableError
from journal_keys.use_cases.check_signature import COOL_DOWN, CheckSignature
from journal_keys.use_cases.rotate_webhook_secret import RotateWebhookSecret, WebhookSecretMade
from tests.support.canary.entropy import WatchedEntropy
from tests.support.hooks import SECRET, delivery, modified, signed
from tests.support.world import START

FOLDER = WEBHOOK_SECRET.folder
BEFORE = "what was in the store"
MORE = COOL_DOWN + timedelta(seconds=1)


@dataclass
class Trouble:
    """The call that fails, counted over store and ledger, before or after its effect."""

    at: int | None = None
    is_late: bool = False
    made: int = 0

    def comes(self, *, late: bool) -> bool:
        if not late:
            self.made += 1
        return self.made == self.at and self.is_late == late


@dataclass
class TroubledStore(MemorySecretStore):
    """A store of which one call gives no answer."""

    trouble: Trouble
    is_hidden_once: bool = False
    """The next read answers as if nothing were there."""

    def __post_init__(self) -> None:
        super().__init__()

    def _ask(self, *, late: bool) -> None:
        if self.trouble.comes(late=late):
            raise SecretStoreUnavailableError("no answer")

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        self._ask(late=False)
        content = await super().read_folder(folder)
        self._ask(late=True)
        is_hidden, self.is_hidden_once = self.is_hidden_once, False
        return FolderContent(folder, {}) if is_hidden else content

    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:
        self._ask(late=False)
        await super().put_new(path, value)
        self._ask(late=True)

    async def overwrite(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        self._ask(late=False)
        await super().overwrite(values)
        self._ask(late=True)

    async def delete(self, path: SecretPath) -> None:
        self._ask(late=False)
        await super().delete(path)
        self._ask(late=True)


class TroubledLedger(MemoryLedger):
    """A ledger of which one call gives no answer."""

    def __init__(self, clock: ManualClock, trouble: Trouble) -> None:
        super().__init__(clock, timedelta(seconds=1))
        self.trouble = trouble

    async def introduce(self, name: str, *, actor: str, reason: str) -> SecretsPage:
        if self.trouble.comes(late=False):
            raise LedgerUnavailableError("no answer")
        page = await super().introduce(name, actor=actor, reason=reason)
        if self.trouble.comes(late=True):
            raise LedgerUnavailableError("no answer")
        return page


@dataclass(kw_only=True)
class Desk:
    """The verb, and one instance that hears webhooks, with a setting of its own."""

    configured: str | None = SECRET
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    trouble: Trouble = field(default_factory=Trouble)

    def __post_init__(self) -> None:
        self.store = TroubledStore(self.trouble)
        self.ledger = TroubledLedger(self.clock, self.trouble)
        self.rotate = RotateWebhookSecret(store=self.store, secrets=self.ledger, entropy=WatchedEntropy(7))
        self.check = CheckSignature(
            store=self.store,
            secrets=self.ledger,
            clock=self.clock,
            ttl=timedelta(minutes=5),
            configured=() if self.configured is None else (KeyMaterial(self.configured.encode()),),
        )

    async def rotated(self) -> WebhookSecretMade:
        return await self.rotate(actor="operator:alice", reason="it was time")

    async def accepts(self, secret: str) -> bool:
        """Whether a delivery signed with this secret is believed, by an instance that may look again."""
        self.clock.pass_time(MORE)
        return await self.believes(secret)

    async def believes(self, secret: str) -> bool:
        """Whether one that comes right now is."""
        body = modified(self.clock.read().wall)
        try:
            await self.check(
                read_claim(delivery(body, signed(body, self.clock.read().wall, secret)), frozenset({Dialect.INFISICAL}))
            )
        except WebhookRefusedError:
            return False
        return True

    async def stored(self) -> dict[str, str]:
        content = await self.store.read_folder(FOLDER)
        return {name: expose(value).decode() for name, value in content.secrets.items()}


def text_of(made: WebhookSecretMade) -> str:
    return expose(made.secret).decode()


async def test_a_new_secret_is_random_stored_under_its_own_name_and_under_the_guide_s() -> None:
    desk = Desk()
    made = await desk.rotated()
    assert len(text_of(made)) == 43
    assert made.unfinished is None
    assert made.former_until == START + OVERLAP
    stored = await desk.stored()
    assert stored[made.name] == stored[WEBHOOK_SECRET.name] == text_of(made)
    assert is_owned(FOLDER.child(made.name))
    assert not is_owned(WEBHOOK_SECRET)


async def test_former_secrets_count_until_a_delivery_with_the_new_one_has_come() -> None:
    desk = Desk()
    await desk.store.overwrite({WEBHOOK_SECRET: KeyMaterial(BEFORE.encode())})
    made = await desk.rotated()
    for _ in range(2):
        assert await desk.accepts(SECRET)
        assert await desk.accepts(BEFORE)
    assert await desk.accepts(text_of(made))
    assert not await desk.accepts(SECRET)
    assert not await desk.accepts(BEFORE)
    assert await desk.accepts(text_of(made))


@pytest.mark.parametrize("is_lost", [False, True], ids=["answered", "answer lost"])
async def test_what_is_told_of_former_secrets_is_when_the_first_of_them_ends(is_lost: bool) -> None:  # noqa: FBT001
    desk = Desk()
    first = await desk.rotated()
    desk.clock.pass_time(OVERLAP - 4 * MORE)
    if is_lost:
        desk.trouble.made, desk.trouble.at, desk.trouble.is_late = 0, 5, True
    second = await desk.rotated()
    assert second.former_until == START + OVERLAP
    assert await desk.accepts(SECRET)
    desk.clock.pass_time(second.former_until - desk.clock.read().wall)
    assert not await desk.accepts(SECRET)
    assert await desk.accepts(text_of(first))
    assert await desk.accepts(text_of(second))


async def test_what_no_longer_counts_is_not_told_of() -> None:
    desk = Desk()
    first = await desk.rotated()
    desk.clock.pass_time(timedelta(hours=1))
    assert await desk.accepts(text_of(first))
    made_at = desk.clock.read().wall
    assert (await desk.rotated()).former_until == made_at + OVERLAP
    desk.clock.pass_time(OVERLAP + MORE)
    made_at = desk.clock.read().wall
    assert (await desk.rotated()).former_until == made_at + OVERLAP


async def test_what_a_process_held_of_a_moment_ago_hides_no_secret_that_was_made_since() -> None:
    desk = Desk()
    assert await desk.accepts(SECRET)
    made = await desk.rotated()
    assert await desk.believes(text_of(made))
    assert not await desk.believes(SECRET)


async def test_former_secrets_count_no_longer_than_a_day_where_the_new_one_is_never_used() -> None:
    desk = Desk()
    made = await desk.rotated()
    desk.clock.pass_time(OVERLAP - 2 * MORE)
    assert await desk.accepts(SECRET)
    desk.clock.pass_time(2 * MORE)
    assert not await desk.accepts(SECRET)
    assert await desk.accepts(text_of(made))


async def test_the_setting_may_hold_the_newest_secret() -> None:
    desk = Desk(configured=None)
    made = await desk.rotated()
    desk.check.configured = (made.secret,)
    assert await desk.accepts(text_of(made))
    assert (await desk.ledger.known_secrets()).made[0].used_at is not None
    assert await desk.accepts(text_of(made))


async def test_a_secret_that_was_never_shown_is_followed_by_another_and_nothing_is_refused_meanwhile() -> None:
    desk = Desk()
    await desk.store.overwrite({WEBHOOK_SECRET: KeyMaterial(BEFORE.encode())})
    lost = await desk.rotated()
    desk.clock.pass_time(MORE)
    made = await desk.rotated()
    for secret in (SECRET, BEFORE, text_of(lost)):
        assert await desk.accepts(secret)
    assert await desk.accepts(text_of(made))
    for secret in (SECRET, BEFORE, text_of(lost)):
        assert not await desk.accepts(secret)


async def test_secrets_that_no_longer_count_go_from_the_store_with_the_next_rotation_and_never_count_again() -> None:
    desk = Desk()
    await desk.store.overwrite({WEBHOOK_SECRET: KeyMaterial(BEFORE.encode())})
    first = await desk.rotated()
    await desk.accepts(text_of(first))
    second = await desk.rotated()
    assert {text_of(first), text_of(second)} == set((await desk.stored()).values()) - {"journal_keys/1"}
    assert await desk.accepts(text_of(first))
    for secret in (SECRET, BEFORE):
        assert not await desk.accepts(secret)


async def test_a_refusal_for_a_former_secret_says_what_to_do() -> None:
    desk = Desk()
    await desk.accepts(text_of(await desk.rotated()))
    body = modified(desk.clock.read().wall)
    claim = read_claim(delivery(body, signed(body, desk.clock.read().wall)), frozenset(Dialect))
    with pytest.raises(WebhookRefusedError, match="journal-keys webhook-secret rotate"):
        await desk.check(claim)


async def test_it_is_audited_and_needs_a_reason() -> None:
    desk = Desk()
    with pytest.raises(InvalidNameError):
        await desk.rotate(actor="operator:alice", reason="")
    assert await desk.stored() == {}
    made = await desk.rotated()
    (entry,) = await desk.ledger.entries()
    assert (entry.fact.action, entry.fact.actor, entry.fact.reason) == (
        "webhook_secret_made",
        "operator:alice",
        "it was time",
    )
    assert entry.fact.detail["secret"] == made.name
    assert text_of(made) not in repr(entry)


async def test_a_record_whose_answer_is_lost_is_looked_up_and_the_secret_is_shown() -> None:
    desk = Desk()
    desk.trouble.at, desk.trouble.is_late = 5, True
    made = await desk.rotated()
    assert [one.name for one in (await desk.ledger.known_secrets()).made] == [made.name]
    assert await desk.accepts(text_of(made))


@pytest.mark.parametrize("was_marked", [True, False], ids=["marked before", "marked by nobody"])
async def test_one_hidden_answer_costs_no_former_secret(was_marked: bool) -> None:  # noqa: FBT001
    desk = Desk(configured=None)
    if was_marked:
        await desk.store.put_new(FOLDER.child(MARKER_NAME), KeyMaterial(MARKER_VALUE))
    await desk.store.overwrite({WEBHOOK_SECRET: KeyMaterial(BEFORE.encode())})
    desk.store.is_hidden_once = True
    with pytest.raises(SecretHiddenError):
        await desk.rotated()
    assert (await desk.stored())[WEBHOOK_SECRET.name] == BEFORE
    assert (await desk.ledger.known_secrets()).made == ()
    made = await desk.rotated()
    assert await desk.accepts(BEFORE)
    assert await desk.accepts(text_of(made))


CALLS = 8
"""Of one rotation that keeps a former secret: reads, puts, the record, the guide's name."""


async def test_a_rotation_makes_as_many_calls_as_are_tried_below() -> None:
    desk = Desk()
    await desk.store.overwrite({WEBHOOK_SECRET: KeyMaterial(BEFORE.encode())})
    desk.trouble.made = 0
    await desk.rotated()
    assert desk.trouble.made == CALLS


@pytest.mark.parametrize("is_late", [False, True], ids=["before its effect", "behind its effect"])
@pytest.mark.parametrize("at", range(1, CALLS + 1))
async def test_whatever_call_fails_no_secret_in_use_is_refused_and_the_next_rotation_is_whole(
    at: int,
    is_late: bool,  # noqa: FBT001
) -> None:
    desk = Desk()
    await desk.store.overwrite({WEBHOOK_SECRET: KeyMaterial(BEFORE.encode())})
    desk.trouble.made, desk.trouble.at, desk.trouble.is_late = 0, at, is_late
    try:
        made = await desk.rotated()
    except PortError:
        made = None
    desk.trouble.at = None
    for secret in (SECRET, BEFORE):
        assert await desk.accepts(secret)
    again = await desk.rotated()
    for secret in (SECRET, BEFORE, *([] if made is None else [text_of(made)])):
        assert await desk.accepts(secret)
    assert again.unfinished is None
    assert await desk.accepts(text_of(again))
    assert not await desk.accepts(SECRET)
    assert (await desk.stored())[WEBHOOK_SECRET.name] == text_of(again)
