"""The settings of the log."""

from pathlib import Path
from typing import Final

from pydantic import field_validator
from pydantic_settings import BaseSettings

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class LogSettings(BaseSettings):
    """What is logged, and where to."""

    journal_log_level: str = "INFO"
    """Level from which on is logged: DEBUG, INFO, WARNING, ERROR or CRITICAL; of commands WARNING where none is set."""
    journal_log_file: Path | None = None
    """File that gets what the service logs on standard error, as JSON; SIGHUP has it opened anew."""

    @field_validator("journal_log_level")
    @classmethod
    def _is_a_level(cls, value: str) -> str:
        if value.upper() not in LEVELS:
            raise ValueError(f"expected one of {', '.join(LEVELS)}")
        return value.upper()

    @field_validator("journal_log_file", mode="before")
    @classmethod
    def _is_a_file(cls, value: object) -> object:
        if value == "":
            raise ValueError("is empty: expected a file, or no such variable")
        return value
