"""Settings of a home whose keys are in the stand-in server."""

from pathlib import Path

from pydantic import SecretStr

from tests.support.infisical.server import InfisicalServer
from tests.support.infisical.stores import PLENTY


def in_infisical(server: InfisicalServer, binary: Path) -> dict[str, object]:
    """The fields of `Settings` that say so; no budget stands in the way."""
    return {
        "journal_infisical_enabled": True,
        "journal_infisical_server_url": server.url,
        "journal_infisical_project_id": server.project_id,
        "journal_infisical_cli_path": binary,
        "journal_infisical_requests_per_minute": PLENTY // 10,
        "infisical_universal_auth_client_id": server.owner.client_id,
        "infisical_universal_auth_client_secret": SecretStr(server.owner.client_secret),
    }
