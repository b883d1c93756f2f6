"""Grandchildren are seen too."""

import subprocess

import pytest

from tests.support.canary.processes import watch_tree


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
