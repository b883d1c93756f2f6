"""The store over programs that are not the CLI, or no longer themselves."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from journal_keys.adapters.infisical_cli.caller import Order
from journal_keys.adapters.infisical_cli.connection import Connection, Target
from journal_keys.adapters.infisical_cli.opening import Opened, open_store
from journal_keys.adapters.infisical_cli.secret_store import InfisicalCliSecretStore
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_store import (
    PendingApprovalError,
    SecretStoreDeniedError,
    SecretStoreError,
    SecretStoreProtocolError,
    SecretStoreUnavailableError,
)
from tests.support.infisical.scripts import calls, script

pytestmark = pytest.mark.processes

FOLDER = SecretPath.parse("/auth/jwt")
PATH = FOLDER.child("name")
VALUE = KeyMaterial(b"the-value-itself")


@asynccontextmanager
async def opened_over(folder: Path, body: str, **changes: object) -> AsyncIterator[Opened]:
    connection = Connection(
        target=Target(domain="http://127.0.0.1:1", project_id="p", environment="dev"),
        identity=KeyMaterial(b"token"),
        cli_path=script(folder / "bin", body),
        retries=0,
    )
    async with open_store(replace(connection, **changes), SystemClock(), SystemEntropy()) as opened:  # type: ignore[arg-type]
        yield opened


@asynccontextmanager
async def over(folder: Path, body: str, **changes: object) -> AsyncIterator[InfisicalCliSecretStore]:
    async with opened_over(folder, body, **changes) as opened:
        yield opened.store


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 (another process brings it about)
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "printed",
    [
        "",
        'printf \'[{"key":"a","value":"v"\'',
        "echo '| SECRET NAME | SECRET VALUE |'",
        "echo '[]'; echo 'A new release of infisical is available'",
        'printf \'[{"key":"a","value":"v","value":"w","type":"shared"}]\'',
        "printf '[]\\0'",
        'printf \'[{"key":"a","value":"\\377","type":"shared"}]\'',
        "printf '{}'",
    ],
    ids=["nothing", "half", "a table", "a banner", "a member twice", "NUL", "no UTF-8", "an object"],
)
async def test_what_is_not_the_cli_s_json_is_never_an_empty_folder(tmp_path: Path, printed: str) -> None:
    async with over(tmp_path, printed) as store:
        with pytest.raises(SecretStoreProtocolError, match="/auth/jwt"):
            await store.read_folder(FOLDER)


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        ("head -c 209715200 /dev/zero", SecretStoreUnavailableError, "more on stdout"),
        ("yes >&2", SecretStoreUnavailableError, "more on stderr"),
        ("kill -KILL $$", SecretStoreUnavailableError, "ended by SIGKILL"),
        ("echo 'something new went wrong' >&2; exit 1", SecretStoreUnavailableError, "words that are not known"),
        ("echo 'Error: unknown flag: --expand' >&2; exit 1", SecretStoreProtocolError, "does not know these arguments"),
        ("exit 2", SecretStoreUnavailableError, "words that are not known"),
    ],
    ids=["200 MiB", "endless stderr", "killed", "unknown words", "usage", "a panic"],
)
async def test_a_read_that_ends_badly_says_how(
    tmp_path: Path, body: str, kind: type[SecretStoreError], why: str
) -> None:
    async with over(tmp_path, body) as store:
        with pytest.raises(kind, match=why):
            await store.read_folder(FOLDER)


async def test_a_hanging_child_holds_up_nobody_else_and_is_gone_at_its_deadline(tmp_path: Path) -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with over(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 60", timeout_s=2) as store:
        turning = asyncio.create_task(turn())
        with pytest.raises(SecretStoreUnavailableError, match=r"no answer within 2 s"):
            await store.read_folder(FOLDER)
        turning.cancel()
    assert turns > 100
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


async def test_a_silent_server_costs_one_time_out_and_then_nothing(tmp_path: Path) -> None:
    async with over(tmp_path, "exec sleep 60", timeout_s=2) as store:
        for _ in range(5):
            with pytest.raises(SecretStoreUnavailableError):
                await store.read_folder(FOLDER)
    assert len(calls(tmp_path / "bin")) == 1


async def test_reads_that_wait_for_a_place_do_not_each_try_a_silent_server(tmp_path: Path) -> None:
    async with over(tmp_path, "exec sleep 60", timeout_s=2, most_children=2) as store:
        folders = [SecretPath.parse(f"/auth/f{n}") for n in range(12)]
        outcomes = await asyncio.gather(*(store.read_folder(f) for f in folders), return_exceptions=True)
    assert all(isinstance(outcome, SecretStoreUnavailableError) for outcome in outcomes)
    assert len(calls(tmp_path / "bin")) == 2


async def test_a_closed_store_leaves_no_child_behind(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    async with over(tmp_path, f"echo $$ > {pid}; exec sleep 60") as store:
        reading = asyncio.create_task(store.read_folder(FOLDER))
        await until(lambda: pid.exists() and pid.read_text() != "")
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


async def test_who_closes_waits_for_the_write_under_way_and_the_loop_turns_on(tmp_path: Path) -> None:
    go, started, done = (tmp_path / name for name in ("go", "started", "done"))
    listed = '[{"key":"name","value":"the-value-itself","type":"shared"}]'
    body = (
        f"case $1 in export) [ -e {done} ] && printf '{listed}' || printf '[]';;"
        f" *) touch {started}; while [ ! -e {go} ]; do sleep 0.01; done; touch {done};; esac"
    )
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(over(tmp_path, body, timeout_s=5))
        writing = asyncio.create_task(store.put_new(PATH, VALUE))
        await until(started.exists)
        closing = asyncio.create_task(stack.aclose())
        await asyncio.sleep(0.05)
        assert not closing.done()
        go.touch()
        await closing
        assert writing.done()
        await writing


async def test_who_waits_for_a_read_of_a_store_that_is_closed_is_told_so_and_not_cancelled(tmp_path: Path) -> None:
    started = tmp_path / "started"
    async with over(tmp_path, f"touch {started}; exec sleep 60") as store:
        waiting = [asyncio.create_task(store.read_folder(FOLDER)) for _ in range(2)]
        await until(started.exists)
    for one in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(one, SecretStoreUnavailableError)
        assert "closed" in str(one)


async def test_a_store_that_is_closed_says_so(tmp_path: Path) -> None:
    async with over(tmp_path, "printf '[]'") as store:
        pass
    for _ in range(2):
        with pytest.raises(SecretStoreUnavailableError, match="the store is closed"):
            await store.read_folder(FOLDER)
    assert len(calls(tmp_path / "bin")) == 0


async def test_a_store_that_is_being_closed_starts_nothing_more(tmp_path: Path) -> None:
    go, started = tmp_path / "go", tmp_path / "started"
    body = f"case $1 in export) printf '[]';; *) touch {started}; while [ ! -e {go} ]; do sleep 0.01; done;; esac"
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(opened_over(tmp_path, body, timeout_s=5))
        writing = asyncio.create_task(opened.caller(Order(argv=("login",))))
        await until(started.exists)
        closing = asyncio.create_task(stack.aclose())
        refusal = ""
        while refusal != "the store is closed":  # before that, a read is given up
            try:
                await opened.store.read_folder(FOLDER)
            except SecretStoreUnavailableError as failure:
                refusal = str(failure)
        assert not closing.done()
        go.touch()
        await closing
        await writing


async def test_a_cancelled_write_kills_its_child(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    async with over(tmp_path, f"case $1 in export) printf '[]';; *) echo $$ > {pid}; exec sleep 60;; esac") as store:
        writing = asyncio.create_task(store.put_new(PATH, VALUE))
        await until(lambda: pid.exists() and pid.read_text() != "")
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)


async def test_a_thousand_readers_of_a_folder_start_one_child(tmp_path: Path) -> None:
    async with over(tmp_path, "printf '[]'") as store:
        contents = await asyncio.gather(*(store.read_folder(FOLDER) for _ in range(1000)))
    assert len(calls(tmp_path / "bin")) == 1
    assert len({id(content) for content in contents}) == 1


async def test_who_asks_after_the_child_was_started_gets_an_answer_that_is_not_older(tmp_path: Path) -> None:
    body = f"cat {tmp_path}/held; touch {tmp_path}/read; while [ ! -e {tmp_path}/go ]; do sleep 0.01; done"
    held = tmp_path / "held"
    held.write_text("[]")
    async with over(tmp_path, body) as store:
        early = asyncio.create_task(store.read_folder(FOLDER))
        await until((tmp_path / "read").exists)
        held.write_text('[{"key":"name","value":"new","type":"shared"}]')
        late = asyncio.create_task(store.read_folder(FOLDER))
        await asyncio.sleep(0.05)
        (tmp_path / "go").touch()
        assert not (await early).secrets
        assert set((await late).secrets) == {"name"}


async def test_no_more_children_run_at_once_than_there_are_places(tmp_path: Path) -> None:
    body = f"""cd {tmp_path}; mkdir -p now; touch now/$$; ls now | wc -l >> most; sleep 0.1; rm now/$$; printf '[]'"""
    async with over(tmp_path, body, most_children=3) as store:
        await asyncio.gather(*(store.read_folder(SecretPath.parse(f"/auth/f{n}")) for n in range(12)))
    assert max(int(line) for line in (tmp_path / "most").read_text().split()) == 3


async def test_a_value_reaches_the_child_through_a_pipe_under_a_yaml_name_and_by_no_other_way(tmp_path: Path) -> None:
    (tmp_path / "listing").write_text('[{"key":"name","value":"the-value-itself","type":"shared"}]')
    body = f"""
