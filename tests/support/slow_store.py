"""A store that makes its readers wait."""

import asyncio

from journal_keys.domain.keys import Family
from journal_keys.ports.secret_store import FolderContent
from journal_keys.use_cases.read_material import ReadMaterial


class SlowStore:
    """Reads a ring's material when it may."""

    def __init__(self, inner: ReadMaterial) -> None:
        self.inner, self.may_answer, self.asked = inner, asyncio.Event(), list[Family]()

    async def __call__(self, family: Family) -> FolderContent:
        """Give what the store holds, some time."""
        self.asked.append(family)
        await self.may_answer.wait()
        return await self.inner(family)
