"""Run the blocks of a document in one shell, in the scene that the document is about."""

import io
import json
import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from dotenv import dotenv_values

from tests.support.documents import Block, DocumentError, blocks_of, matches

_MARK: Final = "\036"
_SYSTEMCTL: Final = """#!/bin/sh
printf '\\036asked %s\\n' "$*"
read -r answer <{fifo}
test "$answer" = done
"""


@dataclass(kw_only=True)
class Scene:
    """What a document finds: a folder, an environment, and what happens elsewhere, by its name or unit."""

    folder: Path
    environment: dict[str, str]
    port: int
    elsewhere: dict[str, Callable[["Scene"], object]] = field(default_factory=dict)
    """By the name of a meanwhile, or by the words behind `systemctl`."""
    shown: str = ""
    """All that was printed so far."""
    check: Callable[[], None] = lambda: None
    """Says whether the trouble is over, where the document's own commands cannot."""


def run_document(path: Path, scene: Scene) -> int:
    """Run all blocks, and give their number.

    Raises:
        DocumentError: a block fails, or prints something else than the document shows.
    """
    blocks = blocks_of(path.read_text("utf-8").replace("8000", str(scene.port)))
    with _Shell(scene) as shell:
        for number, block in enumerate(blocks):
            where = f"{path.name}:{block.line}"
            _do(block, shell, scene, f"{number}-of-{path.stem}", where)
        scene.check()
    return len(blocks)


def _do(block: Block, shell: "_Shell", scene: Scene, name: str, where: str) -> None:
    if not block.language:
        scene.elsewhere[block.text](scene)
        return
    if block.file:
        (scene.folder / block.file).write_text(block.text, encoding="utf-8")
    if not block.is_run:
        _parse(block)
        return
    printed = shell.run(block, name, where)
    scene.shown += printed
    if block.expected is not None and not matches(block.expected, printed):
        raise DocumentError(f"{where} prints, other than shown:\n{printed}")


def _parse(block: Block) -> None:
    match block.language:
        case "json":
            json.loads(block.text)
        case "toml":
            tomllib.loads(block.text)
        case "python":
            compile(block.text, block.file, "exec")
        case "env":
            assert None not in dotenv_values(stream=io.StringIO(block.text)).values(), block.text


class _Shell:
    """One `sh -eu` for all blocks of a document; what they started ends with it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._own = scene.folder.parent / "shell"
        self._own.mkdir()
        self._fifo = self._own / "answer"
        os.mkfifo(self._fifo)
        stub = self._own / "systemctl"
        stub.write_text(_SYSTEMCTL.format(fifo=self._fifo), encoding="utf-8")
        stub.chmod(0o755)

    def __enter__(self) -> Self:
        programs = f"{self._own}:{Path(sys.executable).parent}:{self._scene.environment['PATH']}"
        self._process = subprocess.Popen(
            ["sh", "-eu"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**self._scene.environment, "PATH": programs},
            cwd=self._scene.folder,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def run(self, block: Block, name: str, where: str) -> str:
        """Run a block, and give what it prints."""
        file = self._own / name
        file.write_text(block.text, encoding="utf-8")
        command = f". {file}" if block.language == "sh" else f"python -X dev -W error {file}"
        around = ("set +e; ", "; set -e") if block.code else ("", "")
        assert self._process.stdin is not None
        self._process.stdin.write(f"{around[0]}{command} </dev/null; printf '{_MARK}%s\\n' $?{around[1]}\n")
        self._process.stdin.flush()
        printed = ""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            before, mark, told = line.partition(_MARK)
            printed += before
            if mark and told.startswith("asked "):
                self._ask(told.removeprefix("asked ").strip())
            elif mark:
                if told.strip() != str(block.code):
                    raise DocumentError(f"{where} ends with {told.strip()}, not {block.code}:\n{printed}")
                return printed
        raise DocumentError(f"{where} fails:\n{block.text}{printed}")

    def _ask(self, words: str) -> None:
        self._scene.elsewhere[words](self._scene)
        self._fifo.write_text("done\n", encoding="utf-8")
