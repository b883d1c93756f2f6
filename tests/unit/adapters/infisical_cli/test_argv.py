"""What the binary is told."""

import pytest

from journal_keys.adapters.infisical_cli import argv
from journal_keys.adapters.infisical_cli.connection import ClientCredentials, Target
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath

TARGET = Target(domain="https://secrets.example.org", project_id="p-1", environment="prod")
FOLDER = SecretPath.parse("/auth/jwt/versions")
LOSSLESS = "--format=json --expand=false --include-imports=false --secret-overriding=false"
PLACE = "--silent --domain=https://secrets.example.org --projectId=p-1 --env=prod"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            argv.read_folder(TARGET, FOLDER),
            f"export {LOSSLESS} {PLACE} --path=/auth/jwt/versions",
        ),
        (argv.set_secret(TARGET, FOLDER), f"secrets set --file=value.yaml {PLACE} --path=/auth/jwt/versions"),
        (
            argv.delete_secret(TARGET, FOLDER.child("jwt_x")),
            f"secrets delete jwt_x --type=shared {PLACE} --path=/auth/jwt/versions",
        ),
        (argv.make_folder(TARGET, FOLDER), f"secrets folders create --name=versions {PLACE} --path=/auth/jwt"),
        (argv.make_folder(TARGET, SecretPath.parse("/auth")), f"secrets folders create --name=auth {PLACE} --path=/"),
        (argv.login(TARGET), "login --method=universal-auth --plain --silent --domain=https://secrets.example.org"),
    ],
    ids=["read", "set", "delete", "make a folder", "make a folder in the root", "log in"],
)
def test_each_call_names_everything_that_the_cli_would_guess(said: tuple[str, ...], expected: str) -> None:
    assert " ".join(said) == expected


def test_a_child_inherits_nothing_and_has_the_token_under_both_names_that_come_first() -> None:
    environment = argv.environment(TARGET, {"SSL_CERT_FILE": "/ca.pem"}, argv.token_variables(KeyMaterial(b"t")))
    assert environment == {
        "PATH": "/usr/bin:/bin",
        "NO_COLOR": "1",
        "INFISICAL_API_URL": "https://secrets.example.org",
        "INFISICAL_DISABLE_UPDATE_CHECK": "1",
        "SSL_CERT_FILE": "/ca.pem",
        "INFISICAL_TOKEN": "t",
        "INFISICAL_UNIVERSAL_AUTH_ACCESS_TOKEN": "t",
    }


def test_a_login_has_its_credentials_in_the_environment() -> None:
    credentials = ClientCredentials(client_id="id", client_secret=KeyMaterial(b"secret"))
    environment = argv.environment(TARGET, {}, argv.login_variables(credentials))
    assert environment["INFISICAL_UNIVERSAL_AUTH_CLIENT_ID"] == "id"
    assert environment["INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET"] == "secret"
    assert "INFISICAL_TOKEN" not in environment
    assert "secret" not in repr(credentials)
