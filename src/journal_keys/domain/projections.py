"""The names that the integration guide promises, rendered from a ring. Written, and never read back as truth."""

import json
from collections.abc import Mapping

from journal_keys.domain import base64url, canonical
from journal_keys.domain.exposure import expose
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord


def aes_projections(ring: KeyRing, records: Mapping[Kid, MaterialRecord]) -> dict[str, KeyMaterial]:
    """`current_key`, `next_key` (base64url of 32 bytes), `active_kid`, and `keys_map` (kid → AES key, all accepted)."""
    keys = {
        version.kid: base64url.encode(expose(records[version.kid].key))
        for version in ring.accepted
        if version.kid in records and not version.is_read_only
    }
    texts = {"active_kid": ring.active.kid, "keys_map": canonical.to_json(keys)}
    if ring.active.kid in keys:
        texts["current_key"] = keys[ring.active.kid]
    if ring.staged is not None and ring.staged.kid in keys:
        texts["next_key"] = keys[ring.staged.kid]
    return {name: KeyMaterial(text.encode("ascii")) for name, text in texts.items()}


def mapped_kids(keys_map: KeyMaterial | None) -> frozenset[str]:
    """The kids that a stored `keys_map` names; none where it is no such map, since anybody may have written it."""
    try:
        found = json.loads(expose(keys_map)) if keys_map else {}
    except (ValueError, RecursionError):
        return frozenset()
    return frozenset(found) if isinstance(found, dict) else frozenset()
