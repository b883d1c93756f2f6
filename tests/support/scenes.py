"""What each document in `docs/` finds when its blocks are run: the trouble that it is about, on real servers."""

import asyncio
import contextlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Final, TypeAlias

from dotenv import dotenv_values

from journal_keys.domain.encryption_budget import WARN_AT
from journal_keys.domain.keys import Family
from journal_keys.entrypoints.http.doors import WEBHOOK
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.settings import Settings
from tests.support import a_fetching_app
from tests.support.document_shell import Scene
from tests.support.hooks import modified, signed
from tests.support.operator import Operator
from tests.support.scenes_on_servers import behind, new_cli, redis_down, stale_views, store_down, waiting
from tests.support.stage import PATIENT, Stage, status_of, told_by, wait_for

OLD_SECRET: Final = "the webhook's secret of last quarter"
_OVERDUE_S: Final = 20.0


Scenery: TypeAlias = Callable[[Stage], Scene]


def overdue(stage: Stage) -> Scene:
    """Nobody rotates, and the signing key has been due for longer than W1."""
    operator = stage.operator(JOURNAL_JWT_ROTATION_INTERVAL=str(_OVERDUE_S), JOURNAL_JWT_LONGEST_TOKEN="10")
    made_s = (stage.rings / "vault.jkv").stat().st_mtime
    wait_for(lambda: time.time() > made_s + _OVERDUE_S + 3)
    return stage.scene(operator)


def compromised(stage: Stage) -> Scene:
    """A service serves, there are ciphertexts, and somebody has the keys."""
    scene = stage.scene(stage.operator())
    stage.serve(scene)
    stage.client(scene, "make")
    made = json.loads((stage.folder.parent / "made.json").read_text("utf-8"))
    (stage.folder / "ciphertexts.txt").write_text(f"{made[1]}\n", encoding="utf-8")
    return scene


def lost_store(stage: Stage) -> Scene:
    """There is a backup; the vault is gone."""
    operator = stage.operator()
    scene = stage.keeps(stage.scene(operator))
    assert operator.run("backup", "create", "--include-signing-keys").returncode == 0
    (operator.home / "vault.jkv").unlink()
    return scene


def lost_ledger(stage: Stage) -> Scene:
    """The ledger is gone, and the backup is older than the last rotation."""
    operator = stage.operator()
    assert operator.run("backup", "create", "--include-signing-keys").returncode == 0
    assert operator.run("rotate", "both", "--force").returncode == 0
    scene = stage.keeps(stage.scene(operator))
    for file in operator.home.glob("ledger.sqlite3*"):
        file.unlink()
    return scene


def audit_broken(stage: Stage) -> Scene:
    """There is a backup; somebody changed a row of the audit trail."""
    operator = stage.operator()
    scene = stage.scene(operator)
    assert operator.run("backup", "create", "--include-signing-keys").returncode == 0
    with contextlib.closing(sqlite3.connect(operator.home / "ledger.sqlite3")) as ledger, ledger:
        ledger.execute("UPDATE audit SET reason = 'nothing to see here' WHERE sequence = 3")
    return scene


def worn_key(stage: Stage) -> Scene:
    """The AES key has made more encryptions than are good for it."""
    operator = stage.operator()

    async def wear() -> None:
        settings = Settings.model_validate({"journal_keys_home": operator.home})
        async with open_container(settings) as container:
            ring = (await container.ledger().read(Family.AES)).ring
            assert ring is not None
            await container.usage().add(ring.active.kid, WARN_AT + 1)

    asyncio.run(wear())
    return stage.scene(operator)


def webhooks(stage: Stage) -> Scene:
    """Infisical signs with a secret, and sends what it has signed when the document lets time pass."""
    scene = stage.scene(stage.operator(JOURNAL_INFISICAL_WEBHOOK_SECRET=OLD_SECRET))
    stage.serve(scene)
    scene.elsewhere["infisical_signs_with_the_new_secret"] = lambda told: wait_for(
        lambda: send(told, _told(told, "secret")) == 200
    )
    return scene


