"""An instance under load: it signs and encrypts, and verifies and decrypts what the others made."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from journal_keys import InfisicalKeyManager, InfisicalSecretsClient
from journal_keys.domain.errors import JournalKeysError, ViewStaleError
from journal_keys.domain.outcomes import AlreadyRotated, Rotated
from journal_keys.entrypoints.background import Background
from journal_keys.entrypoints.settings import Settings
from tests.proof.wrong_designs import Design
from tests.support.crew import Line, run_plainly

BATCH: Final = 100
"""How many tokens, and how many ciphertexts, an instance makes per turn."""

SECRET: Final = "/infrastructure/nats_url"
VALUE: Final = "nats://localhost:4222/a-secret-of-the-application"
_STRIDE: Final = 20
_TEXT: Final = "a client's token"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one instance made in one turn."""

    tokens: tuple[str, ...]
    ciphertexts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What an instance is to do in one turn: read these batches, make one of its own, and ask for a rotation or not."""

    read: tuple[Batch, ...] = ()
    rotation_id: str | None = None
    makes: bool = True


@dataclass(slots=True, kw_only=True)
class Turn:
    """What became of a task. Troubles are in words, each refused token and each unreadable ciphertext is one."""

    made: Batch | None = None
    refused: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)
    is_rotated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPost:
    """What an instance has to know."""

    settings: Settings
    design: Design


def work_under_load(post: LoadPost, line: Line) -> None:
    """Answer each `Task` with a `Turn`."""
    run_plainly(_work(post, line))


async def _work(post: LoadPost, line: Line) -> None:
    async with _instance(post) as (client, manager):
        while True:
            task: Task = await asyncio.to_thread(line.recv)
            line.send(await _turn(task, client, manager))


@asynccontextmanager
async def _instance(post: LoadPost) -> AsyncIterator[tuple[InfisicalSecretsClient, InfisicalKeyManager]]:
    """What an application opens, and what the service runs beside it."""
    async with InfisicalSecretsClient(post.settings) as client, InfisicalKeyManager(client=client) as manager:
        container = await client.container()
        post.design(container)
        background = Background(
            container=container, poll=post.settings.poll, reconcile_interval=post.settings.reconcile_interval
        )
        async with background:
            yield client, manager


async def _turn(task: Task, client: InfisicalSecretsClient, manager: InfisicalKeyManager) -> Turn:
    turn = Turn()
    for batch in task.read:
        await _read(batch, manager, turn)
    try:
        if task.rotation_id is not None:
            outcomes = await manager.rotate_keys(force=True, reason="under load", rotation_id=task.rotation_id)
            turn.is_rotated = all(isinstance(one, Rotated | AlreadyRotated) for one in outcomes.values())
        if task.makes:
            turn.made = Batch(
                tokens=await _made(lambda: _tokens(manager)), ciphertexts=await _made(lambda: _ciphertexts(manager))
            )
        if await client.fetch_secret(SECRET) != VALUE:
            turn.other.append("a secret is not what was stored")
    except JournalKeysError as failure:
        turn.other.append(_told(failure))
    return turn


async def _made(step: Callable[[], Awaitable[list[str]]]) -> tuple[str, ...]:
    made: list[str] = []
    while len(made) < BATCH:
        made += await _again_if_stale(step)
        await asyncio.sleep(0)
    return tuple(made)


async def _tokens(manager: InfisicalKeyManager) -> list[str]:
    signer = await manager.signer()
    return [signer.sign({"sub": "alice"}) for _ in range(_STRIDE)]


async def _ciphertexts(manager: InfisicalKeyManager) -> list[str]:
    cipher = await manager.get_token_cipher()
    return [cipher.encrypt(_TEXT) for _ in range(_STRIDE)]


async def _read(batch: Batch, manager: InfisicalKeyManager, turn: Turn) -> None:
    """Ciphertexts first: a token of an unknown key has the views refreshed, and what came after it would be known."""
    for ciphertext in batch.ciphertexts:
        try:
            if await _again_if_stale(partial(_decrypted, manager, ciphertext)) != _TEXT:
                turn.unreadable.append("another text")
        except JournalKeysError as failure:
            turn.unreadable.append(_told(failure))
    for token in batch.tokens:
        try:
            await _again_if_stale(partial(manager.verify, token))
        except JournalKeysError as failure:
            turn.refused.append(_told(failure))


async def _decrypted(manager: InfisicalKeyManager, ciphertext: str) -> str:
    return (await manager.get_token_cipher()).decrypt(ciphertext)


async def _again_if_stale(step: Callable[[], Awaitable[T]]) -> T:
    """What an application does for its caller: a process that stood still since it looked, looks again."""
    try:
        return await step()
    except ViewStaleError:
        return await step()


def _told(failure: JournalKeysError) -> str:
    return f"{type(failure).__name__}: {failure}"
