"""Debian's Chromium and its driver, where they are on this machine."""

import shutil
from typing import Final

BROWSER: Final = shutil.which("chromium")
DRIVER: Final = shutil.which("chromedriver")
IS_HERE: Final = BROWSER is not None and DRIVER is not None
NOT_CHECKED: Final = (
    "not checked: the status page in a browser. There is no chromium with chromedriver on PATH;"
    " scripts/install-servers installs them."
)
