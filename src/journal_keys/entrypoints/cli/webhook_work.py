"""What the commands on the webhook's secret do."""

from typing import TYPE_CHECKING

from journal_keys.domain.exposure import as_text, expose
from journal_keys.domain.webhook_secrets import SecretsPage
from journal_keys.entrypoints.cli.output import print_json, print_once, print_table
from journal_keys.entrypoints.cli.running import on_container, operator

if TYPE_CHECKING:
    from journal_keys.container import Container
    from journal_keys.use_cases.rotate_webhook_secret import WebhookSecretMade


def rotate(reason: str, *, json: bool) -> None:
    """Make a new secret, and show it this once."""

    async def run(container: "Container") -> "WebhookSecretMade":
        return await container.rotate_webhook_secret()(actor=operator(), reason=reason)

    made = on_container(run)
    fields = {
        "outcome": "made",
        "secret": as_text(expose(made.secret)),
        "name": made.name,
        "former_until": made.former_until,
        "unfinished": made.unfinished,
    }
    print_once(fields, "Give this secret to the webhook in Infisical now: it is not shown again.", json=json)


def status(*, json: bool) -> None:
    """List what rotations made."""

    async def run(container: "Container") -> SecretsPage:
        return await container.webhook_secrets().known_secrets()

    page = on_container(run)
    rows = [(one.name, one.made_at, one.used_at, page.superseded_at(one.name)) for one in page.made]
    columns = ("name", "made_at", "used_at", "superseded_at")
    if json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table([column.replace("_", " ") for column in columns], rows)
