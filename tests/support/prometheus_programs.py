"""Debian's programs of Prometheus, which check rules and run them."""

import shutil
from typing import Final

PROMTOOL: Final = shutil.which("promtool")
PROMETHEUS: Final = shutil.which("prometheus")
NOT_CHECKED: Final = (
    "not checked: alert rules. There is no promtool or no prometheus on PATH; scripts/install-servers installs them."
)
