"""What is said to the binary: arguments and environment. No value, token or client secret is ever an argument.

Every rule is of the CLI at tag v0.42.1: `packages/cmd/{root,secrets,folder,export,login}.go`.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

from journal_keys.adapters.infisical_cli.connection import ClientCredentials, Target
from journal_keys.domain.exposure import expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath

Argv: TypeAlias = tuple[str, ...]

VALUE_FILE: Final = "value.yaml"
"""A link to the inherited pipe: the CLI tells YAML from dotenv by the ending of the name it was given."""

VERSION: Final[Argv] = ("--version",)

PROBES: Final[Mapping[Argv, tuple[str, ...]]] = {
    ("export", "--help"): ("--format", "--expand", "--include-imports", "--secret-overriding", "--projectId", "--path"),
    ("secrets", "set", "--help"): ("--file", "--projectId", "--path", "--env"),
    ("secrets", "delete", "--help"): ("--type", "--projectId", "--path", "--env"),
    ("secrets", "folders", "create", "--help"): ("--name", "--path", "--projectId", "--env"),
    ("login", "--help"): ("--method", "--plain"),
}
"""Which flags each help text has to name. Help does no network I/O."""


def read_folder(target: Target, folder: SecretPath) -> Argv:
    """List one folder as JSON, the one lossless form: nothing expanded, imported or overridden."""
    lossless = ("--format=json", "--expand=false", "--include-imports=false", "--secret-overriding=false")
    return ("export", *lossless, *_place(target, str(folder)))


def set_secret(target: Target, folder: SecretPath) -> Argv:
    """Set what the value file names, in this folder."""
    return ("secrets", "set", f"--file={VALUE_FILE}", *_place(target, str(folder)))


def delete_secret(target: Target, path: SecretPath) -> Argv:
    """Delete one secret; the type that the CLI assumes otherwise is `personal`."""
    return ("secrets", "delete", path.name, "--type=shared", *_place(target, str(path.folder)))


def make_folder(target: Target, folder: SecretPath) -> Argv:
    """Make one folder; the server makes its parents, and one that is there stays."""
    parent = "/" + "/".join(folder.segments[:-1])
    return ("secrets", "folders", "create", f"--name={folder.name}", *_place(target, parent))


def login(target: Target) -> Argv:
    """Exchange the credentials in the environment for an access token on standard output."""
    return ("login", "--method=universal-auth", "--plain", "--silent", f"--domain={target.domain}")


def _place(target: Target, folder: str) -> Argv:
    return (
        "--silent",
        f"--domain={target.domain}",
        f"--projectId={target.project_id}",
        f"--env={target.environment}",
        f"--path={folder}",
    )


def environment(target: Target, passed: Mapping[str, str], secrets: Mapping[str, KeyMaterial]) -> dict[str, str]:
    """Give the whole environment of a child: nothing is inherited, above all no HOME and no `TOKEN`.

    `passed` are the operator's certificate and proxy variables.
    """
    return {
        "PATH": "/usr/bin:/bin",
        "NO_COLOR": "1",
        "INFISICAL_API_URL": target.domain,
        "INFISICAL_DISABLE_UPDATE_CHECK": "1",
        **passed,
        **{name: expose(secret).decode("ascii") for name, secret in secrets.items()},
    }


def token_variables(token: KeyMaterial) -> dict[str, KeyMaterial]:
    """Name the token by the two variables that the CLI looks at first, so that no other one can take its place."""
    return {"INFISICAL_UNIVERSAL_AUTH_ACCESS_TOKEN": token, "INFISICAL_TOKEN": token}


def login_variables(credentials: ClientCredentials) -> dict[str, KeyMaterial]:
    """Name the credentials by the variables that `login` reads."""
    return {
        "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID": KeyMaterial(credentials.client_id.encode("ascii")),
        "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET": credentials.client_secret,
    }
