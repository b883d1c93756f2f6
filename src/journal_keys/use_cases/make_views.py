"""Make the view of a ring from its material: what was opened before is kept, the rest is opened."""

from collections.abc import Mapping
from typing import TypeVar

from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyVersion, Kid
from journal_keys.domain.material import MaterialRecord
from journal_keys.ports.key_crypto import KeyOpener
from journal_keys.ports.view_board import CipherView, RingView, SigningView

Held = TypeVar("Held")


def needed(ring: KeyRing) -> tuple[KeyVersion, ...]:
    """The keys whose material a process needs: of signing keys the ACTIVE and the staged one, of AES keys all."""
    if ring.family is Family.AES:
        return ring.accepted
    return (ring.active, ring.staged) if ring.staged else (ring.active,)


def opened_in(shown: RingView | None) -> frozenset[Kid]:
    """The keys that a view holds open."""
    if shown is None:
        return frozenset()
    return frozenset(shown.signers if isinstance(shown, SigningView) else shown.opening)


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
    wanted, known = needed(ring), shown.verifying if shown else {}
    signers = _kept(wanted, shown.signers if shown else {}) | {kid: opener.signing(fresh[kid]) for kid in fresh}
    return SigningView(
        ring=ring,
        confirmed_s=confirmed_s,
        signing=signers.get(ring.active.kid),
        signers=signers,
        verifying={
            version.kid: known.get(version.kid) or opener.verifying(version.kid, version.algorithm, version.public_jwk)
            for version in ring.accepted
            if version.public_jwk is not None
        },
        missing=frozenset(version.kid for version in wanted) - signers.keys(),
        records=_kept(wanted, shown.records if shown else {}) | dict(fresh),
    )


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
    wanted = needed(ring)
    opening = _kept(wanted, shown.opening if shown else {}) | {kid: opener.cipher(fresh[kid]) for kid in fresh}
    return CipherView(
        ring=ring,
        confirmed_s=confirmed_s,
        sealing=opening.get(ring.active.kid),
        opening=opening,
        missing=frozenset(version.kid for version in wanted) - opening.keys(),
        records=_kept(wanted, shown.records if shown else {}) | dict(fresh),
    )


def _kept(wanted: tuple[KeyVersion, ...], held: Mapping[Kid, Held]) -> dict[Kid, Held]:
    return {version.kid: held[version.kid] for version in wanted if version.kid in held}