def refused_webhooks(stage: Stage) -> Scene:
    """Infisical signs with a secret that nobody here knows."""
    scene = webhooks(stage)
    assert send(scene, "a secret that somebody typed wrongly") == 401
    return scene


def _told(scene: Scene, name: str) -> str:
    """What was shown last under this name."""
    return [line.split()[1] for line in scene.shown.splitlines() if line.startswith(f"{name} ")][-1]


def send(scene: Scene, secret: str) -> int:
    """Send a delivery, and give the answer's status."""
    now = datetime.now(UTC)
    body = modified(now, "/database")
    with contextlib.closing(HTTPConnection("localhost", scene.port, timeout=20)) as caller:
        caller.request("POST", WEBHOOK, body=body, headers=signed(body, now, secret))
        return caller.getresponse().status


def missed_cache(stage: Stage) -> Scene:
    """An application forgets secrets before it needs them again; its environment is in `journal.env`."""
    operator = stage.operator()
    assert operator.run("secrets", "set", a_fetching_app.PATH, given=b"nats://localhost:4222").returncode == 0
    (stage.folder / "journal.env").write_text("JOURNAL_INFISICAL_CACHE_TTL=0.5\n", encoding="utf-8")
    scene = stage.scene(operator)
    command = [sys.executable, "-m", "uvicorn", "tests.support.a_fetching_app:app", "--port", str(scene.port)]

    def start(_: Scene) -> None:
        told = {name: value or "" for name, value in dotenv_values(stage.folder / "journal.env").items()}
        process = stage.start(scene, command, **told)
        wait_for(lambda: status_of(scene.port, "/") == HTTPStatus.OK)

        def restart(again: Scene) -> None:
            process.terminate()
            process.wait()
            start(again)

        scene.elsewhere["restart journal-api"] = restart

    start(scene)

    def come(_: Scene) -> None:
        assert {status_of(scene.port, "/") for _ in range(20)} == {HTTPStatus.OK}
        wait_for(lambda: f'nats_url"}} {20.0}\n' in told_by(scene.port, "/metrics/"))  # hits are shown by the next poll

    scene.elsewhere["users_come"] = come
    for _ in range(2):
        time.sleep(0.6)
        assert status_of(scene.port, "/") == HTTPStatus.OK
    return scene


def plain(stage: Stage) -> Scene:
    """A home with rings."""
    return stage.scene(stage.operator())


def empty(stage: Stage) -> Scene:
    """An empty folder, and nothing set that changes W1."""
    operator = Operator(stage.folder)
    operator.environment = {"PATH": os.environ["PATH"], **PATIENT}
    return stage.scene(operator)


SCENES: Final[dict[str, Scenery]] = {
    "tutorial.md": empty,
    "explanation/windows.md": empty,
    "how-to/audit-broken.md": audit_broken,
    "how-to/cache-hits.md": missed_cache,
    "how-to/compromised-key.md": compromised,
    "how-to/encryption-budget.md": worn_key,
    "how-to/gate-waiting.md": waiting,
    "how-to/instances-disagree.md": behind,
    "how-to/lost-ledger.md": lost_ledger,
    "how-to/lost-store.md": lost_store,
    "how-to/overdue-key.md": overdue,
    "how-to/redis-down.md": redis_down,
    "how-to/restore-drill.md": plain,
    "how-to/rotate-webhook-secret.md": webhooks,
    "how-to/stale-views.md": stale_views,
    "how-to/store-down.md": store_down,
    "how-to/upgrade-cli.md": new_cli,
    "how-to/webhook-refusals.md": refused_webhooks,
}
"""The scene of each document that has blocks to run."""


@contextmanager
def set_up(name: str, stage: Stage) -> Iterator[Scene]:
    """Set the scene of a document up, and clear it away."""
    with stage.stack:
        yield SCENES[name](stage)