out={tmp_path}
case $1$2 in
    export*) if [ -s $out/yaml ]; then cat $out/listing; else printf '[]'; fi;;
    secretsset) cat value.yaml > $out/yaml; ls -la > $out/ls; env > $out/env;;
esac"""
    async with over(tmp_path, body) as store:
        await store.put_new(PATH, VALUE)
    assert (tmp_path / "yaml").read_text() == '"name": "the-value-itself"\n'
    assert "value.yaml -> /proc/self/fd/0" in (tmp_path / "ls").read_text()
    seen = "".join(calls(tmp_path / "bin")) + (tmp_path / "env").read_text()
    assert "the-value-itself" not in seen
    assert [call.split(" --")[0] for call in calls(tmp_path / "bin")] == [
        "export",
        "secrets folders create",
        "secrets set",
        "export",
    ]


async def test_success_that_does_not_read_back_is_a_pending_approval_and_is_not_written_twice(tmp_path: Path) -> None:
    async with over(tmp_path, "case $1 in export) printf '[]';; esac") as store:
        with pytest.raises(PendingApprovalError, match="/auth/jwt/name"):
            await store.put_new(PATH, VALUE)
    assert sum(call.startswith("secrets set") for call in calls(tmp_path / "bin")) == 1


async def test_a_name_that_somebody_removes_while_it_is_set_is_settled_by_reading(tmp_path: Path) -> None:
    gone = "Response Code: 404 Not Found\\nMessage: Secret with name name not found\\n"
    body = f"case $1$2 in export*) printf '[]';; secretsset) printf '{gone}' >&2; exit 1;; esac"
    async with over(tmp_path, body) as store:
        with pytest.raises(PendingApprovalError, match="somebody else changed it"):
            await store.overwrite({PATH: VALUE})
    assert [call.split(" --")[0] for call in calls(tmp_path / "bin")][-2:] == ["secrets set", "export"]


async def test_a_write_whose_end_is_unknown_is_settled_by_one_read_and_never_tried_again(tmp_path: Path) -> None:
    body = "case $1$2 in export*) printf '[]';; secretsset) kill -KILL $$;; esac"
    async with over(tmp_path, body) as store:
        with pytest.raises(SecretStoreUnavailableError, match="ended by SIGKILL"):
            await store.put_new(PATH, VALUE)
    assert [call.split(" --")[0] for call in calls(tmp_path / "bin")] == [
        "export",
        "secrets folders create",
        "secrets set",
        "export",
    ]


async def test_a_binary_that_was_replaced_by_another_version_does_not_write(tmp_path: Path) -> None:
    async with over(tmp_path, "printf '[]'") as store:
        await store.read_folder(FOLDER)
        path = tmp_path / "bin" / "infisical"
        path.write_text(path.read_text().replace("0.42.1", "0.41.9"))
        await store.read_folder(FOLDER)
        with pytest.raises(SecretStoreDeniedError, match=r"0\.41\.9"):
            await store.overwrite({PATH: VALUE})


async def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with over(tmp_path, "printf '[]'") as store:
        await store.read_folder(FOLDER)
        private = [folder for folder in tmp_path.iterdir() if folder.name.startswith("journal_keys-")]
        assert [folder.stat().st_mode & 0o777 for folder in private] == [0o700]
    assert not [folder for folder in tmp_path.iterdir() if folder.name.startswith("journal_keys-")]


def _private(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.name.startswith("journal_keys-")]


CLEANED: dict[str, Callable[[Path], object]] = {
    "everything": shutil.rmtree,
    "the empty folder": lambda private: (private / "empty").rmdir(),
    "the link": lambda private: next(private.glob("*/value.yaml")).unlink(),
}


@pytest.mark.parametrize("clean", CLEANED.values(), ids=CLEANED)
async def test_what_a_cleaner_of_temporary_files_removed_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean: Callable[[Path], object]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "listing").write_text('[{"key":"name","value":"the-value-itself","type":"shared"}]')
    body = f"""
