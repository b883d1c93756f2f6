"""What is said of a ring beside the answers."""

from journal_keys.domain.status import RingStatus
from journal_keys.entrypoints.status.words import number


def encryptions(status: RingStatus) -> str:
    """Say how much of the bound of 2³² the key in use has used up (NIST SP 800-38D §8.3)."""
    return f"The key in use made {number(status.encryptions)} encryptions of at most {number(2**32)}"
