"""Which file is run as the CLI."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from journal_keys.adapters.infisical_cli import argv
from journal_keys.adapters.infisical_cli.binary import Binary, UnusableBinaryError, find

HELP = {arguments: " ".join(flags).encode() for arguments, flags in argv.PROBES.items()}


class Program:
    """A file that says it is the CLI, and counts how often it was asked."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "infisical"
        self.says = b"infisical version 0.42.1\n"
        self.help = dict(HELP)
        self.asked: list[argv.Argv] = []
        self.replace(b"#!/bin/sh\n")

    def replace(self, content: bytes) -> None:
        new = self.path.with_name("new")
        new.write_bytes(content)
        new.chmod(0o755)
        new.replace(self.path)

    async def ask(self, program: str, arguments: argv.Argv) -> bytes:
        assert program == str(self.path)
        self.asked.append(arguments)
        return self.says if arguments == argv.VERSION else self.help[arguments]

    def binary(self, *, trusts_any_version: bool = False) -> Binary:
        return Binary(named=self.path, search_path="", ask=self.ask, trusts_any_version=trusts_any_version)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    tmp_path.chmod(0o755)
    return Program(tmp_path)


async def test_the_version_is_asked_once_and_again_when_the_file_changes(program: Program) -> None:
    binary = program.binary()
    for _ in range(3):
        assert await binary.checked(for_writing=True) == str(program.path)
    assert program.asked == [argv.VERSION]
    program.says = b"infisical version 0.44.0\n"
    program.replace(b"#!/bin/sh\n# another\n")
    with pytest.raises(UnusableBinaryError, match=r"0\.44\.0"):
        await binary.checked(for_writing=True)


@pytest.mark.parametrize(
    ("says", "may_write"),
    [
        (b"infisical version 0.42.1\n", True),
        (b"infisical version 0.42.6\n", True),
        (b"infisical version 0.43.121\n", True),
        (b"infisical version 0.41.90\n", False),
        (b"infisical version 0.44.0\n", False),
        (b"infisical version 1.42.1\n", False),
        (b"infisical version devel\n", False),
        (b"", False),
    ],
)
async def test_every_version_reads_and_known_ones_write(program: Program, says: bytes, *, may_write: bool) -> None:
    program.says = says
    assert await program.binary().checked(for_writing=False) == str(program.path)
    if may_write:
        await program.binary().checked(for_writing=True)
    else:
        with pytest.raises(UnusableBinaryError, match="JOURNAL_INFISICAL_CLI_ANY_VERSION"):
            await program.binary().checked(for_writing=True)
        await program.binary(trusts_any_version=True).checked(for_writing=True)


@pytest.mark.parametrize("lacking", argv.PROBES, ids=" ".join)
async def test_a_0_43_that_lacks_a_flag_of_ours_does_not_write(program: Program, lacking: argv.Argv) -> None:
    program.says = b"infisical version 0.43.200\n"
    program.help[lacking] = b"--other --flags"
    with pytest.raises(UnusableBinaryError, match=r"0\.43\.200"):
        await program.binary().checked(for_writing=True)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.unlink(), "No such file"),
        (lambda path: path.chmod(0o644), "no executable file"),
        (lambda path: path.chmod(0o775), "written by others"),
        (lambda path: path.chmod(0o757), "written by others"),
        (lambda path: path.chmod(0o1777), "written by others"),
        (lambda path: path.parent.chmod(0o777), "written by others"),
        (lambda path: (path.unlink(), path.mkdir()), "no executable file"),
    ],
    ids=[
        "missing",
        "not executable",
        "group may write",
        "others may write",
        "others may write, with a bit that counts for folders",
        "folder open",
        "a folder",
    ],
)
async def test_a_file_that_somebody_else_could_have_written_is_not_run(
    program: Program, spoil: Callable[[Path], object], why: str
) -> None:
    binary = program.binary()
    await binary.checked(for_writing=False)
    spoil(program.path)
    with pytest.raises(UnusableBinaryError, match=why):
        await binary.checked(for_writing=False)


async def test_a_file_of_another_user_is_not_run(program: Program) -> None:
    binary = program.binary()
    assert binary.owners == {0, os.geteuid()}
    binary.owners = frozenset({os.geteuid() + 1})
    with pytest.raises(UnusableBinaryError, match="another user"):
        await binary.checked(for_writing=False)


def test_a_named_binary_wins_over_the_path_and_links_are_resolved(program: Program, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(program.path)
    assert find(link, "") == program.path
    assert find(None, str(tmp_path)) == program.path


@pytest.mark.parametrize("path", [None, Path("/nowhere/infisical")])
def test_a_missing_binary_is_told_with_the_way_out(path: Path | None) -> None:
    with pytest.raises(UnusableBinaryError, match="infisical"):
        find(path, "/nowhere")
