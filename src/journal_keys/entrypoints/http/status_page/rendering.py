"""The page as HTML: one template, in which every text is escaped and made visible, and one style sheet."""

import hashlib
from base64 import b64encode
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined, Template

from journal_keys.domain.forms import iso
from journal_keys.entrypoints.status.page import STATES, Page
from journal_keys.entrypoints.status.words import spaced, visible

_FOLDER: Final = files(__package__)


@cache
def style() -> str:
    """Give the style sheet, which stands in the page itself: a page that was saved needs nothing else."""
    return _FOLDER.joinpath("style.css").read_text("utf-8")


@cache
def content_security_policy() -> str:
    """Allow this style sheet, and nothing else at all."""
    digest = b64encode(hashlib.sha256(style().encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'none'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )


def html(page: Page, *, seen_by: str) -> str:
    """Write the page down."""
    values = {"page": page, "seen_by": seen_by, "states": STATES, "style": style(), "iso": iso, "spaced": spaced}
    return _template().render(values).lstrip()  # behind the macros


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_finalize, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_FOLDER.joinpath("template.html").read_text("utf-8"))


def _finalize(value: object) -> object:
    """Make every text visible that is no markup of the template's own."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
