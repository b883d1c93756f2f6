"""Vault files: every bit flipped, every length cut, and good seals over bad content."""

import base64
import json
from collections.abc import Iterator
from random import Random
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from journal_keys.adapters.embedded import sealing
from journal_keys.adapters.embedded.sealing import VaultDamagedError, WrongMasterKeyError
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import KNOWN_SECRETS, SecretPath
from tests.proof.bad_inputs import names
from tests.proof.bad_inputs.documents import altered, changed_members, members_of, rendered, strictly_read
from tests.proof.bad_inputs.encodings import slowly_decoded
from tests.proof.bad_inputs.search import REFUSED, Labelled, Target, differs_from
from tests.proof.bad_inputs.texts import noise, noise_bytes

VAULTS: Final = 50
_MASTER: Final = bytes(range(32))
_HEADER_BYTES: Final = 32


def _vault(number: int) -> bytes:
    """A small vault: none to three short secrets, each vault with its own nonce."""
    dice = Random(f"vault {number}")
    paths = dice.sample([SecretPath(("a",)), SecretPath(("b", "c")), *KNOWN_SECRETS], k=number % 4)
    secrets = {path: KeyMaterial(dice.randbytes(dice.randrange(9))) for path in paths}
    return sealing.seal(secrets, KeyMaterial(_MASTER), dice.randbytes(12))


SEALED: Final = tuple(_vault(number) for number in range(VAULTS))
_UNTOUCHED: Final = frozenset(SEALED)


def damaged() -> Iterator[Labelled[bytes]]:
    """Each vault untouched, then with every single bit flipped, then cut at every length."""
    for number, data in enumerate(SEALED):
        yield f"vault {number}", data
        for bit in range(len(data) * 8):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            yield f"vault {number} bit {bit}", bytes(flipped)
        for length in range(len(data)):
            yield f"vault {number} cut to {length}", data[:length]


def with_its_header_back(data: bytes) -> bytes:
    """The bytes with the first twenty of every header, as an authentication that leaves them out would see them."""
    return SEALED[0][: _HEADER_BYTES - 12] + data[_HEADER_BYTES - 12 :]


def _opened(data: bytes) -> object:
    secrets = sealing.unseal(data, KeyMaterial(_MASTER), name="vault")
    return {str(path): expose(value) for path, value in sorted(secrets.items())}


def _content(data: bytes) -> object:
    """What a vault's plaintext says, by a reader that shares no code with ours; REFUSED for what is no vault."""
    document = strictly_read(_plaintext(data))
    if not isinstance(document, dict):
        return REFUSED
    values = {path: slowly_decoded(value) if isinstance(value, str) else REFUSED for path, value in document.items()}
    if REFUSED in values.values() or any(names.path_expected(path) is REFUSED for path in values):
        return REFUSED
    return dict(sorted(values.items(), key=lambda item: item[0].split("/")))


def _plaintext(data: bytes) -> str:
    header, body = data[:_HEADER_BYTES], data[_HEADER_BYTES:]
    text = AESGCM(_MASTER).decrypt(header[-12:], body, header)
    return text.decode("ascii") if text.isascii() else "not JSON"


def _only_untouched(data: bytes, got: object) -> str | None:
    wanted = _content(data) if data in _UNTOUCHED else REFUSED
    return None if repr(got) == repr(wanted) else f"read as {got}, not as {wanted}"


_REFUSALS: Final = (WrongMasterKeyError, VaultDamagedError)

DAMAGED: Final[Target[bytes]] = Target(
    name="damaged vault", make=lambda _: b"", read=_opened, refusals=_REFUSALS, fault=_only_untouched, share=0
)


def _some_content(dice: Random) -> bytes:
    """A vault that the right master key sealed over what may be anything."""
    paths = [names.some_path(dice) for _ in range(dice.randrange(4))]
    good = {str(path): base64.urlsafe_b64encode(dice.randbytes(6)).decode() for path in paths}
    match dice.randrange(6):
        case 0 | 1:
            text = json.dumps(good)
        case 2:
            text = rendered(changed_members(members_of(good), dice), dice)
        case 3:
            text = altered(good | {"/a/b": noise(dice)}, dice)
        case 4:
            text = json.dumps(good | {"/a/b": dice.choice(("AA", "AB", "AA==", "+/", "", None, 5, ["AA"]))})
        case _:
            text = dice.choice((noise(dice), "[]", "null", "1", '"/a"', "{}", "[" * 5_000, noise_bytes(dice).hex()))
    encoded = text.encode(dice.choice(("utf-8", "utf-8", "utf-8", "utf-16")), "replace")
    header = SEALED[0][: _HEADER_BYTES - 12] + dice.randbytes(12)
    return header + AESGCM(_MASTER).encrypt(header[-12:], encoded, header)


CONTENT: Final[Target[bytes]] = Target(
    name="vault content",
    make=_some_content,
    read=_opened,
    refusals=_REFUSALS,
    fault=differs_from(_content),
    share=6_000,
)
