"""The program `age`, which others open backups with."""

import shutil
from typing import Final

BINARY: Final = shutil.which("age")
KEYGEN: Final = shutil.which("age-keygen")
NOT_CHECKED: Final = "not checked: age. There is no age on PATH; scripts/install-servers installs it."
