"""Several processes that serve on one socket, and the one that keeps them."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from prometheus_client.multiprocess import mark_process_dead
from uvicorn import Config
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from journal_keys.entrypoints.http.app import create_app
from journal_keys.entrypoints.lifeline import hold_on_to_parent
from journal_keys.entrypoints.log_config import configure_logging, tell_retries
from journal_keys.entrypoints.settings import Settings

CREATE_WORKER: Final = "journal_keys.entrypoints.http.workers:create_worker"
_READY_S: Final = 60.0


class Supervisor(Multiprocess):
    """Tells `announce` once every worker serves; then replaces those that end.

    `figures` is the folder in which the workers keep their figures for Prometheus. Of a worker that is gone its counts
    stay, and what it showed of itself goes.
    """

    def __init__(self, config: Config, listener: socket.socket, announce: Callable[[], None], figures: Path) -> None:
        super().__init__(config, [listener])
        self._announce = announce
        self._figures = figures

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            SystemExit: a worker did not start; the others are ended.
        """
        super().run()
        if any(process.exitcode == STARTUP_FAILURE for process in self.processes):
            sys.exit(STARTUP_FAILURE)

    def init_processes(self) -> None:
        """Start all, and wait until they serve.

        Raises:
            SystemExit: one did not start; the others are ended.
        """
        super().init_processes()
        if all(process.wait_until_ready(_READY_S) for process in self.processes):
            self._announce()
            return
        for process in self.processes:
            process.kill()
            process.join()
        sys.exit(STARTUP_FAILURE)

    def keep_subprocess_alive(self) -> None:
        """Replace those that ended, and forget what they showed."""
        super().keep_subprocess_alive()
        alive = {str(process.pid) for process in self.processes}
        for file in self._figures.glob("gauge_live*_*.db"):
            pid = file.stem.rpartition("_")[2]
            if pid not in alive:
                mark_process_dead(pid, str(self._figures))  # type: ignore[no-untyped-call]


def create_worker() -> FastAPI:
    """Make the application of one worker, which is an instance of its own and ends with the supervisor."""
    settings = Settings.from_environment()
    configure_logging(settings.journal_log_level)
    tell_retries()
    hold_on_to_parent(settings.prometheus_multiproc_dir)
    if settings.journal_instance_name:
        name = f"{settings.journal_instance_name[:100]}-{os.getpid()}"
        settings = settings.model_copy(update={"journal_instance_name": name})
    return create_app(settings)
