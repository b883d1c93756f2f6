"""The canaries sing: at every place, for every form, and at nothing else."""

from typing import Final

import pytest

from tests.proof import canaries
from tests.proof.canary_leaks import FORMS, NO_SECRET, PLACES, Leaks

pytestmark = pytest.mark.no_cover

SINKS: Final = {
    "logs": [
        "log_message",
        "log_of_what_was_planted",
        "log_of_seeded_bytes",
        "log_extra",
        "log_of_an_exception",
        "log_file",
        "log_of_a_service",
    ],
    "standard output and error": [
        "standard_output",
        "standard_error",
        "output_that_the_test_read",
        "terminal",
        "output_of_a_child",
        "error_of_a_child",
        "output_in_a_loop",
    ],
    "bodies of HTTP": ["http_body", "body_to_a_plain_client", "body_to_the_standard_library", "figure"],
    "headers of HTTP": ["http_header", "header_to_a_plain_client", "header_to_the_standard_library"],
    "exceptions": ["bytes_in_an_exception", "note", "member_of_a_group", "suppressed_context"],
    "their tracebacks": ["traceback"],
    "their causes": ["cause"],
    "the file of SQLite": ["sqlite_file"],
    "its write-ahead log": ["write_ahead_log"],
    "arguments of children": [
        "arguments",
        "arguments_by_posix_spawn",
        "arguments_by_multiprocessing",
        "arguments_in_a_loop",
        "arguments_of_an_operator",
        "arguments_of_a_killed_grandchild",
        "arguments_of_a_grandchild",
    ],
    "environments of children": ["environment", "inherited_environment", "environment_of_a_killed_grandchild"],
    "temporary folders": [
        "system_temporary_folder",
        "temporary_folder_that_is_gone",
        "removed_folder",
        "folder_of_several_tests",
        "folder_of_the_factory",
    ],
    "the vault's file": ["vault_file", "leftover_of_the_vault"],
}
"""Where secrets are looked for, and the leaks into it: written out once more, so that nothing gets lost unnoticed."""
SHAPES: Final = [
    "raw",
    "hex",
    "capital hex",
    *("base64 0", "base64 1", "base64 2"),
    *("base64url 0", "base64url 1", "base64url 2"),
    "URL",
    "JSON",
    "repr",
]
"""As what they are looked for."""


def test_every_leak_on_purpose_is_caught_in_its_place_and_nothing_else_is() -> None:
    said = canaries.said_of_leaks()
    caught = canaries.caught_in(said)
    assert [f"{place}-{form}" for place in PLACES for form in FORMS if f"{place}-{form}" not in caught] == []
    assert {name: text for name, text in said.items() if name not in caught and text} == {}
    assert said.keys() - caught == {f"{place}-{NO_SECRET}" for place in PLACES}
    found = canaries.verdict([said])
    assert found.holds
    assert found.lines[-1] == f"canaries: {len(caught)} of {len(caught)} leaks caught, 0 false alarms"


def test_a_leak_that_nobody_caught_and_a_false_alarm_are_told() -> None:
    quiet = {f"{place}-{form}": "" for place in PLACES for form in (*FORMS, NO_SECRET)}
    assert not canaries.verdict([quiet]).holds
    loud = {name: f"{PLACES[name.partition('-')[0]]} holds a secret: hex" for name in quiet}
    assert not canaries.verdict([loud]).holds
    assert canaries.verdict([loud | {f"{place}-{NO_SECRET}": "" for place in PLACES}]).holds


def test_every_sink_has_its_leaks_in_every_form() -> None:
    assert sorted(PLACES) == sorted(name for names in SINKS.values() for name in names)
    assert {name for name in vars(Leaks) if not name.startswith("_")} == PLACES.keys()
    assert list(FORMS) == SHAPES
