"""What lines ask of the world: each question is put once, bounded in time, whoever asks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from journal_keys.domain.audit_chain import AuditHead
from journal_keys.domain.backup_seal import Seal
from journal_keys.domain.keys import Family
from journal_keys.domain.status import StatusReport
from journal_keys.entrypoints.settings import Settings
from journal_keys.ports.backup_shelf import Shelved
from journal_keys.use_cases.check_backup import BackupReport
from journal_keys.use_cases.check_health import Health

T = TypeVar("T")
Ask = Callable[[], Awaitable[T]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One finding on Infisical, in words; `ok` is false where something is to be mended."""

    ok: bool
    found: str
    cure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The newest backup; `report` is None where what opens it is not here."""

    shelved: Shelved
    report: BackupReport | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Whether a secret is kept, whether a forged delivery was refused, when a secret signed its first delivery."""

    has_secret: bool
    refuses_forged: bool
    used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Settings, and questions. A question raises `JournalKeysError` or `TimeoutError` where it is not answered.

    `variables` are the set ones that a migration would move in, by name. `infisical` gives findings by what was looked
    at, in order. `redis` says why Redis does not answer, nothing where it does. `rotations` are the last of each ring.
    """

    settings: Settings
    variables: frozenset[str]
    infisical: Ask[Mapping[str, Examined]]
    redis: Ask[str]
    health: Ask[Health]
    status: Ask[StatusReport]
    head: Ask[AuditHead]
    rotations: Ask[Mapping[Family, datetime]]
    webhook: Ask[Webhook]
    backup: Ask[Kept | None]
    seal: Ask[Seal | None]


@dataclass(slots=True)
class Once(Generic[T]):
    """A question that is put once, and given up after `most_s`; its answer or failure is given again."""

    ask: Ask[T]
    most_s: float
    _answers: list[T] = field(default_factory=list, init=False)
    _failure: Exception | None = field(default=None, init=False)

    async def __call__(self) -> T:
        """Give the answer, or raise what the question raised.

        Raises:
            TimeoutError: there was none in time.
        """
        if not self._answers and self._failure is None:
            await self._put()
        if self._failure is not None:
            raise self._failure
        return self._answers[0]

    async def _put(self) -> None:
        try:
            async with asyncio.timeout(self.most_s):
                self._answers.append(await self.ask())
        except TimeoutError:
            self._failure = TimeoutError(f"there was no answer within {self.most_s:g} s")
        except Exception as failure:  # noqa: BLE001 (the line tells it; other lines are answered all the same)
            self._failure = failure
