"""The snapshot in one sealed file of this host, which any number of processes of one environment may share."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from journal_keys.adapters.embedded import files, snapshot_form
from journal_keys.adapters.embedded.seal import NONCE_BYTES, ChangedError, FormError, MarkError, Seal
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.snapshot import Snapshot
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.secret_store import SecretStoreDeniedError, SecretStoreError, SecretStoreProtocolError
from journal_keys.ports.snapshot_store import (
    SnapshotDamagedError,
    SnapshotDeniedError,
    SnapshotForeignError,
    SnapshotKeyError,
    SnapshotStore,
    SnapshotUnavailableError,
)

MOST_BYTES: Final = 4 * 1024 * 1024
_ENVIRONMENT: Final = 1
"""The position of the environment's mark; the key's comes first, because no other can be told without the key."""


class FileSnapshotStore(SnapshotStore):
    """Reads without a lock, since replacing a file is atomic. `environment` names what the file may be used for."""

    def __init__(self, file: Path, key: KeyMaterial, environment: str, entropy: Entropy) -> None:
        self.name = str(file)
        self._file = file
        self._key = key
        self._entropy = entropy
        self._seal = Seal(
            magic=b"JKS1",
            labels=(b"journal_keys/1 snapshot key check", b"journal_keys/1 snapshot of " + environment.encode("utf-8")),
            most=MOST_BYTES,
        )

    async def load(self) -> Snapshot | None:
        """Read and open the file."""
        return await asyncio.to_thread(self._load)

    async def save(self, snapshot: Snapshot) -> None:
        """Seal, and replace the file."""
        await asyncio.to_thread(self._save, snapshot)

    def _load(self) -> Snapshot | None:
        with _told():
            data = files.read_private(self._file, most=MOST_BYTES)
        if data is None:
            return None
        snapshot = snapshot_form.from_text(self._opened(data))
        if snapshot is None:
            raise SnapshotDamagedError(f"the snapshot {self.name} was sealed with content of another version")
        return snapshot

    def _opened(self, data: bytes) -> bytes:
        try:
            return self._seal.open(data, self._key)
        except FormError:
            raise SnapshotDamagedError(f"{self.name} is no snapshot of version 1, or was cut off") from None
        except MarkError as other:
            if other.position == _ENVIRONMENT:
                raise SnapshotForeignError(
                    f"the snapshot {self.name} is another environment's, or damaged: name another file, or delete it"
                ) from None
            raise SnapshotKeyError(
                f"the snapshot {self.name} was sealed under another JOURNAL_SNAPSHOT_KEY, or is damaged"
            ) from None
        except ChangedError:
            raise SnapshotDamagedError(f"the snapshot {self.name} was changed after it was sealed") from None

    def _save(self, snapshot: Snapshot) -> None:
        try:
            data = self._seal.close(snapshot_form.to_text(snapshot), self._key, self._entropy.token(NONCE_BYTES))
        except FormError:
            raise SnapshotDamagedError(
                f"the snapshot {self.name} would be larger than {MOST_BYTES} bytes: it was not written"
            ) from None
        with _told(), files.locked(self._file):
            files.remove_leftovers(self._file)
            files.write_private(self._file, data, replace=True)


@contextmanager
def _told() -> Iterator[None]:
    """Tell of a file in this port's errors; the functions on files know the vault's only."""
    try:
        yield
    except SecretStoreDeniedError as failure:
        raise SnapshotDeniedError(f"the snapshot {failure}") from None
    except SecretStoreProtocolError as failure:
        raise SnapshotDamagedError(f"the snapshot {failure}") from None
    except SecretStoreError as failure:
        raise SnapshotUnavailableError(f"the snapshot {failure}") from None