out={tmp_path}
case $1$2 in
    export*) if [ -s $out/yaml ]; then cat $out/listing; else printf '[]'; fi;;
    secretsset) cat value.yaml > $out/yaml;;
esac"""
    async with over(tmp_path, body) as store:
        await store.read_folder(FOLDER)
        for private in _private(tmp_path):
            clean(private)
        assert not (await store.read_folder(FOLDER)).secrets
        await store.put_new(PATH, VALUE)
        assert {one.stat().st_mode & 0o777 for one in _private(tmp_path)} == {0o700}
        assert {one.stat().st_mode & 0o777 for private in _private(tmp_path) for one in private.iterdir()} == {0o700}
    assert (tmp_path / "yaml").read_text() == '"name": "the-value-itself"\n'
    assert _private(tmp_path) == []


async def test_a_store_whose_folders_cannot_be_made_again_is_out_of_reach_for_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    async with over(tmp_path, "printf '[]'") as store:
        await store.read_folder(FOLDER)
        shutil.rmtree(temporary)
        with pytest.raises(SecretStoreUnavailableError, match="No such file"):
            await store.read_folder(FOLDER)
        temporary.mkdir()
        assert not (await store.read_folder(FOLDER)).secrets


async def test_a_health_check_that_gave_up_does_not_make_patient_readers_be_refused(tmp_path: Path) -> None:
    connection = Connection(
        target=Target(domain="http://127.0.0.1:1", project_id="p", environment="dev"),
        identity=KeyMaterial(b"token"),
        cli_path=script(tmp_path / "bin", "sleep 0.5; printf '[]'"),
        health_timeout_s=0.2,
    )
    async with open_store(connection, SystemClock(), SystemEntropy()) as opened:
        with pytest.raises(SecretStoreUnavailableError):
            await opened.probe.read_folder(FOLDER)
        assert not (await opened.store.read_folder(FOLDER)).secrets
        assert opened.condition.trouble() == ""


async def test_the_time_out_of_a_health_check_is_its_own(tmp_path: Path) -> None:
    connection = Connection(
        target=Target(domain="http://127.0.0.1:1", project_id="p", environment="dev"),
        identity=KeyMaterial(b"token"),
        cli_path=script(tmp_path / "bin", "exec sleep 60"),
        timeout_s=50,
        health_timeout_s=0.2,
    )
    async with open_store(connection, SystemClock(), SystemEntropy()) as opened:
        with pytest.raises(SecretStoreUnavailableError, match=r"no answer within 0\.2 s"):
            await opened.probe.read_folder(FOLDER)
