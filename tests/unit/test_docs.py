"""Documents say what the code says, lead where they say, and have the form that an operator relies on."""

import re
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from journal_keys.domain.windows import Windows
from journal_keys.entrypoints.settings import Profile, Settings
from tests.support.documents import ALERTS, DOCS, ROOT, DocumentError, blocks_of, documents, matches
from tests.support.links import anchors, leads_somewhere, links
from tests.support.scenes import SCENES

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
RUNBOOKS = sorted((DOCS / "how-to").glob("*.md"))
WINDOWS_PAGE = (DOCS / "explanation/windows.md").read_text("utf-8")


def windows() -> list[Windows]:
    return [Settings.model_validate({"journal_keys_profile": one}).windows() for one in reversed(Profile)]


def shown(length: timedelta) -> str:
    """As people write it: whole days, and seconds."""
    seconds = (length - timedelta(days=length.days)).total_seconds()
    days = [f"{length.days} d"] if length.days else []
    return " ".join([*days, *([f"{seconds:g} s"] if seconds else [])])


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_every_link_leads_somewhere(page: Path) -> None:
    assert not [link for link in links(page.read_text("utf-8")) if not leads_somewhere(page, link)]


def test_a_link_to_no_file_and_one_to_no_heading_are_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# What `is` here, now?\n\n```sh\n# no heading\n```\n", encoding="utf-8")
    assert anchors(page.read_text("utf-8")) == {"what-is-here-now"}
    assert leads_somewhere(page, "page.md#what-is-here-now")
    assert not leads_somewhere(page, "#no-heading")
    assert not leads_somewhere(page, "pages.md")
    assert links("[a](b.md#c) `x` [d](https://e) ![f](g.svg)") == ["b.md#c", "g.svg"]


def test_the_arithmetic_of_the_windows_is_the_code_s_own() -> None:
    rows = {
        "JWKS max-age": "jwks_max_age",
        "view TTL": "view_ttl",
        "the longer of them": "oldest_verifier_view",
        "**W1**": "publish_to_promote",
        "signer view": "oldest_signer_view",
        "+ poll": "poll",
        "+ longest token": "longest_token",
        "+ leeway": "leeway",
        "+ skew": "skew",
        "**W2**": "promote_to_retire",
    }
    for row, name in rows.items():
        cells = [shown(getattr(one, name)) for one in windows()]
        cells = [f"**{cell}**" for cell in cells] if row.startswith("**") else cells
        times = 2 if row in {"+ poll", "+ skew"} else 1
        assert WINDOWS_PAGE.count(f"| {row} | {' | '.join(cells)} |") == times, (row, cells)


def test_the_picture_of_the_windows_shows_the_same_numbers_and_says_them_in_words() -> None:
    standard, embedded = windows()
    picture = ET.parse(DOCS / "explanation/windows.svg").getroot()  # noqa: S314 (our own file)
    texts = [element.text or "" for element in picture.iter() if element.tag.endswith(("}text", "}desc"))]
    (alternative,) = (text for text in texts if "A time line" in text)
    described = re.search(r"!\[([^\]]+)\]\(windows\.svg\)", WINDOWS_PAGE)
    assert described is not None
    for name in ("publish_to_promote", "promote_to_retire"):
        usual, quick = shown(getattr(standard, name)), shown(getattr(embedded, name))
        assert usual in texts
        assert f"(embedded: {quick})" in texts
        assert usual in alternative
        assert quick in alternative
        assert usual in described.group(1)
    assert picture.get("role") == "img"
    assert "prefers-color-scheme: dark" in (DOCS / "explanation/windows.svg").read_text("utf-8")


def test_w1_is_quoted_as_it_is() -> None:
    assert f"W1 ({shown(windows()[0].publish_to_promote)} in the profile `standard`" in (
        DOCS / "how-to/gate-waiting.md"
    ).read_text("utf-8")


@pytest.mark.parametrize("runbook", RUNBOOKS, ids=[page.name for page in RUNBOOKS])
def test_a_runbook_says_where_you_are_what_is_at_risk_and_when_it_is_over(runbook: Path) -> None:
    text = runbook.read_text("utf-8")
    for part in ("**You are here because**", "**At risk now:**", "## Look", "## Act", "## It is over when", "## Never"):
        assert text.count(f"\n{part}") == 1, part
    steps = [int(number) for number in re.findall(r"^(\d+)\. ", text, re.MULTILINE)]
    assert steps == list(range(1, len(steps) + 1))


