"""Several processes that serve on one socket, and the one that keeps them."""

import os
import socket
import sys
from collections.abc import Callable
from typing import Final

from fastapi import FastAPI
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
    """Tells `announce` once every worker serves; then replaces those that end."""

    def __init__(self, config: Config, listener: socket.socket, announce: Callable[[], None]) -> None:
        super().__init__(config, [listener])
        self._announce = announce

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


def create_worker() -> FastAPI:
    """Make the application of one worker, which is an instance of its own and ends with the supervisor."""
    settings = Settings.from_environment()
    configure_logging(settings.journal_log_level)
    tell_retries()
    hold_on_to_parent()
    if settings.journal_instance_name:
        name = f"{settings.journal_instance_name[:100]}-{os.getpid()}"
        settings = settings.model_copy(update={"journal_instance_name": name})
    return create_app(settings)
