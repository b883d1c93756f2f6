"""Every exception of ours has an exit code and a status, and nothing is left to chance."""

import importlib
import pkgutil

import pytest

import journal_keys
from journal_keys.domain.errors import JournalKeysError
from journal_keys.entrypoints.cli.exit_codes import MEANINGS, ExitCode, exit_code_of
from journal_keys.entrypoints.http.problems import status_of

for module in pkgutil.walk_packages(journal_keys.__path__, "journal_keys."):
    if "migrations" not in module.name:
        importlib.import_module(module.name)


def descendants(kind: type[JournalKeysError]) -> set[type[JournalKeysError]]:
    found = {kind}
    for child in kind.__subclasses__():
        found |= descendants(child)
    return found


KINDS = sorted(descendants(JournalKeysError) - {JournalKeysError}, key=lambda kind: kind.__name__)


def test_there_are_errors_to_walk() -> None:
    assert len(KINDS) > 40


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_an_exit_code_with_a_meaning(kind: type[JournalKeysError]) -> None:
    assert MEANINGS[exit_code_of(kind)]
    assert exit_code_of(kind) not in {ExitCode.DONE, ExitCode.USAGE}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_that_is_no_success(kind: type[JournalKeysError]) -> None:
    assert status_of(kind) >= 400 or kind.__name__ == "PendingApprovalError"


def test_every_exit_code_means_something_else() -> None:
    assert set(MEANINGS) == set(ExitCode)
    assert len(set(MEANINGS.values())) == len(MEANINGS)
