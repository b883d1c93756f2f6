"""Each kind of fault, once, and what the plan counts."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.adapters.memory.view_board import MemoryViewBoard
from journal_keys.domain.changes import RingChange, Transition
from journal_keys.domain.errors import PortError
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.key_usage import KeyUsage
from journal_keys.ports.ledger import LedgerCorruptError, LedgerUnavailableError
from journal_keys.ports.secret_store import SecretStoreProtocolError, SecretStoreUnavailableError
from tests.support.canary.entropy import WatchedEntropy
from tests.support.fault_plan import FaultKind, FaultPlan, ProcessDied

FOLDER = SecretPath.parse("/auth/jwt")
PATH = FOLDER.child("current_private_key")
VALUE = KeyMaterial(b"value")
KID = Kid("aes_0001")


@pytest.fixture
def store() -> MemorySecretStore:
    return MemorySecretStore()


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger(ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), timedelta(seconds=60))


async def names(store: MemorySecretStore) -> set[str]:
    return set((await store.read_folder(FOLDER)).secrets)


BEFORE_OR_AFTER = {
    "error before": (FaultKind.ERROR_BEFORE, SecretStoreUnavailableError, False),
    "error after": (FaultKind.ERROR_AFTER, SecretStoreUnavailableError, True),
    "cancelled before": (FaultKind.CANCEL_BEFORE, asyncio.CancelledError, False),
    "cancelled after": (FaultKind.CANCEL_AFTER, asyncio.CancelledError, True),
    "death before": (FaultKind.DEATH_BEFORE, ProcessDied, False),
    "death after": (FaultKind.DEATH_AFTER, ProcessDied, True),
}


@pytest.mark.parametrize(("kind", "error", "is_done"), BEFORE_OR_AFTER.values(), ids=BEFORE_OR_AFTER)
async def test_a_fault_before_has_no_effect_and_a_fault_after_has_it(
    store: MemorySecretStore, kind: FaultKind, error: type[BaseException], *, is_done: bool
) -> None:
    planned = FaultPlan(at=0, kind=kind).wrap(store)
    with pytest.raises(error):
        await planned.put_new(PATH, VALUE)
    assert (PATH.name in await names(store)) is is_done


async def test_the_call_after_an_error_goes_through(store: MemorySecretStore) -> None:
    plan = FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE)
    planned = plan.wrap(store)
    with pytest.raises(SecretStoreUnavailableError):
        await planned.put_new(PATH, VALUE)
    await planned.put_new(PATH, VALUE)
    assert await names(store) == {PATH.name}
    assert plan.has_struck


async def test_a_call_that_was_answered_before_is_struck_like_any_other(store: MemorySecretStore) -> None:
    planned = FaultPlan(at=1, kind=FaultKind.ERROR_AFTER).wrap(store)
    await planned.read_folder(FOLDER)
    with pytest.raises(SecretStoreUnavailableError):
        await planned.read_folder(FOLDER)


async def test_after_death_every_port_of_the_plan_is_dead(store: MemorySecretStore, ledger: MemoryLedger) -> None:
    plan = FaultPlan(at=0, kind=FaultKind.DEATH_BEFORE)
    with pytest.raises(ProcessDied):
        await plan.wrap(store).delete(PATH)
    with pytest.raises(ProcessDied):
        await plan.wrap(ledger).heads()
    with pytest.raises(ProcessDied):
        await plan.wrap(store).put_new(PATH, VALUE)
    assert await names(store) == set()


async def test_a_call_that_hangs_waits_until_it_is_cancelled_and_has_no_effect(store: MemorySecretStore) -> None:
    plan = FaultPlan(at=0, kind=FaultKind.HANG)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await plan.wrap(store).put_new(PATH, VALUE)
    assert plan.has_struck
    assert await names(store) == set()


async def test_a_stale_answer_is_the_one_before(store: MemorySecretStore) -> None:
    planned = FaultPlan(at=2, kind=FaultKind.STALE).wrap(store)
    await planned.read_folder(FOLDER)
    await planned.put_new(PATH, VALUE)
    assert set((await planned.read_folder(FOLDER)).secrets) == set()
    assert set((await planned.read_folder(FOLDER)).secrets) == {PATH.name}


async def test_an_answer_to_other_arguments_is_not_given_as_the_stale_one(ledger: MemoryLedger) -> None:
    planned = FaultPlan(at=1, kind=FaultKind.STALE).wrap(ledger)
    await ledger.accept_clock(actor="ops", reason="one entry")
    assert len(await planned.entries(after=0)) == 1
    assert len(await planned.entries(after=1)) == 0


async def test_an_answer_of_another_port_is_not_given_as_the_stale_one(store: MemorySecretStore) -> None:
    plan = FaultPlan(at=1, kind=FaultKind.STALE)
    await store.put_new(PATH, VALUE)
    await plan.wrap(MemorySecretStore()).read_folder(FOLDER)
    assert set((await plan.wrap(store).read_folder(FOLDER)).secrets) == {PATH.name}


async def test_a_garbled_folder_has_the_same_names_and_other_values(store: MemorySecretStore) -> None:
    await store.put_new(PATH, VALUE)
    content = await FaultPlan(at=0, kind=FaultKind.GARBAGE).wrap(store).read_folder(FOLDER)
    assert set(content.secrets) == {PATH.name}
    assert not content.secrets[PATH.name].same_as(VALUE)


async def test_a_garbled_answer_of_the_ledger_is_a_corrupt_ledger(ledger: MemoryLedger) -> None:
    with pytest.raises(LedgerCorruptError):
        await FaultPlan(at=0, kind=FaultKind.GARBAGE).wrap(ledger).read(Family.JWT)


async def test_a_garbled_acknowledgement_of_the_store_is_a_broken_protocol(store: MemorySecretStore) -> None:
    with pytest.raises(SecretStoreProtocolError):
        await FaultPlan(at=0, kind=FaultKind.GARBAGE).wrap(store).put_new(PATH, VALUE)


class OnlyUsage(KeyUsage):
    async def add(self, kid: Kid, encryptions: int) -> int:
        raise NotImplementedError(kid, encryptions)

    async def total(self, kid: Kid) -> int:
        raise NotImplementedError(kid)


async def test_a_counter_or_trail_beside_the_ledger_fails_as_the_ledger_does(ledger: MemoryLedger) -> None:
    usage = FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE).wrap(OnlyUsage())
    with pytest.raises(LedgerUnavailableError):
        await usage.add(KID, 1)
    trail: AuditTrail = FaultPlan(at=0, kind=FaultKind.ERROR_BEFORE).wrap(ledger)
    with pytest.raises(LedgerUnavailableError):
        await trail.head()


async def test_calls_are_counted_by_name_over_all_ports_of_the_plan(
    store: MemorySecretStore, ledger: MemoryLedger
) -> None:
    plan = FaultPlan(at=-1, kind=FaultKind.ERROR_BEFORE)
    await plan.wrap(store).read_folder(FOLDER)
    await plan.wrap(ledger).heads()
    plan.wrap(WatchedEntropy(1)).token(8)
    assert plan.calls == ["read_folder", "heads", "token"]
    assert not plan.has_struck


async def test_the_chosen_call_is_struck_wherever_it_falls(store: MemorySecretStore, ledger: MemoryLedger) -> None:
    plan = FaultPlan(at=1, kind=FaultKind.ERROR_BEFORE)
    await plan.wrap(store).read_folder(FOLDER)
    with pytest.raises(LedgerUnavailableError):
        await plan.wrap(ledger).heads()


def test_a_synchronous_port_is_struck_too() -> None:
    entropy = FaultPlan(at=1, kind=FaultKind.ERROR_BEFORE).wrap(WatchedEntropy(1))
    assert entropy.token(8) == WatchedEntropy(1).token(8)
    with pytest.raises(PortError):
        entropy.token(8)


def test_a_synchronous_call_cannot_be_planned_to_hang() -> None:
    with pytest.raises(ValueError, match="synchronous"):
        FaultPlan(at=0, kind=FaultKind.HANG).wrap(WatchedEntropy(1)).token(8)


def test_an_attribute_is_read_past_the_plan() -> None:
    plan = FaultPlan(at=0, kind=FaultKind.DEATH_BEFORE)
    assert plan.wrap(MemoryViewBoard()).signing is None
    assert plan.calls == []


async def test_a_second_fault_strikes_at_its_own_call(store: MemorySecretStore) -> None:
    plan = FaultPlan(at=0, kind=FaultKind.ERROR_AFTER, then={2: FaultKind.CANCEL_BEFORE})
    planned = plan.wrap(store)
    with pytest.raises(SecretStoreUnavailableError):
        await planned.put_new(PATH, VALUE)
    await planned.read_folder(FOLDER)
    with pytest.raises(asyncio.CancelledError):
        await planned.delete(PATH)
    assert plan.struck == [FaultKind.ERROR_AFTER, FaultKind.CANCEL_BEFORE]


async def test_another_process_goes_on_with_the_plan_after_a_death(store: MemorySecretStore) -> None:
    plan = FaultPlan(at=0, kind=FaultKind.DEATH_BEFORE, then={2: FaultKind.ERROR_BEFORE})
    with pytest.raises(ProcessDied):
        await plan.wrap(store).delete(PATH)
    plan.go_on()
    planned = plan.wrap(store)
    await planned.put_new(PATH, VALUE)
    with pytest.raises(SecretStoreUnavailableError):
        await planned.delete(PATH)


async def test_a_stale_answer_where_there_was_none_before_is_no_fault(store: MemorySecretStore) -> None:
    plan = FaultPlan(at=0, kind=FaultKind.STALE)
    await plan.wrap(store).read_folder(FOLDER)
    assert not plan.has_struck


def never_made(at: datetime) -> RingChange:
    raise NotImplementedError(at)


class Committing:
    made = 0

    async def commit(self, _: Transition) -> int:
        self.made += 1
        return self.made


async def test_a_commit_is_never_answered_with_the_result_of_another() -> None:
    plan = FaultPlan(at=1, kind=FaultKind.STALE)
    planned = plan.wrap(Committing())
    assert [await planned.commit(never_made), await planned.commit(never_made)] == [1, 2]
    assert not plan.has_struck
