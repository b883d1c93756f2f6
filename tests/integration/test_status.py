"""What somebody learns who has nothing but `journal-keys status`, once or while it is watched."""

import json
import re
import signal
import sqlite3
import subprocess
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import pytest

from journal_keys.entrypoints.cli.exit_codes import ExitCode
from journal_keys.entrypoints.http.doors import STATUS, WEBHOOK
from tests.support.away import ledger_away
from tests.support.operator import COMMAND, Operator
from tests.support.service import serving, status
from tests.support.terminal import Terminal, in_terminal

pytestmark = pytest.mark.processes
WATCH: Final = [*COMMAND, "status", "--watch", "--interval", "0.5"]
HIDE, SHOW, ENTER, LEAVE = "\x1b[?25l", "\x1b[?25h", "\x1b[?1049h", "\x1b[?1049l"


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    made = Operator(tmp_path, JOURNAL_JWT_LONGEST_TOKEN="600", TERM="xterm-256color", LANG="C.UTF-8")
    made.json("init")
    time.sleep(0.3)
    return made


def told(operator: Operator, code: int = 0) -> dict[str, Any]:
    found = operator.json("status", code=code)
    assert isinstance(found, dict)
    return found


def kid_of(found: dict[str, Any], ring: str) -> str:
    return next(str(one["active_kid"]) for one in found["rings"] if one["ring"] == ring)


def test_status_answers_six_questions_in_words_and_in_json(operator: Operator) -> None:
    found = told(operator)
    assert found.keys() == {"at", "answers", "rings", "instances", "health", "audit", "recent", "figures", "failure"}
    assert len(found["answers"]) == 6
    assert all(one["is_well"] for one in found["answers"])
    assert {"generation", "staged_next_at", "held_back_by", "trouble", "versions"} <= found["rings"][0].keys()
    assert (found["instances"], found["audit"]["is_broken"], found["figures"]) == ([], False, None)
    assert found["failure"] == ""
    assert [one["sequence"] for one in found["recent"]] == [6, 5, 4, 3, 2, 1]
    said = operator.run("status").stdout.decode()
    for one in found["answers"]:
        assert one["question"] in said
    assert f"  {kid_of(found, 'jwt')} (EdDSA) signs since 20" in said
    assert re.search(r"^  jwt: \S+ is promoted by the next rotation, \S+Z \(in 9 min \d+ s\)", said, re.MULTILINE)


def test_a_store_that_is_lost_is_told_as_the_page_tells_it(operator: Operator) -> None:
    with serving(operator) as served:
        (operator.home / "vault.jkv").rename(operator.home / "aside")
        page = subprocess.run(
            ["curl", "--silent", served.address + STATUS], capture_output=True, text=True, check=True
        ).stdout
    found = told(operator)
    assert (found["health"]["overall"], found["health"]["store"]["status"]) == ("degraded", "unhealthy")
    stuck = next(one for one in found["answers"] if one["question"].startswith("Is anything stuck"))
    assert stuck["says"].startswith("Yes: the secret store: the vault ")
    assert "Yes: the secret store: the vault " in page
    assert f"! {stuck['says']}\n" in operator.run("status").stdout.decode()


def test_before_the_rings_are_made_status_says_so(operator: Operator) -> None:
    with closing(sqlite3.connect(operator.home / "ledger.sqlite3")) as ledger, ledger:
        ledger.execute("DELETE FROM key_versions")
        ledger.execute("DELETE FROM rings")
    said = operator.run("status").stdout.decode()
    assert "! None: the jwt ring is not made yet; run 'journal-keys init'." in said


def test_a_trail_that_was_tampered_with_is_told_loudly_and_by_its_own_code(operator: Operator) -> None:
    with closing(sqlite3.connect(operator.home / "ledger.sqlite3")) as ledger, ledger:
        ledger.execute("UPDATE audit SET reason = 'another' WHERE sequence = 2")
    done = operator.run("status")
    assert done.returncode == ExitCode.AUDIT_BROKEN
    assert b"! Yes: audit entry 2 was changed after it was written." in done.stdout
    assert told(operator, ExitCode.AUDIT_BROKEN)["audit"]["is_broken"] is True


