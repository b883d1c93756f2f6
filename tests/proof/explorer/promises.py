"""What must hold in every state: who may sign, who must still accept, what must still be in the store."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple, TypeAlias

from journal_keys.domain.exposure import expose
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Algorithm, Family, KeyState, KeyVersion, Kid
from journal_keys.domain.paths import family_folder, versions_folder
from journal_keys.domain.policy import RotationPolicy
from journal_keys.domain.windows import Windows
from tests.proof.explorer.world import SKEW, TICK, Books, Ports, Shelf

WINDOWS: Final = Windows(
    jwks_max_age=TICK, view_ttl=TICK, poll=TICK / 2, longest_token=TICK, leeway=timedelta(0), skew=SKEW
)
"""W1 is two ticks, W2 is three."""

POLICIES: Final = {
    Family.JWT: RotationPolicy(family=Family.JWT, interval=TICK * 100, algorithm=Algorithm.EDDSA),
    Family.AES: RotationPolicy(family=Family.AES, interval=TICK * 100, algorithm=Algorithm.A256GCM),
}
OLDEST_SIGNER: Final = 1
OLDEST_READER: Final = 1
"""In ticks: Cs = 1; Cv + P = 1.5, and a whole number of ticks is at most that."""
TOKEN_LIFE: Final = 1
FOR_EVER: Final = 1_000_000


class View(NamedTuple):
    """What a signer or a reader holds of the ring."""

    active: Kid | None = None
    accepted: frozenset[Kid] = frozenset()


ViewOf: TypeAlias = Callable[[Books, Shelf], View]


class Held(NamedTuple):
    """A view and the tick at which it was confirmed."""

    view: View
    confirmed: int


def ledger_view(books: Books, _shelf: Shelf) -> View:
    """The view that `RefreshViews` makes: the ledger's ring."""
    if books.ring is None:
        return View()
    return View(books.ring.active.kid, frozenset(version.kid for version in books.ring.accepted))


def no_view(_books: Books, _shelf: Shelf) -> View:
    """The view of a signer that does not sign."""
    return View()


def lost_material(family: Family, ring: KeyRing | None, shelf: Shelf) -> str | None:
    """An accepted key whose material is not in the store as it was recorded."""
    held = dict(shelf)
    folder = versions_folder(family)
    for version in ring.accepted if ring else ():
        if held.get(folder.child(version.kid)) != version.digest:
            return f"{version.kid} is {version.state} and its material is not in the store"
    return None


def names_of_another_ring(ports: Ports) -> Callable[[Books, Shelf], str | None]:
    """Say which of the guide's names are not the ledger's ring's."""

    def wrong(books: Books, shelf: Shelf) -> str | None:
        folder = family_folder(ports.family)
        held = {path.name: expose(ports.values[digest]).decode() for path, digest in shelf if path.folder == folder}
        wanted = _names(ports.family, books.ring) if books.ring else {}
        differing = {name: held.get(name) for name, words in wanted.items() if words not in held.get(name, "nothing")}
        return (
            f"nobody acts any more, and the names {differing} are not those of the newest ring" if differing else None
        )

    return wrong


def _names(family: Family, ring: KeyRing) -> Mapping[str, str]:
    """Words that each of the names has to have in it."""
    staged = ring.staged.kid if ring.staged else "nothing"
    if family is Family.AES:
        return {"active_kid": ring.active.kid, "keys_map": staged}
    return {
        "current_private_key": f"private {ring.active.kid}",
        "current_public_key": f"public {ring.active.kid}",
        "next_private_key": f"private {staged}",
        "next_public_key": f"public {staged}",
    }


@dataclass(frozen=True, slots=True)
class Promises:
    """The invariants that depend on who knows what."""

    family: Family

    @property
    def life(self) -> int:
        """For how many ticks after its making a token or ciphertext must be readable."""
        return TOKEN_LIFE if self.family is Family.JWT else FOR_EVER

    def broken(
        self, true: int, signed: Mapping[Kid, int], readers: tuple[Held, ...], truth: View, ring: KeyRing | None
    ) -> str | None:
        """The first reader that would refuse what was signed or encrypted, in words."""
        fresh = [held.view for held in readers if held.view.active and true - held.confirmed <= OLDEST_READER]
        for kid, last in signed.items():
            if true > last + self.life or _is_excused(ring, kid):
                continue
            if truth.active and kid not in truth.accepted:
                return f"{kid} was used at tick {last}, and whoever asks at tick {true} does not find it"
            if any(kid not in view.accepted for view in fresh):
                return f"{kid} was used at tick {last}, and a reader within its bound at tick {true} does not find it"
        return None


def _is_excused(ring: KeyRing | None, kid: Kid) -> bool:
    """COMPROMISED, or promoted at once in the place of a compromised key: then waiting would be worse."""
    version = ring.find(kid) if ring else None
    if ring is None or version is None:
        return False
    return version.state is KeyState.COMPROMISED or _was_rushed(ring, version)


def _was_rushed(ring: KeyRing, version: KeyVersion) -> bool:
    moments = {other.compromised_at for other in ring.versions if other.compromised_at}
    ready = version.published_at + WINDOWS.publish_to_promote
    return version.activated_at in moments and version.activated_at is not None and version.activated_at < ready
