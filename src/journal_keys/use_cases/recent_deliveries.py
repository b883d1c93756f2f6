"""What one process remembers of deliveries: a sender that repeats itself costs little, and uses up nobody's place."""

from dataclasses import dataclass, field
from typing import Final

from journal_keys.domain.webhooks import CLAIM_HEADERS, Delivery, Notice

_MOST: Final = 256
_Key = tuple[tuple[tuple[bytes, bytes], ...], bytes]


@dataclass(slots=True)
class RecentDeliveries:
    """The last that were found to be taken, here or elsewhere: byte by byte, and by the digests of what they said.

    What equals a delivery whose signature was verified, signature included, is verified by that.
    """

    _notices: dict[_Key, Notice] = field(default_factory=dict, init=False)
    _digests: dict[str, None] = field(default_factory=dict, init=False)

    def __contains__(self, digest: str) -> bool:
        return digest in self._digests

    def notice(self, delivery: Delivery) -> Notice | None:
        """Give what this delivery said when it was taken; None where it is no repeat, or that is forgotten."""
        return self._notices.get(_key(delivery))

    def remember(self, delivery: Delivery, notice: Notice) -> None:
        """Remember one that was taken; the oldest is forgotten for it."""
        if len(self._notices) >= _MOST:
            del self._notices[next(iter(self._notices))]
        if len(self._digests) >= _MOST:
            del self._digests[next(iter(self._digests))]
        self._notices[_key(delivery)] = notice
        self._digests[notice.digest] = None


def _key(delivery: Delivery) -> _Key:
    """Give all that a notice is read from."""
    return tuple([one for one in delivery.headers if one[0] in CLAIM_HEADERS]), delivery.body
