"""What the command says when it fails."""

import os
import sys
import traceback

from journal_keys.domain.errors import JournalKeysError
from journal_keys.entrypoints.cli.exit_codes import ExitCode, exit_code_of
from journal_keys.entrypoints.cli.output import print_error


def tell(failure: Exception, *, json_wanted: bool) -> ExitCode:
    """Say in one line what failed, and give the exit code; where a fault is ours, DEBUG adds the traceback."""
    if isinstance(failure, JournalKeysError):
        print_error(type(failure).__name__, str(failure), json_wanted=json_wanted)
        return exit_code_of(type(failure))
    if isinstance(failure, OSError):
        _abandon_output()
        message = f"input or output failed: {failure.strerror or type(failure).__name__}"
    else:
        message = f"an unexpected {type(failure).__name__}: JOURNAL_LOG_LEVEL=DEBUG shows where"
    print_error(type(failure).__name__, message, json_wanted=json_wanted)
    if _debugging():
        traceback.print_exception(failure)
    return ExitCode.FAILED


def _abandon_output() -> None:
    """Send what is still buffered nowhere: the interpreter would fail on it once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _debugging() -> bool:
    from journal_keys.entrypoints.settings import Settings, SettingsError

    try:
        return Settings.from_environment().journal_log_level.upper() == "DEBUG"
    except SettingsError:
        return False
