"""What everybody on this host sees of the processes on it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_PAUSE_S = 0.002


@asynccontextmanager
async def watched_command_lines() -> AsyncIterator[set[str]]:
    """Collect every command line that is seen meanwhile."""
    seen: set[str] = set()

    async def watch() -> None:
        while True:
            seen.update(_command_lines())
            await asyncio.sleep(_PAUSE_S)

    watching = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        watching.cancel()


def _command_lines() -> list[str]:
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((process / "cmdline").read_text(errors="replace").replace("\0", " "))
        except OSError:
            continue  # it has ended
    return lines
