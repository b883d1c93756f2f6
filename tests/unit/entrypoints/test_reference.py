"""docs/reference is what the code says, and the code says something of everything."""

import os
import subprocess
import sys

import pytest
from pydantic import SecretStr

from journal_keys.entrypoints.http.doors import DOORS
from journal_keys.entrypoints.settings import Settings
from scripts.reference.commands import commands
from scripts.reference.figures import LABELS, figures
from scripts.reference.pages import FIRST_LINE, FOLDER, pages
from scripts.reference.variables import descriptions

PAGES = pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_page_is_what_the_code_says(name: str) -> None:
    kept = (FOLDER / name).read_text("utf-8")
    assert kept == PAGES[name], f'docs/reference/{name} is not what the code says: run "make reference"'


def test_there_is_no_other_page() -> None:
    assert sorted(file.name for file in FOLDER.iterdir()) == sorted(PAGES), 'run "make reference"'


def test_each_page_says_first_that_it_is_generated_and_how() -> None:
    assert {text.splitlines()[0] for text in PAGES.values()} == {FIRST_LINE}
    assert "make reference" in FIRST_LINE


def test_the_pages_are_the_same_under_another_environment_and_order_of_hashes() -> None:
    other = {
        "PATH": os.environ["PATH"],
        "PYTHONHASHSEED": "7",
        "JOURNAL_KEYS_PROFILE": "standard",
        "JOURNAL_HTTP_TIMEOUT": "7",
        "TZ": "Asia/Tokyo",
    }
    program = "import sys; from scripts.reference.pages import pages; sys.stdout.write(repr(pages()))"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=other, cwd=FOLDER.parents[1], capture_output=True, check=True, text=True)
    assert done.stdout == repr(PAGES)


def test_no_page_names_a_place_on_this_machine() -> None:
    told = "".join(PAGES.values())
    assert str(FOLDER.parents[1]) not in told
    assert sys.prefix not in told


def test_every_setting_says_what_it_is_for() -> None:
    known = descriptions()
    silent = [name.upper() for name in Settings.model_fields if not known.get(name)]
    assert not silent, f"these settings lack a docstring under their field: {', '.join(silent)}"


def test_every_setting_that_is_secret_is_marked() -> None:
    for name, field in Settings.model_fields.items():
        row = next(line for line in PAGES["settings.md"].splitlines() if line.startswith(f"| `{name.upper()}` |"))
        assert ("**secret**" in row) == (field.annotation == SecretStr | None), row


def test_every_command_and_what_it_takes_says_what_it_is_for() -> None:
    silent = [name for name, command in commands().items() if not command.help]
    silent += [
        f"{name} {parameter.opts[0]}"
        for name, command in commands().items()
        for parameter in command.params
        if not parameter.help
    ]
    assert not silent, f"these lack a help text: {', '.join(silent)}"


def test_every_label_of_a_figure_is_one_of_a_set() -> None:
    unknown = {f"{label} of {name}" for name, _, _, labels in figures() for label in labels if label not in LABELS}
    assert not unknown, f"LABELS in scripts/reference/figures.py lacks {', '.join(sorted(unknown))}"


def test_no_set_is_kept_for_a_label_that_no_figure_has() -> None:
    assert set(LABELS) == {label for *_, labels in figures() for label in labels}


def test_every_figure_that_is_explained_is_listed_and_every_one_that_is_listed_is_explained() -> None:
    told = (FOLDER.parent / "metrics.md").read_text("utf-8")
    explained = {line.split("`")[1] for line in told.splitlines() if line.startswith("| `") and line.count("|") == 4}
    assert explained == {name for name, *_ in figures()}


def test_every_door_has_its_section() -> None:
    for method, path in DOORS:
        assert f"\n## {method} {path}\n" in PAGES["http.md"]
