"""The process that comes after a kill: it reconciles, and must be healthy and able to sign and encrypt again."""

import asyncio
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from journal_keys.container import Container
from journal_keys.domain import base64url
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.outcomes import Reconciled
from journal_keys.domain.paths import MARKER_NAME
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from journal_keys.use_cases.check_health import Health, HealthStatus
from tests.proof.wrong_designs import Design
from tests.support.crew import Line, run_plainly

READY_S: Final = 5.0
_TEXT: Final = "a client's token"
_PAUSE_S: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A token and a ciphertext, made at once after a kill. The token ends at this Unix time."""

    token: str
    ends_s: float
    ciphertext: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How many of the earlier tokens are alive, how many of those are refused, how many ciphertexts unreadable.

    `orphans` are the stored keys that no row of their ring knows.
    """

    alive: int
    refused: int
    unreadable: int
    orphans: Mapping[Family, frozenset[str]]


@dataclass(slots=True, kw_only=True)
class Comeback:
    """What a survivor repaired and made; where it made nothing it is not ready, and `trouble` says why."""

    active: Mapping[Family, Kid] = field(default_factory=dict)
    repairs: dict[Family, list[str]] = field(default_factory=lambda: {family: [] for family in Family})
    made: Made | None = None
    trouble: str = ""


def come_back(settings: Settings, design: Design, patience_s: float, line: Line) -> None:
    """Send a `Comeback`, then read what the survivors before it made, and send the `Reading`."""
    tempfile.tempdir = str(settings.journal_keys_home.parent)  # it is killed, too, when it has said all
    run_plainly(_come_back(settings, design, patience_s, line))


async def _come_back(settings: Settings, design: Design, patience_s: float, line: Line) -> None:
    comeback = Comeback()
    async with open_container(settings) as container:
        design(container)
        deadline_s = time.monotonic() + patience_s
        while not await _is_ready(container, comeback):
            if time.monotonic() > deadline_s:
                break
            await asyncio.sleep(_PAUSE_S)
        line.send(comeback)
        before: Sequence[Made] = line.recv()
        line.send(_reading(container, before, {family: await _orphans(container, family) for family in Family}))


async def _is_ready(container: Container, comeback: Comeback) -> bool:
    """Make one pass; where it does not end well, the comeback says why."""
    try:
        await _reconcile(container, comeback)
        comeback.trouble = _illness(await container.check_health()())
        if not comeback.trouble:
            await container.refresh_views()()
            comeback.active, comeback.made = _active(container), _make(container)
    except JournalKeysError as failure:
        comeback.trouble = f"{type(failure).__name__}: {failure}"
    return comeback.made is not None


async def _orphans(container: Container, family: Family) -> frozenset[str]:
    """The orphans, none where the vault or the ledger cannot be read."""
    try:
        ring = (await container.ledger().read(family)).ring
        names = (await container.read_material()(family)).secrets.keys() - {MARKER_NAME}
    except JournalKeysError:
        return frozenset()
    return frozenset(names - {version.kid for version in ring.versions}) if ring else frozenset()


def _active(container: Container) -> Mapping[Family, Kid]:
    views = (container.board().signing, container.board().cipher)
    return {view.ring.family: view.ring.active.kid for view in views if view}


async def _reconcile(container: Container, comeback: Comeback) -> None:
    for family in Family:
        outcome = await container.reconcile()(family)
        if isinstance(outcome, Reconciled):
            comeback.repairs[family] += outcome.repairs


def _make(container: Container) -> Made:
    token = container.signer().sign({})
    claims = json.loads(base64url.decode(token.split(".")[1]))
    return Made(token=token, ends_s=claims["exp"], ciphertext=container.cipher().encrypt(_TEXT))


def _illness(health: Health) -> str:
    """Why the health is not what it should be; a part that is not healthy says its reason."""
    parts = [*health.rings.values(), health.store]
    reasons = [part.reason or "no reason" for part in parts if part.status is not HealthStatus.HEALTHY]
    return "; ".join(reasons)


def _reading(container: Container, before: Sequence[Made], orphans: Mapping[Family, frozenset[str]]) -> Reading:
    alive = [made for made in before if time.time() < made.ends_s]
    return Reading(
        alive=len(alive),
        refused=sum(_is_refused(container, made) for made in alive),
        unreadable=sum(_is_unreadable(container, made) for made in before),
        orphans=orphans,
    )


def _is_refused(container: Container, made: Made) -> bool:
    try:
        container.verifier().verify(made.token)
    except JournalKeysError:
        return time.time() < made.ends_s  # it may have ended just now
    return False


def _is_unreadable(container: Container, made: Made) -> bool:
    try:
        return container.cipher().decrypt(made.ciphertext) != _TEXT
    except JournalKeysError:
        return True
