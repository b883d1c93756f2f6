"""Where a test meets others, and is watched: random bytes, opened keys, children, HTTP, logs, caught exceptions.

What is wrapped belongs to the interpreter and to libraries; none of it is this project's code.
"""

import asyncio
import logging
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from http.client import HTTPResponse
from multiprocessing import util
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization

from tests.support.canary import vaults
from tests.support.canary.processes import show_tree
from tests.support.canary.watch import WATCH

_KEY_BYTES: Final = 32
_SHOWS_SECRETS: Final = "secrets get"
"""The one command whose standard output is for a secret."""
_BODY: Final = "the body of an HTTP answer"


def watch_boundaries(patch: pytest.MonkeyPatch) -> None:
    """Watch from here until the patch is undone.

    No audit hook: one is called for every import and file, and a thread that starts meanwhile cannot be traced.
    """
    _after(patch, os, "urandom", lambda made, *_: WATCH.known.add([made] if len(made) == _KEY_BYTES else []))
    _after(patch, serialization, "load_der_private_key", lambda key, *_: WATCH.known.add(vaults.private_parts(key)))
    _after(patch, logging.Logger, "makeRecord", lambda record, *_: WATCH.show_record(record))
    _after(patch, subprocess.Popen, "communicate", _show_output)
    _after(patch, pytest.CaptureFixture, "readouterr", lambda read, *_: _show_each("captured output", read))
    _watch_raises(patch)
    _after_await(patch, httpx2.AsyncClient, "send", _show_answer)
    _after(patch, httpx2.Client, "send", lambda answer, *_: _show_answer(answer))
    _after(patch, HTTPResponse, "begin", lambda _, answer: _show_headers(map(_raw, answer.getheaders())))
    for name in ("read", "read1", "readline"):
        _after(patch, HTTPResponse, name, lambda read, *_: WATCH.show(_BODY, read))
    _after_await(patch, asyncio.subprocess.Process, "communicate", _show_output_of_loop)
    watch_folders(patch, WATCH.watch_folder)
    _before(patch, shutil, "rmtree", lambda folder, *_, **__: WATCH.look_at_last(Path(os.fsdecode(folder))))
    _before(patch, subprocess.Popen, "__init__", _show_start)
    _before(patch, util, "spawnv_passfds", lambda _path, argv, _passed: show_child(argv, None))
    _after(patch, BaseProcess, "start", lambda _, process: show_tree(process.pid))
    _before(patch, os, "kill", lambda pid, number: show_tree(pid) if number and pid > 0 else None)
    _before(patch, os, "killpg", lambda group, number: show_tree(group) if number else None)
    _before(patch, os, "posix_spawn", lambda _path, argv, env, *_, **__: show_child(argv, env))


def watch_folders(patch: pytest.MonkeyPatch, look: Callable[[Path], None]) -> None:
    """See which folders are made beside those that each test has."""
    _after(patch, pytest.TempPathFactory, "mktemp", lambda folder, *_: look(folder))


def show_child(argv: Any, environment: Any) -> None:  # noqa: ANN401 (a word or several, of three types)
    """Show the canaries what a child is started with."""
    own = os.environ if environment is None else environment
    WATCH.show_child(_words(argv), {os.fsencode(name): os.fsencode(value) for name, value in own.items()})


def show_output(argv: Any, out: str | bytes | None, err: str | bytes | None) -> None:  # noqa: ANN401
    """Show them what it wrote, but for the secret of a command that was asked for it."""
    words = b" ".join(_words(argv)).decode("utf-8", "replace")
    if _SHOWS_SECRETS not in words:
        WATCH.show("the standard output of a child", out or "")
    WATCH.show("the standard error of a child", err or "")


def _before(patch: pytest.MonkeyPatch, owner: Any, name: str, look: Callable[..., None]) -> None:  # noqa: ANN401
    plain = getattr(owner, name)

    def watched(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (whatever it takes and gives)
        look(*args, **kwargs)
        return plain(*args, **kwargs)

    patch.setattr(owner, name, watched)


def _after(patch: pytest.MonkeyPatch, owner: Any, name: str, look: Callable[..., None]) -> None:  # noqa: ANN401
    plain = getattr(owner, name)

    def watched(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (whatever it takes and gives)
        result = plain(*args, **kwargs)
        look(result, *args)
        return result

    patch.setattr(owner, name, watched)


def _after_await(patch: pytest.MonkeyPatch, owner: Any, name: str, look: Callable[..., None]) -> None:  # noqa: ANN401
    plain = getattr(owner, name)

    async def watched(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 (whatever it takes and gives)
        result = await plain(*args, **kwargs)
        look(result)
        return result

    patch.setattr(owner, name, watched)


def show_message(message: Mapping[str, Any]) -> None:
    """Show them what an application sends by ASGI to a caller that is no client of HTTP."""
    WATCH.show(_BODY, message.get("body", b""))
    _show_headers(message.get("headers", ()))


def _show_answer(answer: httpx2.Response) -> None:
    if answer.is_closed:  # else it is streamed, and the test reads it
        WATCH.show(_BODY, answer.content)
    _show_headers(answer.headers.raw)


def _show_headers(headers: Iterable[tuple[bytes, bytes]]) -> None:
    WATCH.show("the headers of an HTTP answer", b"\n".join(b": ".join(header) for header in headers))


def _raw(header: tuple[str, str]) -> tuple[bytes, bytes]:
    name, value = header
    return name.encode("latin-1"), value.encode("latin-1")


def _show_each(sink: str, texts: tuple[str | bytes, ...]) -> None:
    for text in texts:
        WATCH.show(sink, text)


def _show_output(
    output: tuple[str | bytes | None, str | bytes | None], process: "subprocess.Popen[bytes]", *_: object
) -> None:
    show_output(process.args, *output)


def _show_output_of_loop(output: tuple[bytes | None, bytes | None]) -> None:
    WATCH.show("the standard output of a child", output[0] or b"")
    WATCH.show("the standard error of a child", output[1] or b"")


def _words(argv: Any) -> list[bytes]:  # noqa: ANN401 (a word or several, of three types)
    several = [argv] if isinstance(argv, str | bytes | os.PathLike) else argv
    return [os.fsencode(word) for word in several]


def _show_start(_process: object, args: Any, *_: object, env: Any = None, **__: object) -> None:  # noqa: ANN401
    show_child(args, env)


def _watch_raises(patch: pytest.MonkeyPatch) -> None:
    """See what `pytest.raises` catches."""
    plain = pytest.RaisesExc.__exit__

    def leave(
        caught: pytest.RaisesExc[BaseException],
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        __tracebackhide__ = True
        if error is not None:
            WATCH.show_error(error)
        return plain(caught, kind, error, trace)

    patch.setattr(pytest.RaisesExc, "__exit__", leave)
