"""What the guide's names hold where no ring wrote them: kept by hand, perhaps the only copy of a key."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from journal_keys.domain.keys import Algorithm, Family
from journal_keys.domain.material import KeyMaterial, MaterialRecord, is_same
from journal_keys.domain.paths import PROJECTION_NAMES, SecretPath, family_folder
from journal_keys.domain.projections import is_key_text
from journal_keys.ports.foreign_keys import ForeignKeyError, ForeignKeys
from journal_keys.ports.secret_store import SecretStore, SecretStoreProtocolError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldNames:
    """The names of one ring that is not there, and what they hold."""

    family: Family
    values: Mapping[str, KeyMaterial]

    def unmoved(self, records: Sequence[MaterialRecord], foreign: ForeignKeys, at: datetime) -> Iterable[SecretPath]:
        """Give the names that hold anything else than these keys: a ring on them would overwrite it."""
        for name in self.values:
            try:
                is_moved = self._is_moved(name, records, foreign, at)
            except ForeignKeyError:
                is_moved = False
            if not is_moved:
                yield family_folder(self.family).child(name)

    def _is_moved(self, name: str, records: Sequence[MaterialRecord], foreign: ForeignKeys, at: datetime) -> bool:
        value = self.values[name]
        if self.family is Family.JWT:
            private = self.values.get(name.replace("public", "private"))
            if private is None:
                return False
            key = foreign.signing_key(private, value if "public" in name else None, kid=None, created_at=at)
            return key.record.derived_kid in {one.derived_kid for one in records}
        aes = {one.kid: one for one in records if one.algorithm is Algorithm.A256GCM}
        if name == "active_kid":
            return foreign.kid(value) in aes
        if name == "keys_map":
            mapped = [key.record for key in foreign.aes_keys(value, created_at=at)]
            return all(one.kid in aes and aes[one.kid].derived_kid == one.derived_kid for one in mapped)
        return any(is_key_text(value, one.key) for one in aes.values())

    async def check(self, store: SecretStore) -> None:
        """Look again behind the marker: what was hidden until now would be lost unnamed.

        Raises:
            SecretStoreProtocolError: a name holds something else.
            SecretHiddenError: the marker is not there.
        """
        folder = family_folder(self.family)
        held = (await store.read_folder(folder)).require_marked().secrets
        other = [
            str(folder.child(name))
            for name in PROJECTION_NAMES[self.family]
            if not is_same(held.get(name), self.values.get(name))
        ]
        if other:
            raise SecretStoreProtocolError(f"{', '.join(other)} was read with two answers: no key was moved")


async def held_names(store: SecretStore, family: Family) -> HeldNames:
    """Give what either of two looks shows: one empty answer is no proof, and nothing is marked yet."""
    folder = family_folder(family)
    looks = [(await store.read_folder(folder)).secrets for _ in range(2)]
    seen = {**looks[0], **looks[1]}
    return HeldNames(family=family, values={name: seen[name] for name in PROJECTION_NAMES[family] if name in seen})


def all_names() -> Iterable[SecretPath]:
    """Every name that the guide promises."""
    return (family_folder(family).child(name) for family in Family for name in PROJECTION_NAMES[family])
