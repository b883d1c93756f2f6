"""Backups that were changed are refused, and what was backed up comes back: every bit, every length, any content."""

import asyncio
import os
import random
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from journal_keys.adapters.embedded import age_form
from journal_keys.adapters.embedded.backup_folder import FolderBackupShelf
from journal_keys.domain import base64url, material
from journal_keys.domain.audit_chain import EMPTY, head_of, link
from journal_keys.domain.backup import Backup, backup_text, read_backup
from journal_keys.domain.exposure import expose
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Algorithm, Family, KeyState, Kid
from journal_keys.domain.ledger_copy import LedgerCopy
from journal_keys.domain.material import KeyMaterial, MaterialRecord
from journal_keys.domain.paths import SecretPath
from tests.proof.verdict import Verdict
from tests.support.backups import ALTERED, OURS, SEAL, START, Flips
from tests.support.ledger_contract import fact

BACKUPS: Final = 200
ROUND_TRIPS: Final = 10_000
_STATES: Final = (KeyState.DEACTIVATED, KeyState.COMPROMISED)


def a_backup(dice: random.Random) -> Backup:
    """Any backup: rings of random keys in random states, secrets of any bytes, a chain of audit entries."""
    rings, lines, canaries = {}, {}, {}
    for family in Family:
        made = [_record(family, dice) for _ in range(dice.randint(1, 4))]
        stored = {record.kid: material.encode(record) for record in made}
        versions = []
        for number, record in enumerate(made):
            digest = stored[record.kid].digest()
            version = material.unused_version(record, digest=digest, public_jwk=_public(family, dice))
            version = version.moved_to(KeyState.ACTIVE, START)
            versions.append(version if number == 0 else version.moved_to(dice.choice(_STATES), START))
        rings[family] = KeyRing(
            family=family, generation=dice.randint(1, 9), changed_at=START, versions=tuple(versions)
        )
        lines[family] = stored
        canaries.update({kid: dice.randbytes(9).hex() for kid in stored})
    head, entries = EMPTY, []
    for number in range(dice.randint(0, 4)):
        entries.append(link(head, fact(f"fact {number}", note=dice.randbytes(4).hex())))
        head = head_of(entries[-1])
    copy = LedgerCopy(time=None, rings=rings, rotations=(), usage={}, webhook_secrets=(), entries=tuple(entries))
    secrets = {
        SecretPath(("application", f"s{number}")): KeyMaterial(dice.randbytes(dice.randint(1, 60)))
        for number in range(dice.randint(0, 4))
    }
    return Backup(made_at=START, environment="dev", ledger=copy, material=lines, secrets=secrets, canaries=canaries)


def _public(family: Family, dice: random.Random) -> PublicJwk | None:
    if family is Family.AES:
        return None
    return PublicJwk.from_members({"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(dice.randbytes(32))})


def _record(family: Family, dice: random.Random) -> MaterialRecord:
    """Any bytes for a key: whether they are one is not the form's matter."""
    key = KeyMaterial(dice.randbytes(32))
    own = material.aes_kid(key)
    return MaterialRecord(
        family=family,
        kid=dice.choice((own, Kid(f"old_{own[4:20]}"))),
        algorithm=Algorithm.A256GCM if family is Family.AES else Algorithm.EDDSA,
        created_at=START - timedelta(seconds=dice.randint(0, 99)),
        key=key,
        derived_kid=own,
    )


def lost_on_the_way(trips: int, *, seed: int, read: Callable[[KeyMaterial], Backup] = read_backup) -> list[int]:
    """Seal and open so many random backups; give the numbers of those that came back otherwise."""
    dice, found = random.Random(seed), []
    for number in range(trips):
        text = backup_text(a_backup(dice))
        opened = age_form.opened(age_form.sealed(text, SEAL), OURS.opening, "trip")
        if expose(backup_text(read(opened))) != expose(text):
            found.append(number)
    return found


def is_refused(file: Path) -> bool:
    """Whether the shelf refuses what stands in this file."""
    shelf = FolderBackupShelf(file.parent)
    try:
        shelf._load(str(file), OURS.opening)  # noqa: SLF001 (a thread for each would be all that is measured)
    except ALTERED:
        return True
    return False


def survivors(flips: Flips, *, seed: int, is_refused: Callable[[Path], bool] = is_refused) -> list[tuple[int, int]]:
    """Flip bits of small backups; give those that were opened all the same."""
    with tempfile.TemporaryDirectory() as folder:
        return flips.survivors(Path(folder) / "backups", is_refused, seed=seed)


def cut_and_opened(
    backups: int, *, seed: int, is_refused: Callable[[Path], bool] = is_refused
) -> list[tuple[int, int]]:
    """Cut small backups off at every length, and append a byte; give what was opened all the same."""
    dice, found = random.Random(seed), []
    with tempfile.TemporaryDirectory() as folder:
        shelf = FolderBackupShelf(Path(folder) / "backups")
        for number in range(backups):
            content = KeyMaterial(dice.randbytes(number % 5))
            file = Path(asyncio.run(shelf.save(f"{number}.age", content, SEAL)))
            sealed = file.read_bytes()
            for length in range(len(sealed) + 1):
                file.write_bytes(sealed[:length] if length < len(sealed) else sealed + b"\0")
                if not is_refused(file):
                    found.append((number, length))
    return found


def _done(task: tuple[str, int, int]) -> list[Any]:
    name, size, seed = task
    if name == "trips":
        return lost_on_the_way(size, seed=seed)
    if name == "cuts":
        return cut_and_opened(size, seed=seed)
    return survivors(Flips(backups=size, whole=size, some=0), seed=seed)


def run(*, nightly: bool, backups: int = 4, trips: int = 300) -> Verdict:
    """A few backups and trips; nightly 200 and 10,000, in as many processes as there are processors."""
    sizes = {
        "flips": BACKUPS if nightly else backups,
        "cuts": BACKUPS if nightly else backups,
        "trips": ROUND_TRIPS if nightly else trips,
    }
    parts = 20 if nightly else 1
    tasks = [(name, size // parts, seed) for name, size in sizes.items() for seed in range(parts)]
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) if nightly else nullcontext() as pool:
        results: Iterable[list[Any]] = (pool.map if pool else map)(_done, tasks)
        each = zip(tasks, results, strict=True)
        wrong = [f"{name}, seed {seed}: {one}" for (name, _, seed), found in each for one in found]
    told = (
        f"backups: {sizes['flips']} with every bit flipped, {sizes['cuts']} cut off at every length,"
        f" {sizes['trips']} round trips, wrong {len(wrong)}"
    )
    return Verdict(lines=(*wrong[:20], told), holds=not wrong)
