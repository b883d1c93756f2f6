"""Identities, seals and damaged backups for tests."""

import base64
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from journal_keys.adapters.embedded import age_form
from journal_keys.adapters.embedded.backup_folder import FolderBackupShelf
from journal_keys.domain.backup_seal import ByIdentities, ForRecipients, Seal, WithPassphrase
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.backup_shelf import BackupDamagedError, BackupKeyError

START: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
TICK: Final = timedelta(milliseconds=20)
CONTENT: Final = KeyMaterial(b"canary-content")
PASSPHRASE: Final = WithPassphrase(KeyMaterial(b"canary-passphrase"))
OTHER_PASSPHRASE: Final = WithPassphrase(KeyMaterial(b"canary-other-passphrase"))
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
ALTERED: Final = (BackupDamagedError, BackupKeyError)


class Holder(NamedTuple):
    """Somebody with an identity."""

    recipient: str
    opening: ByIdentities


def holder() -> Holder:
    """Somebody new."""
    identity, recipient = age_form.new_identity()
    return Holder(recipient, ByIdentities(identity))


OURS, SPARE, FOREIGN = holder(), holder(), holder()
SEAL: Final = ForRecipients((OURS.recipient,))


@dataclass(frozen=True, slots=True)
class Flips:
    """Single bits to flip in small backups: every one of the first `whole` backups, `some` random ones of the rest."""

    backups: int
    whole: int
    some: int

    def of(self, number: int, size_bytes: int, chance: random.Random) -> Iterator[int]:
        """The bits of this backup."""
        bits = range(size_bytes * 8)
        yield from bits if number < self.whole else chance.sample(bits, self.some)

    def survivors(self, folder: Path, refused: Callable[[Path], bool], *, seed: int) -> list[tuple[int, int]]:
        """Make the backups, flip the bits one after the other, and give those that were not refused."""
        chance = random.Random(seed)
        shelf, found = FolderBackupShelf(folder), []
        for number in range(self.backups):
            content = KeyMaterial(chance.randbytes(chance.randrange(4)))
            file = Path(shelf._save(f"{number}.age", content, SEAL))  # noqa: SLF001 (a thread each would be measured)
            sealed = file.read_bytes()
            for bit in self.of(number, len(sealed), chance):
                file.write_bytes(flipped(sealed, bit))
                if not refused(file):
                    found.append((number, bit))
            file.unlink()
        return found


def flipped(data: bytes, bit: int) -> bytes:
    """The same bytes with one bit changed."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def scrypt_file(log2: int | str) -> bytes:
    """A file that wants a passphrase at this cost; nothing in it is authentic."""
    return age_file(f"-> scrypt {_base64(bytes(16))} {log2}\n{_base64(bytes(32))}\n")


def age_file(stanzas: str, *, payload: bytes = bytes(32)) -> bytes:
    """A file with these stanzas; nothing in it is authentic."""
    return f"age-encryption.org/v1\n{stanzas}--- {_base64(bytes(32))}\n".encode("ascii") + payload


def x25519_stanza() -> str:
    """A stanza that names somebody, unopenable."""
    return f"-> X25519 {_base64(b'9' * 32)}\n{_base64(bytes(32))}\n"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii").rstrip("=")


def recipients(count: int) -> Seal:
    """A seal for one holder, named that many times."""
    return ForRecipients((OURS.recipient,) * count)


def bech32(prefix: str, data: bytes) -> str:
    """Text of BIP 173."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    words = [int(bits[start : start + 5], 2) for start in range(0, len(bits), 5)]
    head = [ord(each) >> 5 for each in prefix] + [0] + [ord(each) & 31 for each in prefix]
    check = _checksum(head + words + [0] * 6) ^ 1
    return f"{prefix}1" + "".join(_BECH32[word] for word in words + [check >> 5 * (5 - i) & 31 for i in range(6)])


def _checksum(words: list[int]) -> int:
    check = 1
    for word in words:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ word
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    return check
