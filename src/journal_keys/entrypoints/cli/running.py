"""Run a command's coroutine on an opened container."""

import gc
import os
import pwd
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from journal_keys.container import Container
    from journal_keys.entrypoints.settings import Settings

T = TypeVar("T")


def operator() -> str:
    """Give the actor that the audit trail names: the login name of this process's user."""
    uid = os.getuid()
    try:
        return f"operator:{pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"operator:{uid}"


def on_container(
    command: "Callable[[Container], Awaitable[T]]",
    *,
    makes: Literal["", "rings", "ledger"] = "",
    waits: bool = False,
) -> T:
    """Open what the settings name, run the command on it, close it.

    What is not there is made for a command that makes rings, or a lost ledger. A command that `waits` is run where
    ledger or store are out of reach, too, and meets that itself.

    Raises:
        JournalKeysError: as the command and `resources` do.
    """
    with _without_collecting():
        from journal_keys.entrypoints.ending import run_to_end
        from journal_keys.entrypoints.resources import open_container, provision, rebuild

    settings = command_settings()
    makers: dict[str, Callable[[Settings], AbstractAsyncContextManager[Container]]]
    makers = {"": partial(open_container, waits=waits), "rings": provision, "ledger": rebuild}
    opened = makers[makes]

    async def run() -> T:
        async with opened(settings) as container:
            return await command(container)

    return run_to_end(run())


def command_settings(*, checks_infisical: bool = True) -> "Settings":
    """Read the environment, and have what is logged from now on go where it says.

    Raises:
        SettingsError: as `Settings.from_environment`.
    """
    from journal_keys.entrypoints.log_config import log_command
    from journal_keys.entrypoints.settings import Settings

    settings = Settings.from_environment(checks_infisical=checks_infisical)
    log_command(settings)
    return settings


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Look for no garbage while modules load: what they make stays, and looking costs an eighth of a command's time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
