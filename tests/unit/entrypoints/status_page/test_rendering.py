"""The page as text: what is escaped, what is made visible, and what its policy allows."""

import hashlib
import re
from base64 import b64decode
from dataclasses import replace

import pytest
from jinja2 import UndefinedError

from journal_keys.domain.changes import AuditFact
from journal_keys.domain.forms import iso
from journal_keys.entrypoints.http.status_page.rendering import _template, content_security_policy, html
from journal_keys.entrypoints.status.words import spaced
from tests.support.looks import Look, look_at, without_ledger
from tests.support.world import START, World

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\u202e\x00\x1b]0;x\x07{{ 7*7 }}{% raw %}"
SHOWN = "\\u202e\\u0000\\u001b]0;x\\u0007{{ 7*7 }}{% raw %}"


async def looked() -> Look:
    return await look_at(await World().initialised())


async def test_the_policy_allows_the_one_style_sheet_in_the_page_and_nothing_else() -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", html((await looked()).page, seen_by="one"), re.DOTALL)
    (digest,) = re.findall(r"style-src 'sha256-([^']+)'", content_security_policy())
    assert hashlib.sha256(style.encode()).digest() == b64decode(digest)
    allowed = dict(rule.strip().split(" ", 1) for rule in content_security_policy().split(";"))
    assert set(allowed) == {"default-src", "style-src", "img-src", "base-uri", "form-action", "frame-ancestors"}
    assert {value for name, value in allowed.items() if name != "style-src"} == {"'none'"}


async def test_nothing_in_the_page_is_a_script_or_comes_from_elsewhere() -> None:
    text = html((await looked()).page, seen_by="one")
    assert not re.search(
        r"<script|<link|<img|<iframe|<object|<form|<meta http-equiv|javascript:|\son\w+=|\sstyle=", text
    )
    assert set(re.findall(r'(?:href|src|xlink:href)="([^"]*)"', text)) == {
        "/status",
        *(f"#{name}" for name in ("answers", "ring-jwt", "ring-aes", "instances", "audit", "health", "figures")),
    }
    assert "url(" not in re.sub(r"url\(#\w+\)", "", text)


@pytest.mark.parametrize("place", ["actor", "action", "reason", "detail", "failure", "instance"])
async def test_texts_from_outside_are_escaped_and_made_visible(place: str) -> None:
    look = await looked()
    report = look.report
    assert report is not None
    fact = AuditFact(at=START, actor="a", action="b", family=None, kid=None, reason="c", detail={"d": "e"})
    if place in {"failure", "instance"}:
        look = without_ledger(look, EVIL) if place == "failure" else look
    else:
        changed = replace(fact, **{place: {EVIL: EVIL} if place == "detail" else EVIL})  # type: ignore[arg-type]
        recent = (replace(report.recent[0], fact=changed),)
        look = replace(look, report=replace(report, recent=recent))
    text = html(look.page, seen_by=EVIL if place == "instance" else "one")
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert SHOWN in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)


async def test_a_name_that_the_template_does_not_know_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        _template().render(page=(await looked()).page, style="", iso=iso, spaced=spaced)


async def test_headings_are_in_order_and_every_part_has_one() -> None:
    levels = re.findall(r"<h(\d)", html((await looked()).page, seen_by="one"))
    assert levels == ["1", *"2222222"]
    assert re.findall(r"<h(\d)", html(without_ledger(await looked()).page, seen_by="one")) == ["1", *"22222222"]


async def test_the_title_says_how_things_stand() -> None:
    assert "<title>journal_keys status: good</title>" in html((await looked()).page, seen_by="one")
    assert "<title>journal_keys status: wrong</title>" in html(without_ledger(await looked()).page, seen_by="one")
