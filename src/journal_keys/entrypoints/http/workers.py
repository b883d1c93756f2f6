"""Several processes that serve on one socket, and the one that keeps them."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Final

from fastapi import FastAPI
from prometheus_client.multiprocess import mark_process_dead
from uvicorn import Config
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess
from uvicorn.supervisors.multiprocess import Process

from journal_keys import events
from journal_keys.domain.errors import JournalKeysError
from journal_keys.entrypoints.http.app import create_app
from journal_keys.entrypoints.lifeline import STOPS_WITHIN_S, hold_on_to_parent
from journal_keys.entrypoints.log_config import has_log_file, log_service, reopen_log_file
from journal_keys.entrypoints.settings import Settings, put_figures_together

CREATE_WORKER: Final = "journal_keys.entrypoints.http.workers:create_worker"
_READY_S: Final = 60.0
_FIGURES: Final = "journal-keys-figures-"
_RAM: Final = "/dev/shm"  # noqa: S108 (a folder of its own is made there)
_KILLED_WITHIN_S: Final = 0.2
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0
_MOST_DOUBLINGS: Final = 5


class WorkersLostError(JournalKeysError):
    """Every worker of a service that had served has ended, and none could be started again; the log says why."""


class Supervisor(Multiprocess):
    """Tells `announce` once every worker serves; then replaces those that end.

    A replacement that cannot start, as in an outage of the ledger, is tried again while another worker lives: a second
    later, then with pauses that double up to half a minute, until all serve again.
    `figures` is the folder in which the workers keep their figures for Prometheus. Of a worker that is gone its counts
    stay, and what it showed of itself goes. A thread hears SIGTERM and SIGINT: this process may be waiting for a worker
    that does not answer. Where there is a log file, another hears SIGHUP and has every process open it anew, and no
    worker is replaced then.
    """

    def __init__(
        self, config: Config, listeners: list[socket.socket], announce: Callable[[], None], figures: Path
    ) -> None:
        super().__init__(config, listeners)
        self._announce = announce
        self._figures = figures
        self._failed_starts = 0
        self._tried_again_at: dict[int | None, float] = {}
        self._told: SimpleQueue[int] = SimpleQueue()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda told, _frame: self._told.put(told))
        if has_log_file():  # blocked also in workers, until they can do something about it
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
            threading.Thread(target=self._reopen_when_told, name="log file", daemon=True).start()
        threading.Thread(target=self._stop_when_told, name="stop", daemon=True).start()

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT; 4 s later every worker has ended, or is killed.

        Raises:
            SystemExit: a worker did not start at first; the others are ended.
            WorkersLostError: none is left, and none can be started.
        """
        super().run()
        if self._is_deserted():
            raise WorkersLostError("no worker is left, and none could be started again: see the log above")

    def init_processes(self) -> None:
        """Start all, and wait until they serve, or until it is time to stop.

        Raises:
            SystemExit: one did not start; the others are ended.
        """
        super().init_processes()
        if all(process.wait_until_ready(_READY_S, self.should_exit) for process in self.processes):
            self._announce()
            return
        if self.should_exit.is_set():
            return
        for process in self.processes:
            process.kill()
            process.join()
        sys.exit(STARTUP_FAILURE)

    def keep_subprocess_alive(self) -> None:
        """Replace those that ended, and forget what they showed; stop where none is left and none can be started."""
        for index, worker in enumerate(self.processes):
            if self.should_exit.is_set():
                return
            if not worker.is_alive(self.config.timeout_worker_healthcheck) and self._may_be_replaced(worker):
                self._replace(index, worker)
        if self._is_deserted():
            self.should_exit.set()
        elif self._failed_starts and all(_serves(worker) for worker in self.processes):
            self._failed_starts = 0
        self._forget_the_gone()

    def _is_deserted(self) -> bool:
        return all(worker.exitcode == STARTUP_FAILURE for worker in self.processes)

    def _may_be_replaced(self, worker: Process) -> bool:
        """At once, except for one that could not start."""
        if worker.exitcode != STARTUP_FAILURE:
            return True
        if worker.pid not in self._tried_again_at:
            self._failed_starts += 1
            pause_s = pause_before_start_s(self._failed_starts)
            self._tried_again_at[worker.pid] = time.monotonic() + pause_s
            events.WORKER_NOT_STARTED.tell(pid=worker.pid, again_in_s=pause_s)
        return time.monotonic() >= self._tried_again_at[worker.pid]

    def _replace(self, index: int, ended: Process) -> None:
        ended.kill()  # it may hang
        ended.join()
        self._tried_again_at.pop(ended.pid, None)
        self.processes[index] = Process(self.config, self.sockets)
        self.processes[index].start()

    def _forget_the_gone(self) -> None:
        alive = {str(process.pid) for process in self.processes}
        for file in self._figures.glob("gauge_live*_*.db"):
            pid = file.stem.rpartition("_")[2]
            if pid not in alive:
                mark_process_dead(pid, str(self._figures))  # type: ignore[no-untyped-call]

    def _reopen_when_told(self) -> None:
        while True:
            signal.sigwait({signal.SIGHUP})
            reopen_log_file()
            for worker in tuple(self.processes):
                if worker.pid is not None and worker.exitcode is None:
                    os.kill(worker.pid, signal.SIGHUP)

    def _stop_when_told(self) -> None:
        self._told.get()
        self.should_exit.set()
        for worker in tuple(self.processes):
            worker.process.terminate()
        time.sleep(STOPS_WITHIN_S)
        for worker in tuple(self.processes):
            if worker.exitcode is None:
                events.WORKER_KILLED.tell(pid=worker.pid, within_s=STOPS_WITHIN_S)
                worker.process.kill()
                worker.process.join(_KILLED_WITHIN_S)
        rmtree(self._figures, ignore_errors=True)
        os._exit(0)  # the main thread may wait for one of them in vain


def pause_before_start_s(failed_starts: int) -> float:
    """Seconds from the last of so many failed starts of workers to the next one: 1, 2, 4, up to 30."""
    return min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * float(2 ** min(failed_starts - 1, _MOST_DOUBLINGS)))


def _serves(worker: Process) -> bool:
    return worker.exitcode is None and worker.is_ready()


@contextmanager
def figures_folder() -> Iterator[Path]:
    """Give the folder of the workers' figures: in memory where possible, since a full disk would end them."""
    with TemporaryDirectory(prefix=_FIGURES, dir=_RAM if os.access(_RAM, os.W_OK) else None) as folder:
        put_figures_together(Path(folder))
        yield Path(folder)


def own_figures(folder: Path | None) -> Path | None:
    """Give the folder if it is one of `figures_folder`: one that somebody else named is not ours to delete."""
    return folder if folder is not None and folder.name.startswith(_FIGURES) else None


def create_worker() -> FastAPI:
    """Make the application of one worker, which is an instance of its own and ends with the supervisor."""
    settings = Settings.from_environment()
    log_service(settings)
    hold_on_to_parent(own_figures(settings.prometheus_multiproc_dir))
    return create_app(settings)
