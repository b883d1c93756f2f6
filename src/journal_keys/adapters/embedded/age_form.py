"""The age format v1 (age-encryption.org/v1): what a header may look like, and the one door to the library `pyrage`.

A header is looked at here before the library sees the file: how long it may be, how many stanzas it may have, and what
a passphrase may cost. Armored files are refused.
"""

import re
from dataclasses import dataclass
from typing import Any, Final, cast

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from journal_keys.domain.backup_seal import (
    MOST_CONTENT_BYTES,
    MOST_RECIPIENTS,
    BackupError,
    ByIdentities,
    ForRecipients,
    Opening,
    Seal,
    WithPassphrase,
)
from journal_keys.domain.exposure import as_text, expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.backup_shelf import (
    BackupDamagedError,
    BackupKeyError,
    BackupSealError,
    BackupUnavailableError,
    SealedFor,
)

MOST_HEADER_BYTES: Final = 64 * 1024
MOST_STANZAS: Final = 32
MOST_SCRYPT_LOG2: Final = 20
"""2^20 is 1 GiB of memory and seconds of time."""
MOST_FILE_BYTES: Final = MOST_CONTENT_BYTES + MOST_HEADER_BYTES + 16 * (MOST_CONTENT_BYTES // (64 * 1024) + 2)
"""Content and header, one tag for each 64 KiB, one for an empty rest, one nonce."""
_MOST_IDENTITY_TEXT: Final = 64 * 1024
_NONCE_AND_TAG: Final = 16 + 16
_MAGIC: Final = b"age-encryption.org/v1\n"
_STANZA: Final = re.compile(
    rb"-> (?P<words>[!-~]+(?: [!-~]+)*)\n(?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/]{0,63}\n",
)
_MAC: Final = re.compile(rb"--- [A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]\n")
_SCRYPT: Final = "scrypt"
_SCRYPT_WORDS: Final = re.compile(r"scrypt [A-Za-z0-9+/]{22} (?P<log2>[1-9][0-9]{0,8})")
_RECIPIENT: Final = "age1"
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_CHECKSUM: Final = 6
"""BIP 173."""
_GREASE: Final = "-grease"
"""The end of the kind of a stanza that says nothing and keeps readers from breaking at unknown ones."""
_IN_WORDS: Final = {"recipients": "recipients", "passphrase": "a passphrase"}
_OTHER_KEY: Final = {
    "No matching keys found": "is sealed for none of these identities, or is damaged",
    "Decryption failed": "is sealed with another passphrase, or is damaged",
}
"""What the library says where a stanza does not open; whatever else it says, the file is not as it was sealed."""


class AgeFormError(Exception):
    """Not of the form; the message goes behind the file's name."""


@dataclass(frozen=True, slots=True)
class AgeHeader:
    """What a header says: the kinds of its stanzas, the cost of its passphrase, its length."""

    kinds: tuple[str, ...]
    scrypt_log2: int | None
    length: int

    @property
    def sealed_for(self) -> SealedFor:
        """What opens the file."""
        return "recipients" if self.scrypt_log2 is None else "passphrase"

    @property
    def recipients(self) -> int:
        """How many recipients it has, of whatever kind."""
        return 0 if self.scrypt_log2 is not None else len(self.kinds)


def parse_header(data: bytes) -> AgeHeader:
    """Read the header at the beginning of a file; nothing of it is authenticated yet.

    Raises:
        AgeFormError: it is none, is larger than 64 KiB or has more than 32 stanzas.
    """
    if not data.startswith(_MAGIC):
        raise AgeFormError("is no age file of version 1")
    stanzas, position = [], len(_MAGIC)
    while stanza := _STANZA.match(data, position, MOST_HEADER_BYTES):
        stanzas.append(stanza["words"].decode("ascii"))
        position = stanza.end()
        if len(stanzas) > MOST_STANZAS:
            raise AgeFormError(f"has a header of more than {MOST_STANZAS} stanzas")
    mac = _MAC.match(data, position, MOST_HEADER_BYTES)
    if mac is None or not stanzas:
        raise AgeFormError("has a header that is cut off, changed, or too large")
    kinds = tuple(words.partition(" ")[0] for words in stanzas)
    return AgeHeader(
        tuple(kind for kind in kinds if not kind.endswith(_GREASE)), _scrypt_log2(kinds, stanzas), mac.end()
    )


def _scrypt_log2(kinds: tuple[str, ...], stanzas: list[str]) -> int | None:
    if _SCRYPT not in kinds:
        return None
    words = _SCRYPT_WORDS.fullmatch(stanzas[0])
    if words is None or len(stanzas) > 1:
        raise AgeFormError("has a header whose passphrase stanza is malformed, or not the only one")
    return int(words["log2"])


def checked_header(data: bytes, size_bytes: int) -> AgeHeader:
    """Read the header of a file of this size that may be opened.

    Raises:
        AgeFormError: as `parse_header`; or a passphrase would cost more than 2^20, or nothing can be behind the header.
    """
    header = parse_header(data)
    if header.scrypt_log2 is not None and header.scrypt_log2 > MOST_SCRYPT_LOG2:
        raise AgeFormError(
            f"wants a passphrase at a cost of 2^{header.scrypt_log2}: not tried, 2^{MOST_SCRYPT_LOG2} is the most"
        )
    if size_bytes < header.length + _NONCE_AND_TAG:
        raise AgeFormError("is cut off")
    return header


def sealed(content: KeyMaterial, seal: Seal) -> bytes:
    """Give the bytes of a file that the other side of this seal opens.

    Raises:
        BackupSealError: a recipient is malformed, there are none or too many, or the passphrase is empty or no UTF-8.
        BackupUnavailableError: the library failed, or took a cost for this host that `checked_header` would refuse.
    """
    data = _encrypted(expose(content), seal)
    try:
        checked_header(data, len(data))
    except AgeFormError as wrong:
        raise BackupUnavailableError(f"what was sealed could not be opened again: it {wrong}") from None
    return data


def opened(data: bytes, opening: Opening, name: str) -> KeyMaterial:
    """Give what this file holds; messages call it `name`.

    Raises:
        BackupDamagedError: it is no age file, cut off, changed, or too costly.
        BackupSealError: an identity is malformed, there are none, or the passphrase is empty or no UTF-8.
        BackupKeyError: the opening is not that of the file.
    """
    try:
        header = checked_header(data, len(data))
    except AgeFormError as wrong:
        raise BackupDamagedError(f"the backup {name} {wrong}") from None
    match opening:
        case ByIdentities(text):
            identities = _identities(text)
            _refuse_other_kind(header, "recipients", name)
            return _decrypted(data, identities, name)
        case WithPassphrase(secret):
            passphrase = _passphrase(secret)
            _refuse_other_kind(header, "passphrase", name)
            return _decrypted(data, passphrase, name)


def recipient_of(text: KeyMaterial) -> tuple[str, ...]:
    """Give the recipients, `age1…`, of the identities in the content of an identity file, in their order.

    Raises:
        BackupSealError: a line is no identity, or there is none.
    """
    return tuple(str(identity.to_public()) for identity in _identities(text))


def new_identity() -> tuple[KeyMaterial, str]:
    """Give a new identity, `AGE-SECRET-KEY-1…`, and its recipient."""
    identity = _pyrage().x25519.Identity.generate()
    return KeyMaterial(str(identity).encode("ascii")), str(identity.to_public())


def _pyrage() -> Any:  # noqa: ANN401 (a compiled library without types: nobody but this module meets it)
    import pyrage  # type: ignore[import-untyped]  # noqa: PLC0415 (megabytes that only backups need)

    return pyrage


def _encrypted(content: bytes, seal: Seal) -> bytes:
    pyrage = _pyrage()
    try:
        match seal:
            case ForRecipients(texts):
                return bytes(pyrage.encrypt(content, _recipients(texts)))
            case WithPassphrase(secret):
                return bytes(pyrage.passphrase.encrypt(content, _passphrase(secret)))
    except pyrage.EncryptError:
        pass  # raised from here, the refusal might carry the content along
    raise BackupUnavailableError("the backup could not be sealed")


def _recipients(texts: tuple[str, ...]) -> list[object]:
    if not 1 <= len(texts) <= MOST_RECIPIENTS:
        raise BackupSealError(f"a backup is sealed for 1 to {MOST_RECIPIENTS} recipients, not {len(texts)}")
    return [_recipient(text, f"recipient {position} of {len(texts)}") for position, text in enumerate(texts, 1)]


def _recipient(text: str, called: str) -> object:
    pyrage = _pyrage()
    try:
        recipient = pyrage.x25519.Recipient.from_str(text)
        if _is_usable(str(recipient)):
            return cast("object", recipient)
    except (pyrage.RecipientError, UnicodeEncodeError):
        pass  # raised from here, the refusal would carry along what may be an identity put in the wrong place
    raise BackupSealError(f"{called} is no age recipient of the form age1…")


def _is_usable(recipient: str) -> bool:
    """Whether a well-formed recipient is no point of small order, at which the library breaks off its thread."""
    value = 0
    for character in recipient[len(_RECIPIENT) : -_BECH32_CHECKSUM]:
        value = value << 5 | _BECH32.index(character)
    point = X25519PublicKey.from_public_bytes((value >> 4).to_bytes(32, "big"))  # 52 characters are 256 bits and 4
    try:
        X25519PrivateKey.from_private_bytes(bytes(32)).exchange(point)  # with any key alike: a secret of zeros
    except ValueError:
        return False
    return True


def _identities(text: KeyMaterial) -> list[Any]:
    if len(text) > _MOST_IDENTITY_TEXT:
        raise BackupSealError(f"what should be an age identity file has more than {_MOST_IDENTITY_TEXT} bytes")
    lines = enumerate(expose(text).splitlines(), 1)
    found = [_identity(line.strip(), number) for number, line in lines if line.strip()[:1] not in {b"", b"#"}]
    if not found:
        raise BackupSealError("what should be an age identity file holds no identity")
    return found


def _identity(line: bytes, number: int) -> object:
    pyrage = _pyrage()
    try:
        return pyrage.x25519.Identity.from_str(as_text(line) or "")
    except pyrage.IdentityError:
        pass  # raised from here, the refusal might carry the line along
    raise BackupSealError(f"line {number} of the identity file is no age identity of the form AGE-SECRET-KEY-1…")


def _passphrase(secret: KeyMaterial) -> str:
    text = as_text(expose(secret))
    if not text:
        raise BackupSealError("the passphrase is empty" if text == "" else "the passphrase is no text in UTF-8")
    return text


def _refuse_other_kind(header: AgeHeader, wanted: SealedFor, name: str) -> None:
    if header.sealed_for != wanted:
        cure = "give an identity file" if header.sealed_for == "recipients" else "give the passphrase"
        raise BackupKeyError(f"the backup {name} is sealed for {_IN_WORDS[header.sealed_for]}: {cure}")


def _decrypted(data: bytes, key: list[Any] | str, name: str) -> KeyMaterial:
    pyrage = _pyrage()
    failed: BackupError
    try:
        if isinstance(key, str):
            return KeyMaterial(pyrage.passphrase.decrypt(data, key))
        return KeyMaterial(pyrage.decrypt(data, key))
    except pyrage.DecryptError as failure:
        said = str(failure)
    if said in _OTHER_KEY:
        failed = BackupKeyError(f"the backup {name} {_OTHER_KEY[said]}")
    elif said.startswith("Excessive work"):
        failed = BackupUnavailableError(f"the backup {name} has a passphrase that would cost this host too much time")
    else:
        failed = BackupDamagedError(f"the backup {name} is cut off, or was changed after it was sealed")
    raise failed
