"""Runs of the command that do not wait for its imports, which take longer than most of what it is asked to do."""

import atexit
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.support.canary.boundaries import show_child, show_output
from tests.support.warm_process import MOST_BYTES


class Warm:
    """A process that has imported the command, for as long as this one lives."""

    def __init__(self, prefix: Sequence[str], environment: Mapping[str, str]) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-W", "error", "-m", "tests.support.warm_process", str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                [*prefix, *command],
                cwd=Path(__file__).parents[2],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self._end)

    def run(
        self, words: Sequence[str], environment: Mapping[str, str], given: bytes
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the command in a process of its own, in the folder that is ours now, to its end."""
        show_child(words, environment)
        request = json.dumps([list(words), dict(environment), str(Path.cwd())]).encode()
        assert len(request) <= MOST_BYTES
        with ExitStack() as opened:
            streams = [opened.enter_context(os.fdopen(os.memfd_create(name), "w+b")) for name in ("in", "out", "err")]
            streams[0].write(given)
            streams[0].seek(0)
            ours, theirs = socket.socketpair()
            with ours, ours.makefile() as reply:
                with theirs:
                    handed = [*(stream.fileno() for stream in streams), theirs.fileno()]
                    socket.send_fds(self._channel, [request], handed)
                code = int(reply.readline())
            for stream in streams:
                stream.seek(0)
            _, out, err = (stream.read() for stream in streams)
        show_output(words, out, err)
        return subprocess.CompletedProcess(list(words), code, out, err)

    def _end(self) -> None:
        self._channel.close()
        self._process.wait()
