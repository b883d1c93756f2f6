"""The secret store in Infisical."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from journal_keys.adapters.infisical_cli import argv, wire
from journal_keys.adapters.infisical_cli.caller import Caller, Order
from journal_keys.adapters.infisical_cli.connection import Target
from journal_keys.adapters.infisical_cli.failures import CallFailedError, CallFailure, Failure
from journal_keys.adapters.infisical_cli.flights import Flights
from journal_keys.adapters.infisical_cli.patience import Patience
from journal_keys.adapters.infisical_cli.session import Session
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_store import (
    FolderContent,
    PendingApprovalError,
    SecretStore,
    SecretStoreDeniedError,
    SecretStoreError,
    SecretStoreProtocolError,
    SecretStoreUnavailableError,
    WriteOnceConflictError,
    folder_of,
)

_GONE: Final = frozenset({Failure.NO_SECRET, Failure.NO_FOLDER})
_CONTENDED: Final = frozenset({Failure.EXISTS, Failure.NO_SECRET})
"""Of a write: somebody else made or removed the name behind the child's own look."""
_DENIED: Final = frozenset(
    {
        Failure.TOKEN,
        Failure.FORBIDDEN,
        Failure.CREDENTIALS,
        Failure.NO_PROJECT,
        Failure.NO_ENVIRONMENT,
        Failure.REFUSED,
        *_GONE,
    }
)


@dataclass(slots=True, kw_only=True)
class InfisicalCliSecretStore(SecretStore):
    """Reads as `reader`, writes as `writer`; every write is read back, and believed only then.

    Writes of this process go one at a time. Two processes that put different content under one new name in the same
    hundredth of a second could both be told of success: the CLI looks before it writes and knows no other way. The
    names under which keys are put are made from the keys, so that two of them never differ.
    """

    call: Caller
    target: Target
    reader: Session
    writer: Session
    patience: Patience
    _reads: Flights = field(init=False)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _seen: set[SecretPath] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        self._reads = Flights(self._read)

    async def end(self) -> None:
        """Wait until the writes under way are done and read back, and give up the reads."""
        async with self._writing:
            await self._reads.end()

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        """Read one folder with one child, which those share who ask before it is started."""
        return await self._reads(folder)

    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:
        """Create a write-once secret."""
        async with self._writing:
            held = (await self._reads(path.folder)).secrets.get(path.name)
            if held is None:
                held = (await self._written({path: value})).get(path.name)
            if held is None:
                raise _pending(path)
            if not held.same_as(value):
                raise WriteOnceConflictError(f"{path} already holds other content: it was not overwritten")

    async def overwrite(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        """Set secrets of one folder with one child, which sets them one after the other."""
        if folder_of(values) is None:
            return
        async with self._writing:
            held = await self._written(values)
            for path, value in values.items():
                if not _holds(held, path, value):
                    raise _pending(path)

    async def delete(self, path: SecretPath) -> None:
        """Remove a secret, and look whether it is gone."""
        async with self._writing:
            failure = await self._tried(Order(argv=argv.delete_secret(self.target, path), writes=True))
            if failure is not None and failure.kind in _GONE:
                return
            if path.name not in (await self._reads(path.folder)).secrets:
                return
            raise _error(path, failure) if failure else _pending(path)

    async def _read(self, folder: SecretPath, on_start: Callable[[], None]) -> FolderContent:
        order = Order(argv=argv.read_folder(self.target, folder), is_counted=True, on_start=on_start)
        try:
            printed = await self._as(self.reader, order, self.patience)
        except CallFailedError as failed:
            if failed.failure.kind is not Failure.NO_FOLDER:
                raise _error(folder, failed.failure) from None
            printed = b"[]"
        content = wire.parse_listing(folder, printed)
        if content.secrets:
            self._seen.add(folder)
        return content

    async def _written(self, values: Mapping[SecretPath, KeyMaterial]) -> Mapping[str, KeyMaterial]:
        """Set secrets once, and give what their folder then holds: that alone says what was done.

        Raises:
            SecretStoreError: the call failed, and not all of them are there.
        """
        path = next(iter(values))
        if path.folder not in self._seen:
            await self._make_folder(path.folder)
        failure = await self._set(values)
        if failure is not None and failure.kind is Failure.NO_FOLDER:
            await self._make_folder(path.folder)
            failure = await self._set(values)
        if failure is not None and failure.kind in _CONTENDED:
            failure = None
        if failure is not None and failure.is_settled and len(values) == 1:
            raise _error(path, failure)
        held = (await self._reads(path.folder)).secrets
        lacking = [path for path, value in values.items() if not _holds(held, path, value)]
        if failure is not None and lacking:
            raise _error(lacking[0], failure)
        return held

    async def _set(self, values: Mapping[SecretPath, KeyMaterial]) -> CallFailure | None:
        """Set secrets; where that fails, some of them may be set."""
        data = wire.to_yaml({path.name: wire.to_text(value) for path, value in values.items()})
        folder = next(iter(values)).folder
        return await self._tried(
            Order(argv=argv.set_secret(self.target, folder), data=data, writes=True, is_counted=True)
        )

    async def _make_folder(self, folder: SecretPath) -> None:
        failure = await self._tried(Order(argv=argv.make_folder(self.target, folder), writes=True))
        if failure is not None:
            raise _error(folder, failure)
        self._seen.add(folder)

    async def _tried(self, order: Order) -> CallFailure | None:
        """Write once, and give why that failed."""
        try:
            await self._as(self.writer, order)
        except CallFailedError as failed:
            return failed.failure
        return None

    async def _as(self, session: Session, order: Order, patience: Patience | None = None) -> bytes:
        """Call with a token, and once more with a new one if the token was the trouble."""
        token = await session.token()
        try:
            return await self.call(order.with_secrets(argv.token_variables(token)), patience)
        except CallFailedError as failed:
            if failed.failure.kind is not Failure.TOKEN:
                raise
        token = await session.renewed(token)
        return await self.call(order.with_secrets(argv.token_variables(token)), patience)


def _holds(held: Mapping[str, KeyMaterial], path: SecretPath, value: KeyMaterial) -> bool:
    found = held.get(path.name)
    return found is not None and found.same_as(value)


def _pending(path: SecretPath) -> PendingApprovalError:
    return PendingApprovalError(
        f"Infisical took the change of {path} and does not show it: it waits for approval, something between here and"
        " the server answers for it, or somebody else changed it"
    )


def _error(path: SecretPath, failure: CallFailure) -> SecretStoreError:
    if failure.kind in _DENIED:
        return SecretStoreDeniedError(f"{path}: {failure}")
    if failure.kind is Failure.USAGE:
        return SecretStoreProtocolError(f"{path}: {failure}; 'journal-keys doctor' looks at the binary")
    return SecretStoreUnavailableError(f"{path}: {failure}")
