"""Grandchildren are seen too, and children of a fork server."""

import subprocess

import pytest

from tests.support.canary.processes import watch_tree
from tests.support.canary.watch import WATCH
from tests.support.crew import prepared


@pytest.mark.processes
def test_what_a_grandchild_is_started_with_is_seen() -> None:
    command = ["sh", "-c", "read word; env NAME=$word sh -c 'sleep 0.2; true' shown-$word; true"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        child.stdin.write("wanted\n")
        child.stdin.flush()
        seen = watch_tree(child.pid, lambda: child.poll() is None)
    below = [start for pid, start in seen.items() if pid != child.pid]
    assert any(start.arguments.endswith(b"\0shown-wanted\0") for start in below)
    assert any(b"\0NAME=wanted\0" in b"\0" + start.environment for start in below)


@pytest.mark.processes
def test_what_a_child_of_a_fork_server_has_from_it_is_looked_at() -> None:
    context = prepared()
    WATCH.begin(own=[], shared=[])
    WATCH.known.add([b"from multiprocessing.forkserver import main"])
    waiting, ending = context.Pipe(duplex=False)
    with waiting, ending:
        process = context.Process(target=waiting.poll, args=(60,))
        process.start()
        ending.send("the end")
        process.join()
    found = WATCH.end()
    WATCH.begin(own=[], shared=[])
    assert {text.partition(" holds ")[0] for text in found} == {"the arguments of a child"}
