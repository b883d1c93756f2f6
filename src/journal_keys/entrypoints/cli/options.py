"""Options and arguments that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
Recipients: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--recipient", help="Whom it is sealed for: age1…; may be given several times."),
]
Identity: TypeAlias = Annotated[
    Path | None, typer.Option("--identity", help="The age identity file that opens it; the one in the home by default.")
]
PassphraseFile: TypeAlias = Annotated[
    Path | None, typer.Option(help="A file of mode 0600 with the passphrase that seals or opens it.")
]
NamedKid: TypeAlias = Annotated[str, typer.Argument(help="The key's kid.")]
Reason: TypeAlias = Annotated[str, typer.Option(help="Why; kept in the audit trail.")]


class Scope(StrEnum):
    """Which rings a command is about."""

    JWT = "jwt"
    AES = "aes"
    BOTH = "both"
