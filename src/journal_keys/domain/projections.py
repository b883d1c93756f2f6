"""The names that the integration guide promises, rendered from a ring. Written, and never read back as truth."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from journal_keys.domain import base64url, canonical
from journal_keys.domain.exposure import expose
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Which keys the names show: as the current and the next one, and at all. Evidence of publication, no state."""

    current: Kid | None
    following: Kid | None
    published: frozenset[Kid]

    def among(self, kids: Collection[Kid]) -> "Shown":
        """What is shown of these keys."""
        return Shown(
            current=self.current if self.current in kids else None,
            following=self.following if self.following in kids else None,
            published=self.published.intersection(kids),
        )


def aes_projections(
    ring: KeyRing, records: Mapping[Kid, MaterialRecord], last_copies: Mapping[str, str]
) -> dict[str, KeyMaterial]:
    """`current_key`, `next_key` (base64url of 32 bytes), `active_kid`, and `keys_map` (kid → AES key, all accepted).

    `last_copies` stay in the map: of keys that no ring can have, since their own lines cannot be read any more.
    """
    keys = dict(last_copies) | {
        str(version.kid): base64url.encode(expose(records[version.kid].key))
        for version in ring.accepted
        if version.kid in records and not version.is_read_only
    }
    texts = {"active_kid": ring.active.kid, "keys_map": canonical.to_json(keys)}
    if ring.active.kid in records:
        texts["current_key"] = keys[ring.active.kid]
    if ring.staged is not None and ring.staged.kid in records:
        texts["next_key"] = keys[ring.staged.kid]
    return {name: KeyMaterial(text.encode("ascii")) for name, text in texts.items()}


def is_key_text(text: KeyMaterial, key: KeyMaterial) -> bool:
    """Whether a name holds this key in base64url, padded or not."""
    return expose(text).rstrip(b"=") == base64url.encode(expose(key)).encode("ascii")


def mapped_keys(keys_map: KeyMaterial | None) -> Mapping[str, str]:
    """What a stored `keys_map` has under each kid; nothing where it is no such map: anybody may have written it."""
    try:
        found = json.loads(expose(keys_map)) if keys_map else {}
    except (ValueError, RecursionError):
        return {}
    members = found.items() if isinstance(found, dict) else ()
    return {kid: key for kid, key in members if isinstance(key, str) and key.isascii()}


def shown(stored: Collection[Kid], held: Mapping[str, KeyMaterial], pems: Mapping[Kid, KeyMaterial]) -> Shown:
    """What the names in a ring's folder show of the `stored` kids, of which signing keys have PEMs."""
    mapped = mapped_keys(held.get("keys_map"))
    keys = {kid: KeyMaterial(mapped[kid].encode("ascii")) for kid in stored if kid in mapped}
    kids = {kid: KeyMaterial(kid.encode("ascii")) for kid in stored}
    current = _same(held.get("current_private_key"), pems) or _same(held.get("active_kid"), kids)
    following = _same(held.get("next_private_key"), pems) or _same(held.get("next_key"), keys)
    published = frozenset(kid for kid in (*keys, current, following) if kid is not None)
    return Shown(current=current, following=following, published=published)


def _same(shown: KeyMaterial | None, candidates: Mapping[Kid, KeyMaterial]) -> Kid | None:
    return next((kid for kid, value in candidates.items() if shown and value.same_as(shown)), None)
