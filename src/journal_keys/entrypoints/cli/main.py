"""The command `journal-keys`."""

import signal
import sys
from typing import Annotated

import typer

from journal_keys.entrypoints.cli import rings, set_up
from journal_keys.entrypoints.cli.admin_tokens import admin_tokens_app
from journal_keys.entrypoints.cli.audit import audit_app
from journal_keys.entrypoints.cli.backup import backup_app, restore
from journal_keys.entrypoints.cli.ledger import ledger_app
from journal_keys.entrypoints.cli.migration import migration_app
from journal_keys.entrypoints.cli.options import Json
from journal_keys.entrypoints.cli.rings import keys_app
from journal_keys.entrypoints.cli.secrets import secrets_app
from journal_keys.entrypoints.cli.streams import give_every_stream_a_place
from journal_keys.entrypoints.cli.webhook_secrets import webhook_secrets_app

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
    help="Keys for Python web applications, rotated without a refused token or an unreadable ciphertext.",
)
for verb in (rings.init, rings.status, rings.rotate, rings.compromise, rings.reconcile, rings.recover, restore):
    app.command()(verb)
for look in (set_up.config, set_up.doctor):
    app.command()(look)
app.add_typer(keys_app, name="keys")
app.add_typer(secrets_app, name="secrets")
app.add_typer(audit_app, name="audit")
app.add_typer(ledger_app, name="ledger")
app.add_typer(migration_app, name="migration")
app.add_typer(backup_app, name="backup")
app.add_typer(webhook_secrets_app, name="webhook-secret")
app.add_typer(admin_tokens_app, name="admin-token")


@app.command()
def serve(
    *,
    host: Annotated[str, typer.Option(help="An address of this machine's loopback.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 for any that is free.")] = 8000,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes; without it two on PostgreSQL and Redis, else one.")
    ] = None,
    json: Json = False,
) -> None:
    """Serve health, rotation and the JWK Set, and keep the rings in motion."""
    from journal_keys.entrypoints.http.serve import serve as serve_http
    from journal_keys.entrypoints.settings import Settings

    serve_http(Settings.from_environment(), host, port, workers=workers, json=json)


@app.command()
def health(*, json: Json = False) -> None:
    """Say whether keys can be used and changed; exit code 10 where a ring cannot be used."""
    from journal_keys.entrypoints.cli import ring_work

    ring_work.health(json=json)


@app.command()
def demo(
    *, seconds: Annotated[float, typer.Option(min=1, max=86_400, help="For how long.")] = 30, json: Json = False
) -> None:
    """Sign, verify, encrypt and decrypt in several processes while both rings rotate and rotators are killed."""
    from journal_keys.entrypoints.cli.demo import demo as show

    raise typer.Exit(show(seconds, json))


def main() -> None:
    """Run the command; whatever fails is one line and an exit code, never a traceback."""
    give_every_stream_a_place()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except SystemExit as ended:
        if ended.code == 128 + signal.SIGTERM:
            from journal_keys.entrypoints.ending import die_of_sigterm

            die_of_sigterm()
        raise
    except Exception as failure:  # noqa: BLE001 (the last place that can say it in one line)
        from journal_keys.entrypoints.cli.last_words import tell

        sys.exit(tell(failure, json_wanted="--json" in sys.argv))
