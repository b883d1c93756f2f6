"""Counting encryptions per AES key, because random nonces allow only so many (NIST SP 800-38D §8.3)."""

from typing import Final

from journal_keys.domain.errors import EncryptionLimitError
from journal_keys.domain.keys import Kid

WARN_AT: Final = 2**31
REFUSE_AT: Final = 2**32


def is_worn(total: int) -> bool:
    """Whether a key of so many encryptions has passed 2³¹, so that an operator should hear of it."""
    return total > WARN_AT


class EncryptionBudget:
    """What this process has encrypted under each kid, and what all processes had reported at the last refresh."""

    __slots__ = ("_reported", "_unreported")

    def __init__(self) -> None:
        self._unreported: dict[Kid, int] = {}
        self._reported: dict[Kid, int] = {}

    def spend(self, kid: Kid) -> None:
        """Count one encryption before it is made.

        Raises:
            EncryptionLimitError: the key has made 2³² encryptions; rotate the ring.
        """
        mine = self._unreported.get(kid, 0) + 1
        if mine + self._reported.get(kid, 0) > REFUSE_AT:
            raise EncryptionLimitError(f"{kid} has made 2^32 encryptions: rotate the aes ring")
        self._unreported[kid] = mine

    def unreported(self) -> dict[Kid, int]:
        """What has to be added to the common count."""
        return dict(self._unreported)

    def take(self, kid: Kid) -> int:
        """Take what has to be added to the common count, so that nobody adds it twice."""
        return self._unreported.pop(kid, 0)

    def give_back(self, kid: Kid, made: int) -> None:
        """Put back what was taken and may not have been added: counted twice is safe, not counted is not."""
        self._unreported[kid] = self._unreported.get(kid, 0) + made

    def report(self, kid: Kid, total: int) -> None:
        """Take note that the common count is `total` now, with all that was taken."""
        self._reported[kid] = total

    def is_known(self, kid: Kid) -> bool:
        """Whether the common count of this kid was ever read."""
        return kid in self._reported

    def total(self, kid: Kid) -> int:
        """The best known count of encryptions under this kid."""
        return self._reported.get(kid, 0) + self._unreported.get(kid, 0)
