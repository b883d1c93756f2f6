"""One of the processes that start first at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.synchronize import Barrier
from typing import Final

from journal_keys.container import Container
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.keys import Family, Kid
from journal_keys.domain.outcomes import Initialised, InitOutcome
from journal_keys.entrypoints.resources import provision
from journal_keys.entrypoints.settings import Settings
from journal_keys.ports.ledger import LedgerUnavailableError
from tests.proof.race_ledger import Hold, RaceLedger
from tests.proof.wrong_designs import Design
from tests.support.crew import ANSWER_S, Line, run_plainly

_TEXT: Final = "a client's token"
_MOST_TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What one process made or found, and what it signed and sealed with it."""

    made: tuple[Family, ...] = ()
    active: tuple[Kid, ...] = ()
    """What `init` said, ring by ring."""
    kids: tuple[Kid, ...] = ()
    """What the views hold, ring by ring, oldest first."""
    token: str = ""
    ciphertext: str = ""
    tries: int = 1
    trouble: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether `init` spoke of the keys that the views then held."""
        return set(self.active) <= set(self.kids)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPost:
    """What a starting process has to know. `hold` is where its first look at a ring waits for the others."""

    settings: Settings
    gate: Barrier
    hold: Hold
    design: Design


def start(post: StartPost, line: Line) -> None:
    """Make the home or find it made, tell of it, then read what the others signed and sealed."""
    run_plainly(_start(post, line))


async def _start(post: StartPost, line: Line) -> None:
    post.gate.wait(ANSWER_S)
    for tries in range(1, _MOST_TRIES + 1):
        try:
            await _live(post, line, tries)
        except LedgerUnavailableError as failure:
            trouble = str(failure)  # so many wait for the one lock that a start may have to be tried again
        except JournalKeysError as failure:
            trouble = f"{type(failure).__name__}: {failure}"
            break
        else:
            return
    line.send(Started(trouble=trouble))


async def _live(post: StartPost, line: Line, tries: int) -> None:
    async with provision(post.settings) as container:
        post.design(container)
        hold = post.hold if tries == 1 else Hold.NOT
        container.ledger.override(RaceLedger(ledger=container.ledger(), start=post.gate, hold=hold))
        line.send(replace(await _started(container), tries=tries))
        line.send(_unread(container, line.recv()))


async def _started(container: Container) -> Started:
    outcomes: list[InitOutcome] = [
        await container.init_rings()(policy, actor="first start", reason="first start")
        for policy in container.policies().values()
    ]
    await container.refresh_views()()
    views = (container.board().signing, container.board().cipher)
    return Started(
        made=tuple(outcome.family for outcome in outcomes if isinstance(outcome, Initialised)),
        active=tuple(outcome.active_kid for outcome in outcomes),
        kids=tuple(version.kid for view in views if view for version in view.ring.versions),
        token=container.signer().sign({}),
        ciphertext=container.cipher().encrypt(_TEXT),
    )


def _unread(container: Container, others: Sequence[Started]) -> list[str]:
    """What this process cannot read of the others'."""
    failures: list[str] = []
    for one in others:
        try:
            container.verifier().verify(one.token)
            if container.cipher().decrypt(one.ciphertext) != _TEXT:
                failures.append("a ciphertext holds another text than was sealed")
        except JournalKeysError as failure:
            failures.append(str(failure))
    return failures
