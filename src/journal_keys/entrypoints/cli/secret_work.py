"""What the commands on secrets do. Values come from a prompt, standard input or a file, never from an argument."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from journal_keys.domain.errors import RefusedError
from journal_keys.domain.exposure import as_text, expose
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import APPLICATION, KNOWN_SECRETS, SecretPath, by_name
from journal_keys.entrypoints.cli.output import print_json
from journal_keys.entrypoints.cli.running import on_container
from journal_keys.ports.secret_store import SecretHiddenError, SecretStoreProtocolError

if TYPE_CHECKING:
    from journal_keys.container import Container

_MOST_BYTES = 64 * 1024


class SecretInputError(RefusedError):
    """The value to set is empty, too long, unreadable or no UTF-8 text."""


class TerminalOutputError(RefusedError):
    """A secret would be printed on a terminal."""


def list_secrets(folder: str | None, *, json: bool) -> None:
    """List the secrets of one folder, or of all known ones, without their values."""
    folders = [SecretPath.parse(folder)] if folder is not None else list(dict.fromkeys(_known_folders()))

    async def run(container: "Container") -> list[str]:
        found: list[str] = []
        for one in folders:
            try:
                found += map(str, await container.list_secrets()(one))
            except SecretHiddenError:
                if one != APPLICATION:  # that one is made with the first secret in it
                    raise
        return found

    paths = on_container(run)
    if json:
        print_json(paths)
    else:
        typer.echo("".join(f"{path}\n" for path in paths), nl=False)


def _known_folders() -> Iterator[SecretPath]:
    yield from (path.folder for path in KNOWN_SECRETS)
    yield APPLICATION


def get_secret(path: str, *, show: bool, json: bool) -> None:
    """Write one secret to standard output, byte for byte."""
    parsed = by_name(path)
    if sys.stdout.isatty() and not show:
        raise TerminalOutputError("standard output is a terminal: say --show, or send it to a file or a pipe")

    async def run(container: "Container") -> KeyMaterial:
        return await container.fetch_secret()(parsed)

    value = expose(on_container(run))
    if json:
        print_json({"path": path, "value": _as_text(value, path)})
        return
    sys.stdout.buffer.write(value + (b"\n" if sys.stdout.isatty() else b""))
    sys.stdout.flush()


def _as_text(value: bytes, path: str) -> str:
    text = as_text(value)
    if text is None:
        raise SecretStoreProtocolError(f"{path} holds no UTF-8 text: without --json it is written byte for byte")
    return text


def set_secret(path: str, *, file: Path | None, json: bool) -> None:
    """Set one secret from a prompt, standard input or a file, byte for byte."""
    parsed = by_name(path)
    value = _value(file)

    async def run(container: "Container") -> None:
        await container.store_secret()(parsed, value)

    on_container(run)
    _done("set", str(parsed), json=json)


def delete_secret(path: str, *, json: bool) -> None:
    """Delete one secret."""
    parsed = by_name(path)

    async def run(container: "Container") -> None:
        await container.delete_secret()(parsed)

    on_container(run)
    _done("deleted", str(parsed), json=json)


def _done(outcome: str, path: str, *, json: bool) -> None:
    if json:
        print_json({"outcome": outcome, "path": path})
    else:
        typer.echo(f"{path}: {outcome}")


def _value(file: Path | None) -> KeyMaterial:
    data = _read(file)
    if not 0 < len(data) <= _MOST_BYTES:
        raise SecretInputError(f"a secret has 1 to {_MOST_BYTES} bytes, not {len(data)}")
    if as_text(data) is None:
        raise SecretInputError("a secret is UTF-8 text")
    return KeyMaterial(data)


def _read(file: Path | None) -> bytes:
    if file is not None:
        try:
            with file.open("rb") as source:
                return source.read(_MOST_BYTES + 1)
        except OSError as failure:
            raise SecretInputError(f"{file} could not be read: {failure.strerror}") from None
    if sys.stdin.isatty():
        text: str = typer.prompt("value", hide_input=True, err=True)
        return text.encode("utf-8")
    return sys.stdin.buffer.read(_MOST_BYTES + 1)
