"""What a proof says when it is done."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The figures in words, the last line their summary, and whether what was to be proved holds."""

    lines: tuple[str, ...]
    holds: bool
