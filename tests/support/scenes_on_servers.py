"""Scenes of documents that need PostgreSQL, Redis or Infisical."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from journal_keys.entrypoints.cli.exit_codes import ExitCode
from tests.support.document_shell import Scene
from tests.support.infisical.server import InfisicalServer
from tests.support.infisical.standin import install
from tests.support.operator import Operator
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import RedisServer
from tests.support.stage import Stage, wait_for


def waiting(stage: Stage) -> Scene:
    """Two of three instances stand still: one can be restarted, the host of the other is gone."""
    operator, scene = _on_postgresql(stage)
    lagging = [_instance(stage, scene, name) for name in ("api-2", "api-3")]
    _stand_still(lagging)
    done = operator.run("rotate", "both", "--force")
    assert done.returncode == 0, done.stdout + done.stderr
    scene.elsewhere["restart journal-api@api-2"] = lambda scene: _restart(stage, scene, lagging[0], "api-2")
    time.sleep(3)  # W1 of the keys that this staged
    assert operator.run("rotate", "both", "--force").returncode == ExitCode.WAITING
    return scene


def behind(stage: Stage) -> Scene:
    """One of two instances stands still, and a key was rotated meanwhile."""
    operator, scene = _on_postgresql(stage)
    _, lagging = (_instance(stage, scene, name) for name in ("api-1", "api-2"))
    _stand_still([lagging])
    done = operator.run("rotate", "jwt", "--force")
    assert done.returncode == 0, done.stdout + done.stderr
    scene.elsewhere["restart journal-api@api-2"] = lambda scene: _restart(stage, scene, lagging, "api-2")
    wait_for(lambda: b"1 of 2 live instances" in operator.run("status").stdout)
    return scene


def _on_postgresql(stage: Stage) -> tuple[Operator, Scene]:
    """Rings whose ledger is there, in which a report counts for an hour."""
    server: PostgresServer = stage.request.getfixturevalue("postgres")
    url = asyncio.run(server.database())
    operator = stage.operator(has_rings=False, JOURNAL_DB_URL_ASYNC=url, JOURNAL_INSTANCE_EXPIRY="3600")
    assert operator.run("init").returncode == 0
    return operator, stage.scene(operator)


def _instance(stage: Stage, scene: Scene, name: str) -> "subprocess.Popen[str]":
    """A process with views, which has loaded them."""
    command = [sys.executable, "-m", "tests.support.a_client", "stay"]
    process = stage.start(scene, command, JOURNAL_INSTANCE_NAME=name)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def _stand_still(processes: Iterable["subprocess.Popen[str]"]) -> None:
    """Stop them, once each has reported."""
    time.sleep(3)  # and W1 is over
    for process in processes:
        process.send_signal(signal.SIGSTOP)


def _restart(stage: Stage, scene: Scene, process: "subprocess.Popen[str]", name: str) -> None:
    process.kill()
    _instance(stage, scene, name)


def store_down(stage: Stage) -> Scene:
    """A service has its keys in Infisical, and that answers with the page of a broken proxy."""
    server = stage.stack.enter_context(InfisicalServer())
    operator = on_infisical(stage, server, install(stage.folder.parent / "cli", pace=0.01))
    assert operator.run("init").returncode == 0
    scene = stage.scene(operator)
    stage.serve(scene)
    port = int(server.url.rpartition(":")[2])
    server.stop()

    def is_back(_: Scene) -> None:
        again = InfisicalServer(port=port)
        again.shelves, again.registry, again.owner = server.shelves, server.registry, server.owner
        stage.stack.enter_context(again)

    scene.elsewhere["infisical_is_back"] = is_back
    return scene


def on_infisical(stage: Stage, server: InfisicalServer, binary: Path) -> Operator:
    return stage.operator(
        has_rings=False,
        JOURNAL_INFISICAL_ENABLED="true",
        JOURNAL_INFISICAL_SERVER_URL=server.url,
        JOURNAL_INFISICAL_PROJECT_ID=server.project_id,
        JOURNAL_INFISICAL_CLI_PATH=str(binary),
        JOURNAL_INFISICAL_REQUESTS_PER_MINUTE="100000",
        JOURNAL_INFISICAL_MAX_RETRIES="0",
        INFISICAL_UNIVERSAL_AUTH_CLIENT_ID=server.owner.client_id,
        INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET=server.owner.client_secret,
    )


def redis_down(stage: Stage) -> Scene:
    """A service shares its cache in Redis, and that is down."""
    redis: RedisServer = stage.request.getfixturevalue("own_redis")
    scene = stage.scene(stage.operator(JOURNAL_REDIS_URL=redis.url))
    stage.serve(scene)
    redis.stop()
    scene.elsewhere["start redis-server"] = lambda _: redis.start()
    return scene


def stale_views(stage: Stage) -> Scene:
    """A service has its ledger on PostgreSQL, and that is down."""
    server: PostgresServer = stage.request.getfixturevalue("own_postgres")
    url = asyncio.run(server.database())
    operator = stage.operator(has_rings=False, JOURNAL_DB_URL_ASYNC=url)
    assert operator.run("init").returncode == 0
    scene = stage.scene(operator)
    stage.serve(scene)
    server.stop(signal.SIGQUIT)
    time.sleep(2)  # the view's time to live, and more
    scene.elsewhere["start postgresql"] = lambda _: server.start()
    return scene


def new_cli(stage: Stage) -> Scene:
    """The keys are in Infisical, and the next release of its CLI lies ready in a folder."""
    server = stage.stack.enter_context(InfisicalServer())
    operator = on_infisical(stage, server, install(stage.folder / "opt/infisical-0.42.1", pace=0.01))
    install(stage.folder / "opt/infisical-0.42.2", version="0.42.2", pace=0.01)
    assert operator.run("init").returncode == 0
    return stage.scene(operator)
