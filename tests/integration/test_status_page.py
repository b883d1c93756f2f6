"""The status page in a real browser: what it answers, whom it asks, and who can read it."""

import asyncio
import json
import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Final, cast

import pytest

from journal_keys.adapters.memory.ledger import MemoryLedger
from journal_keys.domain.changes import AuditFact
from journal_keys.domain.keys import Family
from journal_keys.entrypoints.http.doors import STATUS
from journal_keys.entrypoints.http.status_page.rendering import html
from tests.support.accessibility import CHECKS
from tests.support.canary.watch import WATCH
from tests.support.chromium import DESK_PX, PHONE_PX, SCHEMES, Viewer, running_browser
from tests.support.chromium_binary import IS_HERE, NOT_CHECKED
from tests.support.looks import Look, look_at, with_audit, without_ledger
from tests.support.operator import Operator
from tests.support.service import Served, serving
from tests.support.world import START, W1, World

pytestmark = [pytest.mark.processes, pytest.mark.skipif(not IS_HERE, reason=NOT_CHECKED)]
NARROW: Final = "narrow screen"
EVIL: Final = "<script>document.title='owned'</script><img src=//evil.example/x>\u202egnp.exe\x07"


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Viewer]:
    with running_browser(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture
def served(operator: Operator) -> Iterator[Served]:
    with serving(operator) as service:
        yield service


def post(served: Served, path: str, body: object) -> None:
    command = ["curl", "--silent", "--fail", "--json", json.dumps(body), served.address + path]
    subprocess.run(command, check=True, capture_output=True)


async def _at_rest() -> Look:
    return await look_at(await World().initialised())


async def _held_back() -> Look:
    """Rotations that an instance holds back, a compromised key, and texts that do no good."""
    world = await World().initialised()
    for number in range(3):
        await world.rotated(Family.JWT, f"r{number}")
        world.clock.pass_time(W1)
        await world.reconciled(Family.JWT)
    world.clock.pass_time(timedelta(days=2))
    leaked = (await world.ring(Family.JWT)).versions[1].kid
    await world.compromise(Family.JWT, leaked, actor="operator:x", reason="it was in a log")
    world.clock.pass_time(timedelta(days=3))
    for name in ("r7", "r8"):
        await world.rotated(Family.JWT, name)
    world.clock.pass_time(W1)
    ledger = cast("MemoryLedger", world.ledger)
    await ledger.report("a-slow.instance:1", {Family.JWT: 1, Family.AES: 1}, expires_in=timedelta(minutes=5))
    await world.trail.append(AuditFact(at=START, actor=EVIL, action="did", family=None, kid=None, reason=EVIL))
    return await look_at(world)


async def _broken() -> Look:
    return with_audit(without_ledger(await _held_back(), EVIL), broken="audit entry 2 was changed after it was written")


LOOKS: Final[dict[str, Callable[[], Awaitable[Look]]]] = {
    "at rest": _at_rest,
    "held back": _held_back,
    "without the ledger": _broken,
}


@cache
def page(name: str) -> str:
    async def made() -> str:
        return html((await LOOKS[name]()).page, seen_by="one")

    return asyncio.run(made())


def findings(viewer: Viewer, text: str, check: str, scheme: str) -> list[str]:
    viewer.show_text(text, scheme=scheme, width_px=PHONE_PX if check == NARROW else DESK_PX)
    return CHECKS[check](viewer)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", LOOKS)
def test_everybody_can_read_it(viewer: Viewer, name: str, scheme: str) -> None:
    found = {check: findings(viewer, page(name), check, scheme) for check in CHECKS}
    assert found == {check: [] for check in CHECKS}


def changed(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def without(pattern: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert re.search(pattern, text)
        return re.sub(pattern, "", text)

    return change


HOLES: Final[dict[str, tuple[str, str, Callable[[str], str], str]]] = {
    "grey on white": ("contrast", "light", changed("--text: #1a2129", "--text: #9aa0a6"), "of text"),
    "dark on dark": ("contrast", "dark", changed("--quiet: #b0bac5", "--quiet: #4a5561"), "of text"),
    "a pale bar": ("contrast", "light", changed("--active: #0d6b38", "--active: #a8e0bf"), "of a shape"),
    "a pale name of now": ("contrast", "dark", changed("fill: var(--quiet)", "fill: #2a2f35"), "of text"),
    "a text that shines through": ("contrast", "light", changed("dt { ", "dt { color: rgb(0 0 0 / 40%); "), "of text"),
    "no language": ("structure", "light", changed('<html lang="en">', "<html>"), "no language"),
    "no title": ("structure", "light", without("<title>.*?</title>"), "no title"),
    "a heading that skips a level": ("structure", "light", changed('<h2 id="answers"', '<h3 id="answers"'), "skips"),
    "a section without a name": (
        "structure",
        "light",
        changed('<section aria-labelledby="audit">', "<section>"),
        "without a name",
    ),
    "a picture without words": ("structure", "light", changed('role="img" aria-label', 'role="img" data-x'), "picture"),
    "a table without scopes": ("structure", "light", changed(' scope="col"', ""), "no heads of columns"),
    "rows without heads": ("structure", "light", changed(' scope="row"', ""), "without its head"),
    "a table without a caption": (
        "structure",
        "light",
        lambda text: re.sub("<caption>.*?</caption>", "", text),
        "capt",
    ),
    "a link to nowhere": ("structure", "light", changed('id="health"', 'id="sanity"'), "a link to nowhere"),
    "a field without a label": ("structure", "light", changed("</main>", "<input></main>"), "without a label"),
    "an id twice": ("structure", "light", changed("</main>", '<p id="audit"></p></main>'), "an id twice"),
    "no main part": ("structure", "light", without("</?main>"), "not one main"),
    "a control for the mouse only": (
        "keyboard",
        "light",
        changed("</main>", '<span onclick="1">press</span></main>'),
        "by mouse only",
    ),
    "no mark of the focus": (
        "keyboard",
        "light",
        changed("outline: 3px solid var(--link)", "outline: none"),
        "unmarked",
    ),
    "a pale mark of the focus": (
        "keyboard",
        "dark",
        changed("outline: 3px solid var(--link)", "outline: 3px solid #222b35"),
        "barely seen",
    ),
    "an order of its own": (
        "keyboard",
        "light",
        changed('<a href="/status">', '<a href="/status" tabindex="5">'),
        "out of its turn",
    ),
    "a link out of sight": ("keyboard", "light", changed(".skip:focus {", ".skip:hover {"), "out of sight"),
    "a page for wide screens": (NARROW, "light", changed("body { margin: 0", "body { min-width: 30rem; margin: 0"), ""),
    "a name that does not break": (NARROW, "light", changed("overflow-wrap: anywhere", "white-space: pre"), "too wide"),
}


@pytest.mark.parametrize(("check", "scheme", "change", "shows"), HOLES.values(), ids=HOLES.keys())
def test_a_page_with_a_known_hole_is_found_out(
    viewer: Viewer, check: str, scheme: str, change: Callable[[str], str], shows: str
) -> None:
    found = findings(viewer, change(page("without the ledger" if check == NARROW else "at rest")), check, scheme)
    assert any(shows in one for one in found), found


_NEXT: Final = "Which key|What happens|Is anything|Does every|Was the|Ring"


def answer_to(viewer: Viewer, question: str) -> str:
    told = viewer.read_aloud()
    found = re.search(rf"{re.escape(question)} (.*?) (?={_NEXT})", told)
    assert found is not None, told
    return found[1]


def test_without_scripts_it_answers_all_six_questions_and_asks_nobody_else(viewer: Viewer, served: Served) -> None:
    keys = json.loads(
        subprocess.run(
            ["curl", "--silent", f"{served.address}/api/v1/infisical/keys"], check=True, capture_output=True
        ).stdout
    )
    active = {one["ring"]: one for one in keys if one["state"] == "ACTIVE"}
    staged = {one["kid"] for one in keys if one["state"] == "PRE_ACTIVATION"}
    viewer.forget()
    viewer.tell("Emulation.setScriptExecutionDisabled", value=True)
    try:
        viewer.driver.get(served.address + STATUS)
        signs, encrypts = (
            answer_to(viewer, f"Which key {verb} now, and since when?") for verb in ("signs", "encrypts")
        )
        comes = answer_to(viewer, "What happens next, and when?")
        stuck = answer_to(viewer, "Is anything stuck, and why?")
        agree = answer_to(viewer, "Does every instance agree?")
        tampered = answer_to(viewer, "Was the audit trail tampered with?")
    finally:
        viewer.tell("Emulation.setScriptExecutionDisabled", value=False)
    for told, ring in ((signs, "jwt"), (encrypts, "aes")):
        assert active[ring]["kid"] in told
        assert f"{active[ring]['since'][:19]}Z" in told
    assert any(kid in comes for kid in staged)
    assert re.search(r"promoted by the next rotation, \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(in ", comes)
    assert stuck.startswith("good No: nothing is overdue")
    assert agree.startswith("good Yes: this process holds generation")
    assert tampered.startswith("good No sign of it:")
    assert viewer.complaints() == []
    assert viewer.hosts_asked() == {served.address.removeprefix("http://")}


def test_its_style_is_let_in_by_its_policy_and_no_script_is(viewer: Viewer, served: Served) -> None:
    viewer.show(served.address + STATUS, scheme="dark")
    assert viewer.ask("return getComputedStyle(document.documentElement).backgroundColor") == "rgb(18, 23, 29)"
    viewer.ask(
        "const one = document.createElement('script'); one.textContent = 'window.ran = 1'; document.body.append(one)"
    )
    assert viewer.ask("return window.ran ?? null") is None
    assert any("Content Security Policy" in one for one in viewer.complaints())


def test_texts_from_outside_stay_texts(viewer: Viewer) -> None:
    viewer.forget()
    viewer.show_text(page("held back"))
    assert viewer.driver.title == "journal_keys status: look here"
    assert viewer.ask("return document.querySelectorAll('script, img').length") == 0
    shown = viewer.ask("return [...document.querySelectorAll('bdi')].map((one) => one.textContent)")
    assert shown.count(EVIL.replace("\u202e", "\\u202e").replace("\x07", "\\u0007")) == 2
    assert not [one for one in shown if "\u202e" in one]
    assert viewer.hosts_asked() == set()


def test_what_somebody_asks_for_is_seen_after_looking_again(viewer: Viewer, operator: Operator) -> None:
    def signs() -> str:
        return answer_to(viewer, "Which key signs now, and since when?").partition(" (")[0]

    with serving(operator, views_s=1) as served:  # W1, for which the rotation waits
        viewer.show(served.address + STATUS)
        before = signs()
        post(served, "/api/v1/infisical/rotate", {"rotation_type": "jwt", "force": True, "reason": "<i>seen</i>"})
        assert "<i>seen</i>" not in viewer.read_aloud()
        end_s = time.monotonic() + 60
        while signs() == before:
            assert time.monotonic() < end_s
            viewer.ask("[...document.links].find((one) => one.textContent === 'look again').click()")
            assert "<i>seen</i>" in viewer.read_aloud()


def test_every_moment_of_the_time_line_is_in_words_too(viewer: Viewer) -> None:
    viewer.show_text(page("held back"))
    labels = viewer.ask("return [...document.querySelectorAll('svg[role=img]')].map((one) => one.ariaLabel)")
    lanes = [label for label in labels if label.startswith("Time line of")]
    moments = {at for label in lanes for at in re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", label)}
    times = set(viewer.ask("return [...document.querySelectorAll('time')].map((one) => one.dateTime)"))
    assert len(lanes) > 5
    assert moments <= times
    assert {"PRE_ACTIVATION", "ACTIVE", "DEACTIVATED", "COMPROMISED"} <= set(re.findall(r"[A-Z_]{6,}", " ".join(lanes)))


def test_a_changed_audit_entry_and_a_lost_ledger_are_seen(viewer: Viewer, operator: Operator) -> None:
    ledger = operator.home / "ledger.sqlite3"
    with closing(sqlite3.connect(ledger)) as database, database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        assert database.execute("UPDATE audit SET actor = 'nobody' WHERE sequence = 1").rowcount == 1
    with serving(operator) as served:
        viewer.show(served.address + STATUS)
        assert "wrong Yes: audit entry 1 was changed" in answer_to(viewer, "Was the audit trail tampered with?")
        ledger.write_bytes(b"no database" * 1000)
        viewer.show(served.address + STATUS)
        assert "wrong Yes: the ledger cannot be read:" in answer_to(viewer, "Is anything stuck, and why?")


def test_a_secret_on_a_page_would_be_caught(viewer: Viewer) -> None:
    secret = os.urandom(32)
    viewer.show_text(f"<p>{secret.hex()}</p>")
    found = WATCH.end()
    WATCH.begin(own=[], shared=[])
    assert "a page in a browser holds a secret: hex" in found


def test_the_browser_ends_with_its_test_and_leaves_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("other")
    with running_browser(folder) as other:
        other.show_text("<p>here</p>")
        assert processes_of(str(folder))
    assert processes_of(str(folder)) == []
    assert not folder.exists()


def processes_of(text: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended
            found.append(entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
    return [line for line in found if text in line]
