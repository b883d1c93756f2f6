"""What a caller over HTTP may be let do. It imports nothing of ours: the command line names scopes in its help."""

from enum import StrEnum


class Scope(StrEnum):
    """What a token lets its bearer do. `destroy` is none of them: it is never done over HTTP."""

    READ = "read"
    ROTATE = "rotate"
    ROTATE_FORCE = "rotate:force"
    COMPROMISE = "compromise"
    INVALIDATE = "invalidate"
