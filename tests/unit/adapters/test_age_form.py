"""Headers of age files: what is read in them, and what is refused before the library sees it."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from journal_keys.adapters.embedded.age_form import (
    MOST_HEADER_BYTES,
    MOST_STANZAS,
    AgeFormError,
    checked_header,
    parse_header,
    recipient_of,
    sealed,
)
from journal_keys.adapters.embedded.backup_folder import _moment
from journal_keys.domain.backup_seal import ForRecipients
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.ports.backup_shelf import BackupSealError
from tests.support.backups import CONTENT, OURS, SEAL, SPARE, age_file, bech32, scrypt_file, x25519_stanza

FIELD_PRIME = 2**255 - 19
SMALL_ORDER = (
    0,
    1,
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
    FIELD_PRIME - 1,
    FIELD_PRIME,
    FIELD_PRIME + 1,
)
"""The points that https://cr.yp.to/ecdh.html names."""
WELL_FORMED = {
    "a recipient": (x25519_stanza(), ("X25519",), None),
    "recipients of other kinds": ("-> ssh-ed25519 a b\n\n" + x25519_stanza(), ("ssh-ed25519", "X25519"), None),
    "one that says nothing": (x25519_stanza() + "-> }-grease *\nAAAA\n", ("X25519",), None),
    "a body of several lines": (f"-> ssh-rsa x\n{'A' * 64}\n{'A' * 64}\n\n", ("ssh-rsa",), None),
}
MALFORMED = {
    "nothing": b"",
    "another version": age_file(x25519_stanza()).replace(b"/v1", b"/v2"),
    "armoured": b"-----BEGIN AGE ENCRYPTED FILE-----\n",
    "no stanza": age_file(""),
    "a stanza without a kind": age_file("-> \n\n"),
    "a stanza with two blanks": age_file("-> a  b\n\n"),
    "a stanza with a control character": age_file("-> a\x1b\n\n"),
    "a body with a line too long": age_file(f"-> a\n{'A' * 65}\n"),
    "a body without an end": age_file(f"-> a\n{'A' * 64}\n"),
    "a body with padding": age_file("-> a\nAA==\n"),
    "a line end of another system": age_file("-> a\r\n\r\n"),
    "no end": b"age-encryption.org/v1\n" + x25519_stanza().encode(),
    "an end with spare bits": age_file(x25519_stanza()).replace(b"A\n" + bytes(32), b"B\n" + bytes(32)),
    "a passphrase and a recipient": age_file("-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\n\n" + x25519_stanza()),
    "a recipient and a passphrase": age_file(x25519_stanza() + "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\n\n"),
    "a passphrase without a cost": age_file("-> scrypt AAAAAAAAAAAAAAAAAAAAAA\n\n"),
    "a cost with a sign": scrypt_file("+9"),
    "a cost with a zero before it": scrypt_file("09"),
    "a cost of zero": scrypt_file(0),
    "a cost of ten digits": scrypt_file("1" * 10),
}


@pytest.mark.parametrize("named", WELL_FORMED)
def test_a_header_says_kinds_and_length(named: str) -> None:
    stanzas, kinds, log2 = WELL_FORMED[named]
    file = age_file(stanzas)
    header = checked_header(file, len(file))
    assert (header.kinds, header.scrypt_log2, header.length) == (kinds, log2, len(file) - 32)
    assert (header.sealed_for, header.recipients) == ("recipients", len(kinds))


def test_a_header_with_a_passphrase_says_its_cost() -> None:
    header = parse_header(scrypt_file(18))
    assert (header.sealed_for, header.recipients, header.scrypt_log2) == ("passphrase", 0, 18)


@pytest.mark.parametrize("named", MALFORMED)
def test_a_malformed_header_is_refused(named: str) -> None:
    with pytest.raises(AgeFormError):
        parse_header(MALFORMED[named])


def test_stanzas_are_counted() -> None:
    assert len(parse_header(age_file(x25519_stanza() * MOST_STANZAS)).kinds) == MOST_STANZAS
    with pytest.raises(AgeFormError, match="32 stanzas"):
        parse_header(age_file(x25519_stanza() * (MOST_STANZAS + 1)))


def test_a_header_ends_within_64_kib() -> None:
    line = "A" * 64 + "\n"
    filling = MOST_HEADER_BYTES - len(age_file("-> a\n\n", payload=b""))
    lines, rest = divmod(filling, len(line))
    most = age_file(f"-> a{'a' * rest}\n{line * lines}\n")
    assert parse_header(most).length == MOST_HEADER_BYTES
    with pytest.raises(AgeFormError, match="too large"):
        parse_header(age_file(f"-> aa{'a' * rest}\n{line * lines}\n"))


def test_a_file_with_too_little_behind_its_header_is_cut_off() -> None:
    file = age_file(x25519_stanza(), payload=bytes(31))
    with pytest.raises(AgeFormError, match="cut off"):
        checked_header(file, len(file))


@pytest.mark.parametrize("point", SMALL_ORDER, ids=range(len(SMALL_ORDER)))
@pytest.mark.parametrize("top_bit", [0, 1 << 255], ids=["", "with the bit that is ignored"])
def test_a_recipient_of_small_order_is_refused_by_its_position(point: int, top_bit: int) -> None:
    recipient = bech32("age", (point | top_bit).to_bytes(32, "little"))
    with pytest.raises(BackupSealError, match="recipient 2 of 2"):
        sealed(CONTENT, ForRecipients((OURS.recipient, recipient)))


def test_the_recipients_of_an_identity_file_are_given_in_its_order() -> None:
    text = b"# two\n%b\n%b\n" % (expose(SPARE.opening.text), expose(OURS.opening.text))
    assert recipient_of(KeyMaterial(text)) == (SPARE.recipient, OURS.recipient)


def test_an_identity_file_that_is_too_large_is_refused() -> None:
    with pytest.raises(BackupSealError, match="65536 bytes"):
        recipient_of(KeyMaterial(b"#" * 65537))


def test_a_sealed_file_has_one_stanza_for_each_recipient() -> None:
    assert parse_header(sealed(CONTENT, SEAL)).kinds == ("X25519",)


def test_a_moment_that_no_date_has_becomes_the_nearest() -> None:
    assert _moment(1_500_000) == datetime(1970, 1, 1, microsecond=1500, tzinfo=UTC)
    assert _moment(10**21) == datetime.max.replace(tzinfo=UTC)
    assert _moment(-(10**21)) == datetime.min.replace(tzinfo=UTC)


def test_who_makes_no_backup_does_not_pay_for_the_library() -> None:
    modules = "embedded.backup_folder, journal_keys.adapters.memory.backup_shelf"
    program = f"import sys, journal_keys.adapters.{modules}; sys.exit('pyrage' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
