"""Keys as the store keeps them: what the line holds."""

from random import Random
from typing import Any, Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat

from journal_keys.adapters.crypto.key_crypto import CryptographyKeyOpener
from journal_keys.domain.errors import MaterialCorruptError
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Algorithm
from journal_keys.domain.material import MaterialRecord
from tests.proof.bad_inputs import keys
from tests.proof.bad_inputs.materials import AES, RECORDS, record_of
from tests.proof.bad_inputs.search import REFUSED, Target
from tests.proof.bad_inputs.texts import mangled_bytes, noise_bytes

_OPENER: Final = CryptographyKeyOpener()
_OTHER_FORMS: Final = (
    keys.der(keys.P256, PrivateFormat.TraditionalOpenSSL),
    keys.ENCRYPTED,
    keys.ed25519_frame(31),
    keys.ed25519_frame(33),
    keys.ed25519_frame(32).replace(b"\x2b\x65\x70", b"\x2b\x65\x71"),  # says that it is Ed448
    keys.ED25519.public_key().public_bytes(Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
    *map(keys.der, keys.FOREIGN),
)
_MOSTLY_QUICK: Final = tuple(one for one in RECORDS if one.algorithm is not Algorithm.RS256) * 5 + RECORDS
"""An RSA key takes forty milliseconds to open."""


def _some_record(dice: Random) -> MaterialRecord:
    good = dice.choice(_MOSTLY_QUICK)
    kind = dice.randrange(10)
    if kind == 0:
        return good
    other = dice.choice(RECORDS)
    if kind == 1:
        return record_of(other.algorithm, good.kid, expose(good.key))
    if kind == 2:
        return record_of(good.algorithm, other.kid, expose(good.key))
    if kind < 5:
        return record_of(dice.choice(tuple(Algorithm)), good.kid, dice.choice(_OTHER_FORMS))
    changed = mangled_bytes(expose(good.key), dice, _OTHER_FORMS) if kind < 9 else noise_bytes(dice)
    return record_of(good.algorithm, good.kid, changed)


def _proved(record: MaterialRecord) -> object:
    public = _OPENER.prove(record)
    return record.kid if public is None else public.kid()


def _is_the_named_key(record: MaterialRecord, got: object) -> str | None:
    """A key that was proved is, whatever its encoding, the one of that name, and every untouched one is proved."""
    if got is REFUSED:
        return "a good key was refused" if record in RECORDS else None
    if got != record.kid:
        return f"proved to be {got}"
    if record.algorithm is Algorithm.A256GCM:
        return None if expose(record.key) == AES else "another key of the same kid"
    private: Any = serialization.load_der_private_key(expose(record.key), None, unsafe_skip_rsa_key_validation=True)
    expected: Any = keys.SIGNING[record.algorithm]
    return None if private.public_key() == expected.public_key() else "another key of the same kid"


PROVED: Final[Target[MaterialRecord]] = Target(
    name="KeyOpener.prove",
    make=_some_record,
    read=_proved,
    refusals=(MaterialCorruptError,),
    fault=_is_the_named_key,
    share=400,
)
