"""Secrets that are no keys: set, read through the cache, listed, deleted; what a ring owns is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.secret_cache import MemorySecretCache
from journal_keys.adapters.memory.secret_store import MemorySecretStore
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import MARKER_NAME, MARKER_VALUE, SecretPath
from journal_keys.ports.secret_store import (
    SecretHiddenError,
    SecretNotFoundError,
    SecretStore,
    SecretStoreUnavailableError,
)
from journal_keys.use_cases.fetch_secret import FetchSecret
from journal_keys.use_cases.store_secret import DeleteSecret, ListSecrets, OwnedPathError, StoreSecret
from tests.support.fault_plan import FaultKind, FaultPlan
from tests.support.world import START

URL = SecretPath.parse("/database/db_url_async")
OWNED = SecretPath.parse("/auth/jwt/versions/jwt_x")
VALUE, OTHER = KeyMaterial(b"postgresql://"), KeyMaterial(b"sqlite://")
MARKER = KeyMaterial(MARKER_VALUE)


@dataclass(kw_only=True)
class Desk:
    """The four verbs over one store."""

    store: SecretStore = field(default_factory=MemorySecretStore)

    def __post_init__(self) -> None:
        hour = timedelta(hours=1)
        self.cache = MemorySecretCache(ManualClock(START), hour, hour)
        self.put = StoreSecret(store=self.store, cache=self.cache)
        self.delete = DeleteSecret(store=self.store, cache=self.cache)
        self.get = FetchSecret(store=self.store, cache=self.cache)
        self.list = ListSecrets(store=self.store)


async def test_a_secret_that_was_set_is_read_listed_and_its_folder_is_marked() -> None:
    desk = Desk()
    await desk.put(URL, VALUE)
    await desk.put(URL.folder.child("a"), VALUE)
    assert (await desk.get(URL)).same_as(VALUE)
    assert await desk.list(URL.folder) == (URL.folder.child("a"), URL)
    marker = (await desk.store.read_folder(URL.folder)).secrets[MARKER_NAME]
    assert marker.same_as(MARKER)


async def test_a_secret_is_read_from_memory_until_it_is_set_or_deleted() -> None:
    desk = Desk()
    await desk.put(URL, VALUE)
    await desk.get(URL)
    await desk.store.overwrite({URL: OTHER})
    assert (await desk.get(URL)).same_as(VALUE)
    await desk.put(URL, OTHER)
    assert (await desk.get(URL)).same_as(OTHER)
    await desk.delete(URL)
    with pytest.raises(SecretNotFoundError) as caught:
        await desk.get(URL)
    assert str(caught.value) == "there is no secret /database/db_url_async"
    with pytest.raises(SecretNotFoundError) as caught:
        await desk.delete(URL)
    assert str(caught.value) == "there is no secret /database/db_url_async"


async def test_absence_in_a_folder_without_our_marker_is_hidden() -> None:
    desk = Desk()
    for ask in (desk.get(URL), desk.delete(URL), desk.list(URL.folder)):
        with pytest.raises(SecretHiddenError, match="folder /database shows no _journal_keys marker"):
            await ask


async def test_a_secret_that_is_there_is_read_and_deleted_even_without_a_marker() -> None:
    desk = Desk()
    await desk.store.overwrite({URL: VALUE})
    assert (await desk.get(URL)).same_as(VALUE)
    await desk.delete(URL)
    assert not (await desk.store.read_folder(URL.folder)).secrets


async def test_what_a_ring_owns_is_neither_set_nor_deleted_by_hand() -> None:
    desk = Desk()
    await desk.store.put_new(OWNED, VALUE)
    for ask in (desk.put(OWNED, OTHER), desk.delete(OWNED)):
        with pytest.raises(OwnedPathError) as caught:
            await ask
        assert str(caught.value) == (
            "/auth/jwt/versions/jwt_x belongs to a ring and is written by rotation only; 'rotate' changes it"
        )
    assert (await desk.store.read_folder(OWNED.folder)).secrets["jwt_x"].same_as(VALUE)


OVERWRITE = 1  # the second port call, after the marker


async def test_a_lost_answer_is_settled_by_reading_back() -> None:
    kept = Desk(store=FaultPlan(at=OVERWRITE, kind=FaultKind.ERROR_AFTER).wrap(MemorySecretStore()))
    await kept.put(URL, VALUE)
    lost = Desk(store=FaultPlan(at=OVERWRITE, kind=FaultKind.ERROR_BEFORE).wrap(MemorySecretStore()))
    with pytest.raises(SecretStoreUnavailableError, match="planned: no answer"):
        await lost.put(URL, VALUE)


class ForgetfulStore(MemorySecretStore):
    """Says yes and keeps what it had."""

    async def overwrite(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        """Do nothing."""


@pytest.mark.parametrize("held", [None, OTHER], ids=["nothing", "another value"])
async def test_a_value_that_does_not_read_back_is_told(held: KeyMaterial | None) -> None:
    desk = Desk(store=ForgetfulStore())
    if held is not None:
        await desk.store.put_new(URL, held)
    with pytest.raises(SecretNotFoundError) as caught:
        await desk.put(URL, VALUE)
    assert str(caught.value) == "/database/db_url_async was written and does not read back as written"


@pytest.mark.parametrize("verb", ["set", "delete"])
async def test_a_secret_that_is_changed_alone_is_forgotten(verb: str) -> None:
    desk, beside = Desk(), URL.folder.child("a")
    for path in (URL, beside):
        await desk.put(path, VALUE)
        await desk.get(path)
    await (desk.put(URL, OTHER) if verb == "set" else desk.delete(URL))
    assert (desk.cache.peek(str(URL)), desk.cache.peek(str(beside))) == (None, "postgresql://")
