"""Writing one `RingChange` into an open transaction: compare and set, then what changed."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from journal_keys.adapters.sql import record_rows, rows
from journal_keys.adapters.sql.tables import key_versions, rings, rotations
from journal_keys.domain.changes import RingChange, RotationRecord, RotationStatus
from journal_keys.domain.errors import MaterialCorruptError, RingInvariantError
from journal_keys.domain.keyring import KeyRing
from journal_keys.ports.ledger import StaleGenerationError

_IDENTITY: Final = ("family", "kid", "algorithm", "digest", "public_jwk", "derived_kid")
"""The columns that a kid stands for: an update finds its row by all of them, and sets none."""


async def apply(connection: AsyncConnection, change: RingChange) -> None:
    """Write ring, versions and rotations.

    Raises:
        StaleGenerationError: the ring is not at the expected generation, or exists and is to be founded.
        MaterialCorruptError: a kid is recorded with another identity.
        RingInvariantError: the ring lacks a kid that the ledger holds.
    """
    await (_found(connection, change) if change.founding else _compare_and_set(connection, change))
    await _set_versions(connection, change.ring)
    await _set_rotations(connection, change.rotations)


def _stale(change: RingChange) -> StaleGenerationError:
    return StaleGenerationError(
        f"ring {change.ring.family} is not at generation {change.expected_generation}: nothing was changed"
    )


async def _found(connection: AsyncConnection, change: RingChange) -> None:
    try:
        await connection.execute(insert(rings).values(rows.from_ring(change.ring)))
    except IntegrityError:
        raise _stale(change) from None


async def _compare_and_set(connection: AsyncConnection, change: RingChange) -> None:
    mine = rings.c.family == change.ring.family.value
    expected = rings.c.generation == change.expected_generation
    done = await connection.execute(update(rings).where(mine, expected).values(rows.from_ring(change.ring)))
    if done.rowcount != 1:
        raise _stale(change)


async def _set_versions(connection: AsyncConnection, ring: KeyRing) -> None:
    query = select(key_versions).where(key_versions.c.family == ring.family.value)
    stored = {row["kid"]: dict(row) for row in (await connection.execute(query)).mappings()}
    wanted = {version.kid: rows.from_version(version) for version in ring.versions}
    lost = sorted(stored.keys() - wanted.keys())
    if lost:
        raise RingInvariantError(f"ring {ring.family} would lose {', '.join(lost)}: a version stays, DESTROYED or not")
    added = [row for kid, row in wanted.items() if kid not in stored]
    if added:
        await connection.execute(insert(key_versions), added)
    for kid, row in stored.items():
        if row != wanted[kid]:
            await _update_version(connection, wanted[kid])


async def _update_version(connection: AsyncConnection, row: dict[str, object]) -> None:
    same = [key_versions.c[name] == row[name] for name in _IDENTITY]
    rest = {name: value for name, value in row.items() if name not in _IDENTITY}
    done = await connection.execute(update(key_versions).where(*same).values(rest))
    if done.rowcount != 1:
        raise MaterialCorruptError(f"key {row['kid']} is recorded as another key: a kid is never used twice")


async def set_result(connection: AsyncConnection, record: RotationRecord) -> bool:
    """Write the row of a rotation that has no result yet; False where it has one."""
    settled = select(rotations.c.status).where(*_of(record), rotations.c.status != RotationStatus.WAITING.value)
    if (await connection.execute(settled)).first() is not None:
        return False
    await _set_rotations(connection, (record,))
    return True


async def _set_rotations(connection: AsyncConnection, records: Iterable[RotationRecord]) -> None:
    for record in records:
        await connection.execute(delete(rotations).where(*_of(record)))
        await connection.execute(insert(rotations).values(record_rows.from_rotation(record)))


def _of(record: RotationRecord) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return rotations.c.rotation_id == record.request.rotation_id, rotations.c.family == record.family.value
