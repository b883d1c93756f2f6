"""Links in Markdown: where they lead, as GitHub shows them."""

import re
from pathlib import Path
from typing import Final

_FENCED: Final = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
_LINK: Final = re.compile(r"\]\(([^)\s]+)\)")


def anchors(text: str) -> set[str]:
    """What a link may name behind `#`: headings in lower case, without punctuation, with dashes for blanks."""
    headings: list[str] = re.findall(r"^#+ (.+)$", _FENCED.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(text: str) -> list[str]:
    """The relative links of a document."""
    found: list[str] = _LINK.findall(_FENCED.sub("", text))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def leads_somewhere(source: Path, link: str) -> bool:
    """Whether there is such a file, with such a heading."""
    name, _, anchor = link.partition("#")
    target = (source.parent / name).resolve() if name else source
    if not target.exists():
        return False
    return not anchor or anchor in anchors(target.read_text("utf-8"))