def test_each_alert_is_named_in_its_runbook_and_in_the_index() -> None:
    index = (DOCS / "README.md").read_text("utf-8")
    for alert, runbook in ALERTS.items():
        assert f"`{alert}`" in (DOCS / "how-to" / runbook).read_text("utf-8"), alert
        (row,) = (line for line in index.splitlines() if f"`{alert}`" in line)
        assert f"(how-to/{runbook})" in row


def test_the_index_leads_to_every_document() -> None:
    reached = {(DOCS / link.partition("#")[0]).resolve() for link in links((DOCS / "README.md").read_text("utf-8"))}
    assert set(documents()) - {DOCS / "README.md"} <= reached


RUN_BY_A_TEST = {
    "journal-keys ledger upgrade": ("tests/integration/test_cli.py", '.json("ledger", "upgrade")'),
    "make run": ("tests/integration/test_readme.py", '"run", "PORT=0"]'),
    "journal-keys reconcile --accept-clock": ("tests/integration/test_cli.py", '.run("reconcile", "--accept-clock"'),
    "promtool test rules deploy/prometheus/journal_keys.test.yml": (
        "tests/integration/test_deploy.py",
        'promtool("test", "rules", RULE_TESTS)',
    ),
}
"""Commands that stand in sentences, and where they are run, if no block runs them."""
RUN_BY_HAND = {"make mutants"}
"""It takes hours."""


def commands_in_sentences() -> set[str]:
    found = set[str]()
    for page in DOCS.rglob("*.md"):
        if page.relative_to(DOCS).parts[0] not in {"adr", "reference"}:
            sentences = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
            found |= {
                " ".join(one.split()) for one in re.findall(r"`((?:journal-keys|make|curl|promtool) [^`]+)`", sentences)
            }
    return found


def test_every_command_in_a_sentence_is_run_by_a_block_or_by_a_test() -> None:
    blocks = "\n".join(one.text for path in documents() for one in blocks_of(path.read_text("utf-8")) if one.is_run)
    readme = "\n".join(
        re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    )
    commands = commands_in_sentences()
    not_in_blocks = {one for one in commands if one not in blocks and one not in readme}
    assert not_in_blocks == RUN_BY_A_TEST.keys() | RUN_BY_HAND
    for file, text in RUN_BY_A_TEST.values():
        assert text in (ROOT / file).read_text("utf-8")


def test_every_document_with_blocks_has_a_scene_and_none_is_left_over() -> None:
    found = {path.relative_to(DOCS).as_posix() for path in documents() if blocks_of(path.read_text("utf-8"))}
    assert found == set(SCENES)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("```ruby\nputs 1\n```\n", "nobody knows how to run a block of ruby"),
        ("```\nls\n```\n", "nobody knows how to run a block of no language"),
        ("  ```sh\n  ls\n  ```\n", "not at the start of a line"),
        ("```sh\nls\n", "not closed"),
        ("```sh code 3\nls\n```\n", "of another form"),
        ("```sh cod=3\nls\n```\n", "says nothing of a block"),
        ("```sh code=3\nls\nls\n```\n", "one command"),
        ("```text\nls\n```\n", "not directly behind one that is run"),
        ("```sh\nls\n```\n\nIt says:\n\n```text\nls\n```\n", "not directly behind one that is run"),
        ("```sh\nls\n```\n```text\na\n```\n```text\nb\n```\n", "not directly behind one that is run"),
        ("Save it:\n\n```python file=app.py\nx = 1\n```\n", "does not name `app.py`"),
    ],
)
def test_a_block_that_would_not_be_run_is_noticed(text: str, why: str) -> None:
    with pytest.raises(DocumentError, match=re.escape(why)):
        blocks_of(text)


@pytest.mark.parametrize(
    ("expected", "printed", "fits"),
    [
        ("a\n", "a\n", True),
        ("a\n", "b\n", False),
        ("a\n", "a\nb\n", False),
        ("a  …  c\n", "a\tb\tc\n", True),
        ("a …\n", "a b\nc\n", False),
        ("a\n…\nc\n", "a\nb\nb\nc\n", True),
        ("a\n…\nc\n", "a\nb\n", False),
        ("…\n", "", True),
        ("", "\n", True),
        ("", "a\n", False),
        ("a.b\n", "axb\n", False),
    ],
)
def test_what_is_shown_is_compared_with_what_is_printed(expected: str, printed: str, fits: object) -> None:
    assert matches(expected, printed) is fits
