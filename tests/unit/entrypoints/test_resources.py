"""What opening refuses before anything is opened."""

from pathlib import Path

import pytest

from journal_keys.entrypoints.resources import open_container
from journal_keys.ports.secret_store import SecretStoreDeniedError
from tests.support.embedded import make_rings, settings_in


async def test_a_master_key_that_is_set_and_empty_is_not_replaced_by_the_key_file(tmp_path: Path) -> None:
    await make_rings(settings_in(tmp_path))
    empty = settings_in(tmp_path, journal_keys_vault_master_key="")
    with pytest.raises(SecretStoreDeniedError, match="JOURNAL_KEYS_VAULT_MASTER_KEY"):
        async with open_container(empty):
            pass
