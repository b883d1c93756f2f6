"""The container builds everything, and gives each use case what its ports say."""

import dataclasses
import typing
from datetime import timedelta

import pytest
from dependency_injector import providers

from journal_keys.adapters.memory.backup_shelf import MemoryBackupShelf
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.adapters.memory.store_condition import NoTrouble
from journal_keys.container import Container
from journal_keys.domain.rates import Rate, Rates
from journal_keys.domain.webhooks import Dialect, Place
from journal_keys.use_cases.handle_webhook import WebhookRules
from tests.support.views import PROFILE
from tests.support.world import POLICIES, START, WINDOWS

RULES = WebhookRules(
    dialects=frozenset(Dialect), tolerance=timedelta(seconds=300), place=Place(project=None, environment="dev")
)

RATES = Rates(admin=Rate.parse("1/hour"), webhook=Rate.parse("1/minute"), key_set=Rate.parse("1/second"))


def container() -> Container:
    clock = ManualClock(START)
    ledger = MemoryLedger(clock, WINDOWS.skew)
    return Container(
        windows=WINDOWS,
        policies=POLICIES,
        profile=PROFILE,
        verify_max_stale=timedelta(days=1),
        clock=clock,
        store=(store := MemorySecretStore()),
        probe=store,
        condition=NoTrouble(),
        ledger=ledger,
        trail=ledger,
        clock_keeper=ledger,
        usage=ledger,
        fleet=ledger,
        inbox=ledger,
        archive=ledger,
        shelf=MemoryBackupShelf(clock),
        environment_name="dev",
        replies=ledger,
        webhook_rules=RULES,
        rates=RATES,
        webhook_secrets=ledger,
        configured_webhook_secrets=(),
        instance_name="test-1",
        instance_expiry=timedelta(minutes=5),
    )


NAMES = sorted(name for name, provider in Container.providers.items() if isinstance(provider, providers.Provider))


@pytest.mark.parametrize("name", NAMES)
def test_every_provider_gives_an_object_whose_fields_are_of_their_declared_types(name: str) -> None:
    made = getattr(container(), name)()
    assert made is not None
    if not type(made).__module__.startswith("journal_keys.use_cases"):
        return
    hints = typing.get_type_hints(type(made))
    for field in (one for one in dataclasses.fields(made) if one.init):  # the others are its own state
        declared = hints[field.name]
        expected = typing.get_origin(declared) or declared
        assert isinstance(getattr(made, field.name), expected), f"{name}.{field.name}"


@pytest.mark.parametrize("name", ["board", "hints", "budget", "cache", "signer", "verifier", "cipher"])
def test_what_holds_state_is_made_once(name: str) -> None:
    made = container()
    assert getattr(made, name)() is getattr(made, name)()


def test_nothing_is_overridden() -> None:
    assert all(not provider.overridden for provider in Container.providers.values())


def test_what_signer_and_cipher_read_of_old_formats_is_counted_where_everything_is() -> None:
    made = container()
    assert made.old_formats() is made.meter().old_formats()
