"""What a ring, its material and its projections must be to each other, after whatever happened."""

from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, Kid
from journal_keys.domain.paths import PROJECTION_NAMES
from journal_keys.ports.secret_store import FolderContent
from tests.support.projected import mapped_kids, projected_kids


class BreachError(Exception):
    """Something that must hold does not."""


def require(holds: bool, text: str) -> None:  # noqa: FBT001 (as assert)
    """Say what does not hold."""
    if not holds:
        raise BreachError(text)


def no_key_is_lost(ring: KeyRing, before: KeyRing | None, spent: frozenset[Kid]) -> None:
    states = [version.state for version in ring.versions]
    require(states.count(KeyState.ACTIVE) == 1, f"{states.count(KeyState.ACTIVE)} keys are ACTIVE")
    for version in before.accepted if before else ():
        now = ring.find(version.kid)
        require(now is not None and now.digest == version.digest, f"the ring lost {version.kid}")
        still = now is not None and now.is_accepted
        require(still or version.kid in spent, f"{version.kid} is no longer accepted")


def accepted_keys_have_their_material(ring: KeyRing, content: FolderContent, lost: frozenset[Kid]) -> None:
    for version in ring.accepted:
        line = content.secrets.get(version.kid)
        is_whole = line is not None and line.digest() == version.digest
        require(is_whole or version.kid in lost, f"the {version.state} {version.kid} has no material")


def projections_never_run_ahead(ring: KeyRing, content: FolderContent) -> None:
    for name, kid in projected_kids(content.secrets).items():
        version = ring.find(kid)
        require(version is not None, f"{name} names a key that the ring never had")
        was_active = version is not None and version.activated_at is not None
        require(was_active or name.startswith("next"), f"{name} names a key that was never ACTIVE")


def projections_are_true(ring: KeyRing, content: FolderContent) -> None:
    kids = projected_kids(content.secrets)
    missing = set(PROJECTION_NAMES[ring.family]) - kids.keys() - {"keys_map"}
    require(not missing, f"no key is under {sorted(missing)}")
    for name, kid in kids.items():
        wanted = ring.staged if name.startswith("next") else ring.active
        require(wanted is not None and kid == wanted.kid, f"{name} names {kid}")
    if ring.family is Family.AES:
        accepted = {version.kid for version in ring.accepted}
        require(mapped_kids(content.secrets) == accepted, "keys_map does not hold the accepted keys")