def until_it_shows(terminal: Terminal) -> None:
    terminal.shows("Was the audit trail tampered with?")


def test_a_watched_status_shows_a_rotation_that_happens_meanwhile_and_leaves_the_terminal_clean(
    operator: Operator,
) -> None:
    with in_terminal(WATCH, operator.environment) as terminal:
        until_it_shows(terminal)
        for word in (
            "Ring jwt",
            "Ring aes",
            "Generation 1, last",
            "P staged  A in use",
            "aaaaaaaaaa",
            "6 entries hold",
        ):
            terminal.shows(word)
        done = operator.run("rotate", "jwt", "--force", "--reason", "[bold]not markup[/bold]")
        assert done.returncode == 0, done.stderr
        begun = terminal.size()
        assert terminal.shows("Generation 3, last changed", since=begun) < 2 * 0.5 + 5, (
            "a machine with other work is slow"
        )
        terminal.press(b"G")
        terminal.shows("[bold]not markup[/bold]", since=begun)
        terminal.press(b"\x03")
        assert terminal.end() == 0
        time.sleep(0.1)
        last = terminal.text()
        assert last.rfind(SHOW) > last.rfind(HIDE) > 0
        assert last.rfind(LEAVE) > last.rfind(ENTER) >= 0
        assert "Traceback" not in last


def test_a_ledger_that_fails_meanwhile_is_told_in_words_and_asked_again(operator: Operator) -> None:
    with in_terminal(WATCH, operator.environment) as terminal:
        until_it_shows(terminal)
        with ledger_away(operator.home):
            terminal.shows("! the ledger cannot be read: ")
            terminal.shows("its rings are as of ")
            assert "Which key signs now" in terminal.text()
        begun = terminal.size()
        operator.json("rotate", "aes", "--force")
        terminal.shows("Generation 3, last changed", since=begun)
        terminal.press(b"\x03")
        assert terminal.end() == 0


def test_a_narrow_terminal_without_colours_is_enough(operator: Operator) -> None:
    with in_terminal(WATCH, operator.environment | {"NO_COLOR": "1"}, columns=60) as terminal:
        until_it_shows(terminal)
        terminal.shows("Ring jwt")
        terminal.press(b"\x03")
        assert terminal.end() == 0
        shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n", terminal.text()).replace("^C", "")  # which the terminal echoes
        assert max(len(line.rstrip("\r")) for line in shown.splitlines()) <= 60
        assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", terminal.text()), "no colour"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_without_a_terminal_a_watched_status_is_a_line_of_json_for_each_look(
    operator: Operator, number: signal.Signals
) -> None:
    with subprocess.Popen([*WATCH, "--json"], stdout=subprocess.PIPE, env=operator.environment) as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(number)
        process.stdout.read()
        assert process.wait(60) == 0
    assert [kid_of(line, "jwt") for line in lines] == [kid_of(told(operator), "jwt")] * 2
    assert lines[0]["at"] < lines[1]["at"]


def test_into_a_pipe_it_writes_plain_text_of_all_that_a_terminal_shows(operator: Operator) -> None:
    said: list[str] = []
    with subprocess.Popen(WATCH, stdout=subprocess.PIPE, env=operator.environment) as process:
        assert process.stdout is not None
        while len(said) < 2 or not said[-1].startswith("journal-keys status at "):  # the next look
            said.append(process.stdout.readline().decode())
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(60) == 0
    text = "".join(said)
    for wanted in (
        "  Which key signs now, and since when?\n    jwt_",
        "Keys of ring jwt, the newest first\n  Key ",
        "What happens next in ring aes\n",
        "Live instances, as they reported: None has reported",
        "The newest audit entries, the newest first\n",
        "  secret store  healthy  none\n",
    ):
        assert wanted in text
    assert "\x1b" not in text


