"""A process that has imported the command, and forks to run it: `python -m tests.support.warm_process N`.

It waits on socket N for runs until the other end closes. What a run shares with one that Python starts is all but the
imports: arguments, environment, folder, streams, the user's limits and the exit code are its own.
"""

import gc
import json
import os
import pkgutil
import runpy
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Final

import journal_keys.entrypoints.cli

MOST_BYTES: Final = 150_000
"""Of a request; the kernel takes no message of a socket of this kind that is much longer."""
_READS_THE_ENVIRONMENT: Final = frozenset({"demo", "service_figures"})
"""What imports the client of Prometheus, which looks there while it is imported where its figures go."""


def _import_the_command() -> None:
    package = journal_keys.entrypoints.cli
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if module.name.rpartition(".")[2] not in _READS_THE_ENVIRONMENT:
            import_module(module.name)
    import_module("journal_keys.entrypoints.resources")


def _become_a_run(channel: socket.socket) -> Sequence[str] | None:
    """Fork for each request; give the words in the process that has to run them, None where nobody asks any more."""
    gc.freeze()
    while True:
        request, given, *_ = socket.recv_fds(channel, MOST_BYTES, 4)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        if not request:
            return None
        if os.fork() == 0:
            channel.close()
            return _run_of(request, given)
        for one in given:
            os.close(one)


def _run_of(request: bytes, given: Sequence[int]) -> Sequence[str]:
    """Fork once more: one process runs, and comes back from here; this one tells how that ended."""
    *streams, reply = given
    run = os.fork()
    if run:
        code = os.waitstatus_to_exitcode(os.waitpid(run, 0)[1])
        os.write(reply, f"{code}\n".encode())
        os._exit(0)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for one in given:
        os.close(one)
    words, environment, folder = json.loads(request)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    return list(words)


if __name__ == "__main__":
    _import_the_command()
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        words = _become_a_run(asked)
    if words is not None:
        sys.argv[1:] = words
        runpy.run_module("journal_keys", run_name="__main__", alter_sys=True)
