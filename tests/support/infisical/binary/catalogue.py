"""Which commands and flags there are (`packages/cmd/{root,secrets,folder,export,login}.go` v0.42.1).

Texts that were recorded are as recorded; the others are in our own words.
"""

from tests.support.infisical.binary.flags import Command, Flag

_SET_ENV = "Used to select the environment name on which actions should be taken on"
_TOKEN = Flag("token", "Fetch secrets using service token or machine identity access token")
_ENV = Flag("env", _SET_ENV, "dev")
_TAGS = Flag("tags", "filter secrets by tag slugs", short="t")
_PATH = Flag("path", "get secrets within a folder path", "/")
_PROJECT = Flag("projectId", "the project to work on")
_IMPORTS = Flag("include-imports", "Imported linked secrets ", "true", value="")
_OVERRIDING = Flag(
    "secret-overriding",
    "Prioritizes personal secrets, if any, with the same name over shared secrets",
    "true",
    value="",
)
_EXPAND = Flag(
    "expand",
    "Parse shell parameter expansions in your secrets, and process your referenced secrets",
    "true",
    value="",
)
_PLAIN = Flag("plain", "print values without formatting, one per line", "false", value="")
_RECURSIVE = Flag("recursive", "Fetch secrets from all sub-folders", "false", value="")

GLOBAL = (
    Flag(
        "domain",
        "Point the CLI to your own backend [can also set via environment variable name: INFISICAL_API_URL]",
        "https://app.infisical.com/api",
    ),
    Flag("log-level", "log level (trace, debug, info, warn, error, fatal)", "info", short="l"),
    Flag(
        "silent",
        "Disable output of tip/info messages. Useful when running in scripts or CI/CD pipelines.",
        "false",
        value="",
    ),
    Flag(
        "telemetry",
        "Infisical collects non-sensitive telemetry data to enhance features and improve user experience."
        " Participation is voluntary",
        "true",
        value="",
    ),
)

EXPORT = Command(
    "export",
    "print all secrets of a folder in one of several formats",
    flags=(
        Flag(
            "env",
            "Set the environment (dev, prod, etc.) from which your secrets should be pulled from",
            "dev",
            short="e",
        ),
        Flag("expand", "Parse shell parameter expansions in your secrets", "true", value=""),
        Flag("format", "Set the format of the output file (dotenv, json, csv)", "dotenv", short="f"),
        Flag("include-imports", "Imported linked secrets", "true", value=""),
        Flag(
            "output-file",
            "The path to write the output file to. Can be a full file path, directory, or filename."
            " If not specified, output will be printed to stdout",
            short="o",
        ),
        _PATH,
        Flag("projectId", "manually set the projectId to export secrets from"),
        _OVERRIDING,
        _TAGS,
        Flag("template", "The path to the template file used to render secrets"),
        _TOKEN,
    ),
    least=None,
    example="infisical export --env=prod --format=json > secrets.json\n"
    "infisical export --env=prod --format=json --output-file=secrets.json",
)

_GET = Command(
    "get",
    "Used to retrieve secrets by name",
    flags=(
        _EXPAND,
        _IMPORTS,
        _PATH,
        _PLAIN,
        _PROJECT,
        Flag("raw-value", "the same as --plain", "false", value=""),
        _RECURSIVE,
        _OVERRIDING,
        _TOKEN,
    ),
    least=1,
    arguments=" [secrets]",
)
_SET = Command(
    "set",
    "Used set secrets",
    flags=(
        Flag("file", "take names and values from a file: YAML by its ending, otherwise dotenv"),
        Flag("path", "the folder to set them in", "/"),
        _PROJECT,
        _TOKEN,
        Flag("type", "shared or personal", "shared"),
    ),
    least=1,
    arguments=" [secrets]",
)
_DELETE = Command(
    "delete",
    "Used to delete secrets by name",
    flags=(
        Flag("path", "the folder to delete them from", "/"),
        _PROJECT,
        _TOKEN,
        Flag("type", "shared or personal", "personal"),
    ),
    least=1,
    arguments=" [secrets]",
)


def _folder_command(name: str, short: str, *more: Flag) -> Command:
    path = Flag("path", "the parent folder", "/", short="p")
    return Command(name, short, flags=(path, _PROJECT, _TOKEN, *more), arguments=" [flags]")


_FOLDER_NAME = Flag("name", "the folder's name in --path", short="n", value="--path")
FOLDERS = Command(
    "folders",
    "Create, delete, and list folders",
    inherited=(_ENV,),
    children=(
        _folder_command("create", "Create a folder", _FOLDER_NAME),
        _folder_command("delete", "Delete a folder", _FOLDER_NAME),
        _folder_command("get", "Get folders in a directory"),
    ),
)
_EXAMPLE_ENV = Command("generate-example-env", "Used to generate a example .env file", least=None)
SECRETS = Command(
    "secrets",
    "work with secrets",
    flags=(
        _EXPAND,
        _IMPORTS,
        _PATH,
        _PLAIN,
        Flag("projectId", "manually set the projectId to fetch secrets when using machine identity based auth"),
        _RECURSIVE,
        _OVERRIDING,
        _TOKEN,
    ),
    inherited=(_ENV, _TAGS),
    children=(_DELETE, FOLDERS, _EXAMPLE_ENV, _GET, _SET),
    least=None,
    example="infisical secrets",
)

LOGIN = Command(
    "login",
    "exchange credentials for an access token",
    flags=(
        Flag("clear-domains", "forget the domains in the configuration", "false", value=""),
        Flag("client-id", "the identity's client id"),
        Flag("client-secret", "the identity's client secret"),
        Flag("interactive", "ask on the terminal", "false", short="i", value=""),
        Flag("jwt", "a token of another issuer"),
        Flag("machine-identity-id", "the identity's id"),
        Flag("method", "user, universal-auth and others", "user"),
        Flag("plain", "print nothing but the token", "false", value=""),
        Flag("service-account-key-file-path", "a key file"),
        Flag("service-account-token-path", "a token file"),
    ),
)

ELSEWHERE = (
    "agent",
    "bootstrap",
    "dynamic-secrets",
    "gateway",
    "help",
    "init",
    "kmip",
    "relay",
    "reset",
    "run",
    "scan",
    "service-token",
    "ssh",
    "token",
    "user",
    "vault",
)
"""Commands of the real CLI that nothing of ours calls: the stand-in knows their names and refuses to be them."""

ROOT = Command(
    "infisical",
    "keep secrets in Infisical",
    flags=(Flag("version", "version for infisical", "false", short="v", value=""),),
    inherited=GLOBAL,
    children=(EXPORT, LOGIN, SECRETS),
    runs=False,
)
