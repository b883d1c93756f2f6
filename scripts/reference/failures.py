"""The page of the errors, from their classes and the two tables of the entrypoints."""

import importlib
import pkgutil
from typing import Final

import journal_keys
from journal_keys.domain.errors import JournalKeysError
from journal_keys.entrypoints.cli.exit_codes import MEANINGS, exit_code_of
from journal_keys.entrypoints.http.problems import status_of
from scripts.reference.markdown import code, sentence, table

_HEAD: Final = """# Errors and exit codes

Every error that is raised on purpose is a `JournalKeysError`. Its message names the thing and what was expected, and
holds no secret. Which way an error takes decides what shows it: HTTP the status, the command line the exit code.

"""


def errors_page() -> str:
    """Give the page."""
    rows = [
        (code(kind.__name__), sentence(kind.__doc__), str(int(status_of(kind))), str(int(exit_code_of(kind))))
        for kind in kinds()
    ]
    codes = table(("code", "meaning"), [(str(int(one)), meaning) for one, meaning in MEANINGS.items()])
    told = table(("error", "meaning", "HTTP", "exit code"), rows)
    return f"{_HEAD}## Exit codes\n\n{codes}\n## Errors\n\n{told}"


def kinds() -> list[type[JournalKeysError]]:
    """Give every class below the root, by name."""
    for module in pkgutil.walk_packages(journal_keys.__path__, "journal_keys."):
        if "migrations" not in module.name:
            importlib.import_module(module.name)
    ours = {kind for kind in _below(JournalKeysError) if kind.__module__.startswith("journal_keys.")}
    return sorted(ours, key=lambda kind: kind.__name__)


def _below(kind: type[JournalKeysError]) -> set[type[JournalKeysError]]:
    return {one for child in kind.__subclasses__() for one in (child, *_below(child))}
