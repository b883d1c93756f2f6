"""Make the view of a ring from its material: what was opened before is kept, the rest is opened."""

from collections.abc import Iterable, Mapping

from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Algorithm, Family, KeyState, KeyVersion, Kid
from journal_keys.domain.material import MaterialRecord
from journal_keys.ports.key_crypto import KeyOpener, VerifyingKey
from journal_keys.ports.secret_store import FolderContent
from journal_keys.ports.view_board import CipherView, RingView, SigningView


def needed(ring: KeyRing) -> tuple[KeyVersion, ...]:
    """The keys whose material a process needs: AES keys all, signing keys that sign now or next, and shared secrets."""
    if ring.family is Family.AES:
        return ring.accepted
    return tuple(
        version for version in ring.accepted if version.state is not KeyState.DEACTIVATED or is_shared(version)
    )


def is_shared(version: KeyVersion) -> bool:
    """Whether it verifies with what it signed with, so that its public half tells nothing."""
    return version.algorithm is Algorithm.HS256


def lost_of(unopened: Iterable[KeyVersion], content: FolderContent) -> frozenset[Kid]:
    """The DEACTIVATED ones of these that the store's folder, proved by its marker, does not have: they only read.

    A key that signs or encrypts, now or next, is never given up: a promotion relies on it.

    Raises:
        SecretHiddenError: the marker is not there, so absence proves nothing.
    """
    proved = content.require_marked().secrets
    return frozenset(
        version.kid for version in unopened if version.state is KeyState.DEACTIVATED and version.kid not in proved
    )


def awaited(view: RingView) -> frozenset[Kid]:
    """The keys that the view cannot open and that are not known to be lost."""
    return view.missing - view.lost


def signing_view(
    opener: KeyOpener,
    ring: KeyRing,
    fresh: Mapping[Kid, MaterialRecord],
    *,
    confirmed_s: float,
    shown: SigningView | None = None,
) -> SigningView:
    """Show the jwt ring with the keys that are shown now and the `fresh` ones.

    Raises:
        MaterialCorruptError: a fresh key is not what its kid says.
    """
    records = _records(ring, fresh, shown)
    known, signing = (shown.verifying, shown.signers) if shown else ({}, {})
    signers = {
        version.kid: signing.get(version.kid) or opener.signing(records[version.kid])
        for version in needed(ring)
        if version.kid in records and not version.is_read_only
    }
    verifying = {
        version.kid: known.get(version.kid) or _verifying(opener, version, records)
        for version in ring.accepted
        if not is_shared(version) or version.kid in records
    }
    return SigningView(
        ring=ring,
        confirmed_s=confirmed_s,
        signing=signers.get(ring.active.kid),
        signers=signers,
        verifying=verifying,
        missing=frozenset(version.kid for version in needed(ring)) - records.keys(),
        records=records,
        imported=frozenset(version.kid for version in ring.accepted if version.derived_kid),
        unnamed={
            version.algorithm.value: verifying[version.kid]
            for version in ring.accepted
            if version.derived_kid == version.kid and version.kid in verifying
        },
    )


def _verifying(opener: KeyOpener, version: KeyVersion, records: Mapping[Kid, MaterialRecord]) -> VerifyingKey:
    if version.public_jwk is None:
        return opener.verifying_shared(records[version.kid])
    return opener.verifying(version.kid, version.algorithm, version.public_jwk, derived_kid=version.derived_kid)


def cipher_view(
    opener: KeyOpener,
    ring: KeyRing,
    fresh: Mapping[Kid, MaterialRecord],
    *,
    confirmed_s: float,
    shown: CipherView | None = None,
) -> CipherView:
    """Show the aes ring, likewise.

    Raises:
        MaterialCorruptError: a fresh key is not what its kid says.
    """
    records = _records(ring, fresh, shown)
    open_now = shown.opening if shown else {}
    foreign = [records[v.kid] for v in ring.accepted if v.is_read_only and v.kid in records]
    opening = {
        version.kid: open_now.get(version.kid) or opener.cipher(records[version.kid])
        for version in ring.accepted
        if version.kid in records and not version.is_read_only
    }
    return CipherView(
        ring=ring,
        confirmed_s=confirmed_s,
        sealing=opening.get(ring.active.kid),
        opening=opening,
        missing=frozenset(version.kid for version in ring.accepted) - records.keys(),
        records=records,
        foreign=opener.foreign_reader(foreign) if foreign else None,
    )


def _records(ring: KeyRing, fresh: Mapping[Kid, MaterialRecord], shown: RingView | None) -> dict[Kid, MaterialRecord]:
    held = {**(shown.records if shown else {}), **fresh}
    return {version.kid: held[version.kid] for version in needed(ring) if version.kid in held}