def test_keys_move_what_a_low_terminal_has_no_room_for(operator: Operator) -> None:
    with in_terminal(WATCH, operator.environment, rows=12) as terminal:
        terminal.shows("arrows and page keys move it")
        assert "Health, as it is found from here" not in terminal.text()
        terminal.press(b"k\x1b[F\x1b[5~\x1b[5~")  # several at once, as a wheel gives them
        terminal.shows("Health, as it is found from here")
        begun = terminal.size()
        terminal.press(b"g")
        terminal.shows("Which key signs now", since=begun)
        terminal.press(b"q")
        assert terminal.end() == 0


def test_it_ends_well_however_often_one_asks_and_ctrl_z_leaves_no_screen_behind(operator: Operator) -> None:
    with in_terminal(WATCH, operator.environment) as terminal:
        until_it_shows(terminal)
        terminal.press(b"\x1a")
        begun = terminal.size()
        terminal.shows("Which key signs now", since=begun)
        terminal.press(b"\x03\x03\x03")
        assert terminal.end() == 0
        assert "not_caught" not in terminal.text()


def test_it_ends_where_its_terminal_is_gone(operator: Operator) -> None:
    command = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *WATCH]
    with in_terminal(command, operator.environment) as terminal:
        until_it_shows(terminal)
        terminal.hang_up()
        terminal.end()


def test_a_ledger_that_is_away_when_the_watch_begins_is_waited_for(operator: Operator) -> None:
    ledger, aside = operator.home / "ledger.sqlite3", operator.home / "aside"
    ledger.rename(aside)
    ledger.mkdir()
    with in_terminal(WATCH, operator.environment) as terminal:
        terminal.shows("! the ledger cannot be read: ")
        terminal.shows("Not known: while the ledger does not answer")
        ledger.rmdir()
        aside.rename(ledger)
        terminal.shows("Generation 1, last changed")
        terminal.press(b"\x03")
        assert terminal.end() == 0


def test_a_ledger_that_was_never_made_is_not_waited_for(operator: Operator) -> None:
    (operator.home / "ledger.sqlite3").unlink()
    done = operator.run("status", "--watch")
    assert done.returncode == operator.run("status").returncode != 0
    assert b"journal-keys init" in done.stderr


def test_the_figures_of_a_service_are_shown_where_it_is_named_and_told_to_be_missing_when_it_ends(
    operator: Operator,
) -> None:
    with ExitStack() as while_it_serves:
        served = while_it_serves.enter_context(serving(operator))
        for _ in range(2):
            assert status(f"{served.address}{WEBHOOK}", "--request", "POST", "--data", "{}") == "401"
        found = operator.json("status", "--figures", served.address)
        assert isinstance(found, dict)
        assert found["figures"]["counts"]["webhooks"] == {"refused": 2}
        said = operator.run("status", "--figures", served.address).stdout.decode()
        assert f"figures of {served.address}/metrics\n" in said
        assert "  Webhooks, by what became of them: refused 2\n" in said
        with in_terminal([*WATCH, "--figures", served.address], operator.environment) as terminal:
            terminal.shows("Yes: 1 of 1 processes of http")
            terminal.press(b"G")
            terminal.shows("Webhooks, by what became of them")
            while_it_serves.close()
            terminal.shows("are not known: no answer (ConnectionRefusedError)")
            terminal.press(b"\x03")
            assert terminal.end() == 0


@pytest.mark.parametrize("url", ["http://example.org/metrics", "localhost:8000", "https://localhost/"])
def test_figures_are_asked_of_this_machine_only(operator: Operator, url: str) -> None:
    done = operator.run("status", "--figures", url)
    assert (done.returncode, done.stdout) == (ExitCode.REFUSED, b"")
    assert b"--figures is a URL on this machine's loopback" in done.stderr


def test_an_interval_without_a_watch_or_too_short_is_refused(operator: Operator) -> None:
    assert operator.run("status", "--interval", "5").returncode == ExitCode.USAGE
    assert operator.run("status", "--watch", "--interval", "0.1").returncode == ExitCode.USAGE
