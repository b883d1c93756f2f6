"""The documents in `docs/`: their blocks, run in order in one shell.

A block is fenced at the start of a line. What its first line says behind the language is not shown by a reader:

* `sh` is run; with `code=3` it is one command that ends with that code, without it every command ends with 0;
* `text` stands directly behind a block that is run, and is what that printed, `…` standing for anything;
* `python` is run as a program; any block with `file=NAME` is that file, which the paragraph above it names;
* `env`, `json` and `toml` are parsed.

`<!-- meanwhile: NAME -->` is where something happens elsewhere; the scene knows what. `systemctl` is the scene's, too.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
ALERTS: Final = {
    "JournalKeysKeyOverdue": "overdue-key.md",
    "JournalKeysRotationWaiting": "gate-waiting.md",
    "JournalKeysViewTooOld": "stale-views.md",
    "JournalKeysRingsDisagree": "instances-disagree.md",
    "JournalKeysStoreBreakerOpen": "store-down.md",
    "JournalKeysCacheHitRatioLow": "cache-hits.md",
    "JournalKeysWebhooksRefused": "webhook-refusals.md",
    "JournalKeysAuditBroken": "audit-broken.md",
    "JournalKeysEncryptionBudget": "encryption-budget.md",
}
"""The runbook of each alert, in `docs/how-to`."""
LANGUAGES: Final = frozenset({"sh", "text", "python", "env", "json", "toml"})
_FENCE: Final = re.compile(r"```(\w*)((?: \w+=\S+)*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_EVENT: Final = re.compile(r"^<!-- meanwhile: (\w+) -->$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Block:
    """One fenced block, or what happens elsewhere (`language` is empty, `text` names it)."""

    language: str
    text: str
    line: int
    code: int = 0
    file: str = ""
    expected: str | None = None
    """What it prints, where the document shows it."""

    @property
    def is_run(self) -> bool:
        return not self.file and self.language in {"sh", "python"}


class DocumentError(AssertionError):
    """A document does not hold what it says."""


def documents() -> list[Path]:
    """Every document whose blocks are run: all but decisions, generated pages, and those that show no commands."""
    others = {"metrics.md", "postgresql.md", "mutants.md"}
    found = (path for path in DOCS.rglob("*.md") if path.relative_to(DOCS).parts[0] not in {"adr", "reference"})
    return sorted(path for path in found if path.relative_to(DOCS).as_posix() not in others | {"reference.md"})


def blocks_of(text: str) -> list[Block]:
    """Give the blocks in order, each with what it is expected to print.

    Raises:
        DocumentError: a fence is not at the start of a line, or not closed; a language is not known; a `text` block
            stands behind no block that is run; a file is not named in the paragraph above.
    """
    found: list[Block] = []
    fences = list(_FENCE.finditer(text))
    if 2 * len(fences) != sum("```" in line for line in text.splitlines()):
        raise DocumentError("a fence is not at the start of a line, not closed, or has a first line of another form")
    ends = 0
    for match in sorted([*fences, *_EVENT.finditer(text)], key=lambda one: one.start()):
        line, between = text.count("\n", 0, match.start()) + 1, text[ends : match.start()]
        ends = match.end()
        if match.re is _EVENT:
            found.append(Block(language="", text=match.group(1), line=line))
        elif match.group(1) == "text":
            if between.strip() or not found or not found[-1].is_run or found[-1].expected is not None:
                raise DocumentError(f"line {line}: a text block is not directly behind one that is run")
            found[-1] = Block(**{**vars(found[-1]), "expected": match.group(3)})
        else:
            found.append(_block(match, line, between))
    return found


def _block(match: re.Match[str], line: int, above: str) -> Block:
    language, words, text = match.groups()
    told = dict(word.split("=", 1) for word in words.split())
    if language not in LANGUAGES:
        raise DocumentError(f"line {line}: nobody knows how to run a block of {language or 'no language'}")
    block = Block(language=language, text=text, line=line, code=int(told.pop("code", 0)), file=told.pop("file", ""))
    if told:
        raise DocumentError(f"line {line}: {', '.join(told)} says nothing of a block")
    if block.file and f"`{block.file}`" not in above.strip().rpartition("\n\n")[2]:
        raise DocumentError(f"line {line}: the paragraph above does not name `{block.file}`")
    if block.code and (language != "sh" or len(re.findall(r"(?<!\\)\n", text)) != 1):
        raise DocumentError(f"line {line}: a block with a code is one command")
    return block


def matches(expected: str, printed: str) -> bool:
    """Whether this was printed. `…` is anything within a line, and alone in a line any lines; blanks count as one."""
    lines = [_plain(line) for line in expected.rstrip().splitlines()]
    form = "".join(
        r"(?:[^\n]*\n)*?" if line == "…" else r"[^\n]*?".join(map(re.escape, line.split("…"))) + "\n" for line in lines
    )
    shown = "".join(_plain(line) + "\n" for line in printed.rstrip().splitlines())
    return re.fullmatch(form, shown) is not None


def _plain(line: str) -> str:
    return re.sub(r"[ \t]+", " ", line).strip()
