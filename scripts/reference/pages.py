"""Which pages there are."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from scripts.reference.commands import commands_page
from scripts.reference.failures import errors_page
from scripts.reference.figures import metrics_page
from scripts.reference.routes import http_page
from scripts.reference.variables import settings_page

FOLDER: Final = Path(__file__).parents[2] / "docs" / "reference"
FIRST_LINE: Final = '<!-- Generated from the code by "make reference": change the code, not this file. -->'

_PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "cli.md": commands_page,
    "errors.md": errors_page,
    "http.md": http_page,
    "metrics.md": metrics_page,
    "settings.md": settings_page,
}


def pages() -> dict[str, str]:
    """Give the text of each page by its file name: the same for the same code, wherever it is."""
    return {name: f"{FIRST_LINE}\n\n{make()}" for name, make in _PAGES.items()}
