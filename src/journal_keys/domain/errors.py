"""The roots of the one tree of exceptions.

Expected results are values (see `outcomes`); an exception is a broken promise. Messages name the thing and what was
expected, and never hold a secret value.
"""


class JournalKeysError(Exception):
    """Anything that this package raises on purpose."""


class DomainError(JournalKeysError):
    """A rule of the domain would be broken: nothing was changed."""


class RefusedError(JournalKeysError):
    """Untrusted input (a token, a ciphertext, a path, a request) was refused."""


class PortError(JournalKeysError):
    """Something outside the process (store, ledger, clock, file) did not keep its promise."""


class InvalidPathError(RefusedError):
    """A secret path is not of the form of `paths.SecretPath`."""


class InvalidNameError(RefusedError):
    """A family, kid, algorithm or state has a name that is not known or not well formed."""


class UnencodableTextError(RefusedError):
    """A value holds a lone surrogate, which UTF-8 cannot carry: it is no Unicode text."""


class UnknownKeyError(RefusedError):
    """No key version of this ring has this kid."""


class TransitionError(DomainError):
    """The state table has no such transition for this key version."""


class RingInvariantError(DomainError):
    """A ring would not have exactly one ACTIVE key, or would repeat a kid."""


class RotationConflictError(DomainError):
    """The same rotation id was used before with other parameters."""


class PolicyError(DomainError):
    """Settings contradict each other; the message shows the arithmetic."""


class MaterialCorruptError(DomainError):
    """A stored key is not what its name, its digest or its format promises."""


class AuditChainBrokenError(DomainError):
    """The audit chain does not verify: an entry was changed, removed or inserted."""


class KeyUnavailableError(PortError):
    """The key is known, yet this process could not load it or may not use it now."""


class ViewStaleError(KeyUnavailableError):
    """The process has not confirmed its view of the ring for longer than it may."""


class EncryptionLimitError(DomainError):
    """One AES key has made as many encryptions as its nonces allow (NIST SP 800-38D §8.3)."""
