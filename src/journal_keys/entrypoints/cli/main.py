"""The command `journal-keys`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from journal_keys.domain.errors import JournalKeysError
from journal_keys.entrypoints.cli import rings
from journal_keys.entrypoints.cli.audit import audit_app
from journal_keys.entrypoints.cli.exit_codes import ExitCode, exit_code_of
from journal_keys.entrypoints.cli.options import Json
from journal_keys.entrypoints.cli.output import print_error, print_fields, print_json
from journal_keys.entrypoints.cli.rings import keys_app
from journal_keys.entrypoints.cli.running import on_container
from journal_keys.entrypoints.cli.secrets import secrets_app

if TYPE_CHECKING:
    from journal_keys.container import Container
    from journal_keys.use_cases.check_health import Health

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    help="Keys for Python web applications, rotated without a refused token or an unreadable ciphertext.",
)
for verb in (rings.init, rings.status, rings.rotate, rings.compromise, rings.reconcile, rings.recover):
    app.command()(verb)
app.add_typer(keys_app, name="keys")
app.add_typer(secrets_app, name="secrets")
app.add_typer(audit_app, name="audit")


@app.command()
def serve(host: str = "127.0.0.1", port: Annotated[int, typer.Option(min=0, max=65_535)] = 8000) -> None:
    """Serve health, rotation and the JWK Set, and keep the rings in motion."""
    from journal_keys.entrypoints.http.serve import serve as serve_http  # noqa: PLC0415 (`--help` must not pay for it)
    from journal_keys.entrypoints.settings import Settings  # noqa: PLC0415

    serve_http(Settings.from_environment(), host, port)


@app.command()
def health(*, json: Json = False) -> None:
    """Say whether keys can be used and changed; exit code 10 where a ring cannot be used."""

    async def run(container: "Container") -> "Health":
        return await container.check_health()()

    found = on_container(run)
    parts = {**{family.value: part for family, part in found.rings.items()}, "store": found.store}
    if json:
        print_json({"overall": found.overall, **parts})
    else:
        texts = {name: f"{part.status} {part.reason}".strip() for name, part in parts.items()}
        print_fields({"overall": found.overall, **texts})
    if found.overall == "unhealthy":
        raise typer.Exit(ExitCode.UNHEALTHY)


@app.command()
def demo(
    *, seconds: Annotated[float, typer.Option(min=1, max=86_400, help="For how long.")] = 30, json: Json = False
) -> None:
    """Sign, verify, encrypt and decrypt in several processes while both rings rotate and rotators are killed."""
    from journal_keys.entrypoints.cli.demo import demo as show  # noqa: PLC0415 (as above)

    raise typer.Exit(show(seconds, json))


def main() -> None:
    """Run the command; an error of ours is one line and its exit code, never a traceback."""
    try:
        app()
    except JournalKeysError as failure:
        print_error(type(failure).__name__, str(failure), json_wanted="--json" in sys.argv)
        sys.exit(exit_code_of(type(failure)))
