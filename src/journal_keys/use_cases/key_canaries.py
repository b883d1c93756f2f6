"""A canary for each key of a backup: what only this key signed or opens."""

from journal_keys.domain import base64url, material
from journal_keys.domain.backup import Backup
from journal_keys.domain.envelope import NONCE_BYTES, SHORTEST_V2
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.keys import Algorithm, Family, KeyVersion, Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.key_crypto import KeyOpener

_TEXT = b"journal_keys backup canary of "


def make_canary(record: MaterialRecord, opener: KeyOpener, entropy: Entropy) -> str:
    """Give text: a signature, nonce and ciphertext, or for a key that only reads the HMAC of the key under its kid.

    Raises:
        MaterialCorruptError: the record is no key.
    """
    said = _said(record.kid)
    if record.algorithm in {Algorithm.HS256, Algorithm.FERNET}:
        opener.prove(record)
        return _reading(record)
    if record.family is Family.JWT:
        return base64url.encode(opener.signing(record).sign(said))
    nonce = entropy.token(NONCE_BYTES)
    return base64url.encode(nonce + opener.cipher(record).seal(nonce, said, said))


def check_canary(backup: Backup, family: Family, version: KeyVersion, opener: KeyOpener) -> None:
    """Open one key of a backup, use it, and open its canary with it.

    Raises:
        MaterialCorruptError: it is no key, another key than the ledger in the backup says, or not the canary's.
    """
    line = backup.line(family, version.kid)
    if line is None:
        return
    record = material.decode(line)
    public = opener.prove(record)
    same = (record.kid, record.family, record.algorithm, record.derived_kid, public) == (
        version.kid,
        family,
        version.algorithm,
        version.derived_kid,
        version.public_jwk,
    )
    if not same or not _opens(record, backup.canaries.get(version.kid, ""), opener):
        raise MaterialCorruptError(f"{version.kid} in the backup is another key than the one that was backed up")


def _opens(record: MaterialRecord, canary: str, opener: KeyOpener) -> bool:
    said = _said(record.kid)
    if record.algorithm in {Algorithm.HS256, Algorithm.FERNET}:
        return canary == _reading(record)
    try:
        raw = base64url.decode(canary)
    except ValueError:
        return False
    if record.family is Family.AES:
        is_whole = len(raw) >= SHORTEST_V2
        return is_whole and opener.cipher(record).open(raw[:NONCE_BYTES], raw[NONCE_BYTES:], said) == said
    public = opener.prove(record)
    if public is None:
        return False
    verifying = opener.verifying(record.kid, record.algorithm, public, derived_kid=record.derived_kid)
    return verifying.verify(said, raw)


def _said(kid: Kid) -> bytes:
    return _TEXT + kid.encode("ascii")


def _reading(record: MaterialRecord) -> str:
    return record.key.fingerprint(KeyMaterial(_said(record.kid)))
