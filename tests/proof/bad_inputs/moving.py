"""What moves in and out: backups, heads of age files, keys as environment variables hold them."""

import base64
import json
from random import Random
from typing import Any, Final

from journal_keys.adapters.embedded.age_form import AgeFormError, AgeHeader, parse_header
from journal_keys.domain.backup import BackupContentError, backup_text, read_backup
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.foreign_keys import ForeignKeyError
from tests.proof.backups import a_backup
from tests.proof.bad_inputs.documents import altered, strictly_read
from tests.proof.bad_inputs.names import kid_expected
from tests.proof.bad_inputs.search import REFUSED, Target, differs_from
from tests.proof.bad_inputs.texts import mangled_bytes, noise
from tests.support.backups import age_file, scrypt_file, x25519_stanza
from tests.support.imported import ED25519, P256, foreign_keys, pem, text_key
from tests.support.world import START, World

_BACKUPS: Final = tuple(expose(backup_text(a_backup(Random(seed)))) for seed in range(6))
_FILES: Final = (*(age_file(x25519_stanza() * count) for count in (1, 2, 16)), scrypt_file(10), scrypt_file(20))
"""Forms only: what is sealed is never the same twice."""

_FOREIGN: Final = foreign_keys(World())
_KEYS: Final = {kid: text_key(seed) for seed, kid in enumerate(("old_1", "old-2", "k"))}
_PEMS: Final = {
    expose(pem(private)): _FOREIGN.signing_key(pem(private), None, kid=None, created_at=START).record.kid
    for private in (ED25519, P256)
}


def _nearly_a_backup(dice: Random) -> bytes:
    whole = dice.choice(_BACKUPS)
    if dice.random() < 0.1:
        return whole
    if dice.random() < 0.5:
        return mangled_bytes(whole, dice)
    return altered(json.loads(whole), dice).encode("utf-8", "surrogatepass")


def _backup_fault(given: bytes, got: object) -> str | None:
    """What is read says again what was given; and one that was not changed is read."""
    if got is REFUSED:
        return "a good backup is refused" if given in _BACKUPS else None
    assert isinstance(got, bytes)
    return None if strictly_read(given.decode("ascii")) == json.loads(got) else "it is read as something else"


BACKUP: Final[Target[bytes]] = Target(
    name="backup",
    make=_nearly_a_backup,
    read=lambda given: expose(backup_text(read_backup(KeyMaterial(given)))),
    refusals=(BackupContentError,),
    fault=_backup_fault,
    share=1_500,
)


def _header_fault(given: bytes, got: object) -> str | None:
    if got is REFUSED:
        return "the head of a good file is refused" if given in _FILES else None
    assert isinstance(got, AgeHeader)
    return None if got.kinds and given[: got.length].endswith(b"\n") else "it ends in the middle of a line"


AGE_HEAD: Final[Target[bytes]] = Target(
    name="head of an age file",
    make=lambda dice: dice.choice(_FILES) if dice.random() < 0.1 else mangled_bytes(dice.choice(_FILES), dice),
    read=parse_header,
    refusals=(AgeFormError,),
    fault=_header_fault,
    share=1_500,
)


def _nearly_keys(dice: Random) -> str:
    if dice.random() < 0.2:
        return json.dumps(_KEYS)
    return altered(_KEYS, dice)


def _keys_expected(given: str) -> object:
    """Kids and keys by Python's own readers; REFUSED for anything that is not said to be allowed."""
    document: Any = strictly_read(given)
    if document is REFUSED or not isinstance(document, dict) or not document:
        return REFUSED
    found: dict[str, bytes] = {}
    for kid, text in document.items():
        if kid_expected(kid) is REFUSED or not isinstance(text, str):
            return REFUSED
        key = _decoded(text)
        if key is None or key in found.values():
            return REFUSED
        found[kid] = key
    return list(found.items())


def _decoded(text: str) -> bytes | None:
    bare = text.rstrip("=")
    try:
        key = base64.b64decode(bare.encode("ascii") + b"=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    padded_right = len(text) - len(bare) in {0, 1}
    exact = base64.urlsafe_b64encode(key).decode().rstrip("=") == bare
    return key if len(key) == 32 and exact and padded_right else None


AES_KEYS: Final[Target[str]] = Target(
    name="AES keys of a variable",
    make=_nearly_keys,
    read=lambda given: [
        (str(key.record.kid), expose(key.record.key))
        for key in _FOREIGN.aes_keys(KeyMaterial(given.encode("utf-8", "surrogatepass")), created_at=START)
    ],
    refusals=(ForeignKeyError,),
    fault=differs_from(_keys_expected),
    share=1_500,
)


def _nearly_pem(dice: Random) -> bytes:
    whole = dice.choice(tuple(_PEMS))
    if dice.random() < 0.2:
        return whole
    return mangled_bytes(whole, dice) if dice.random() < 0.9 else noise(dice).encode("utf-8", "surrogatepass")


def _pem_fault(given: bytes, got: object) -> str | None:
    if given in _PEMS:
        return None if got == _PEMS[given] else "a good key is refused, or read as another"
    return None


PEM: Final[Target[bytes]] = Target(
    name="PEM of a variable",
    make=_nearly_pem,
    read=lambda given: _FOREIGN.signing_key(KeyMaterial(given), None, kid=None, created_at=START).record.kid,
    refusals=(ForeignKeyError,),
    fault=_pem_fault,
    share=1_000,
)
