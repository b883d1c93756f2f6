"""Every command and block of the documents does what they say, where the trouble is that they are about."""

import os
import time
from pathlib import Path

import pytest

from tests.support.document_shell import Scene, run_document
from tests.support.documents import DOCS, DocumentError
from tests.support.operator import Operator
from tests.support.scenes import SCENES, set_up
from tests.support.stage import Stage

pytestmark = [pytest.mark.processes, pytest.mark.no_cover]


@pytest.fixture(scope="module")
def rings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with both rings, as the embedded profile makes them, whose staged keys have waited for W1."""
    made = Operator(tmp_path_factory.mktemp("rings"))
    made.environment = {"PATH": os.environ["PATH"], "JOURNAL_KEYS_HOME": str(made.home)}
    assert made.run("init").returncode == 0
    time.sleep(3)
    return made.home


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Where the shell is."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", SCENES)
def test_every_block_does_what_the_document_shows(name: str, here: Path, request: pytest.FixtureRequest) -> None:
    lines = (DOCS / name).read_text("utf-8").splitlines()
    with set_up(name, Stage(folder=here, request=request)) as scene:
        done = run_document(DOCS / name, scene)
    fences, shown = (sum(line.startswith(start) for line in lines) for start in ("```", "```text"))
    assert done == fences // 2 - shown + sum("<!--" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("```sh\nfalse\ntrue\n```\n", "fails"),
        ("```sh\nls | grep nothing\n```\n", "fails"),
        ("```sh\necho $UNSET\n```\n", "fails"),
        ("```sh code=3\ntrue\n```\n", "ends with 0, not 3"),
        ("```sh\necho a\n```\n\n```text\nb\n```\n", "prints, other than shown"),
        ("```python\nraise SystemExit(1)\n```\n", "fails"),
        ("```sh\nexport A=1\n```\n\n```sh\necho $A\n```\n\n```text\n2\n```\n", "prints, other than shown:\n1"),
    ],
)
def test_a_command_that_fails_or_prints_something_else_is_noticed(text: str, why: str, here: Path) -> None:
    document = here / "page.md"
    document.write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError, match=why):
        run_document(document, Scene(folder=here, environment={"PATH": os.environ["PATH"]}, port=8000))
