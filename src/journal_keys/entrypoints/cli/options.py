"""Options and arguments that several commands share."""

from enum import StrEnum
from typing import Annotated, TypeAlias

import typer

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
Reason: TypeAlias = Annotated[str, typer.Option(help="Why; kept in the audit trail.")]


class Scope(StrEnum):
    """Which rings a command is about."""

    JWT = "jwt"
    AES = "aes"
    BOTH = "both"
