"""Hints as texts: who may read one, and what becomes of all that is none."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.adapters.memory.view_board import MemoryViewBoard
from journal_keys.adapters.redis.counts import Count
from journal_keys.adapters.redis.keys import DerivedKeys, RingKeys
from journal_keys.adapters.redis.messages import LIFE, MOST_TEXT, Changed, Forgotten, News, Post
from journal_keys.adapters.redis.namespace import Namespace
from journal_keys.adapters.redis.sealing import NONCE_BYTES, Form
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain import canonical
from journal_keys.domain.keys import Family
from journal_keys.domain.paths import SecretPath
from tests.support.shared import PATH, PLACE, SKEW, START, one_key

INSTANT = timedelta(milliseconds=1)
LONGEST_PATH = SecretPath.parse("/" + "/".join(["p" * 64] * 8))
HINT = Changed(Family.JWT, 7)


def post(name: str, clock: ManualClock, place: Namespace = PLACE, seed: int = 7) -> Post:
    keys = DerivedKeys(one_key(seed), place, b"redis hints")
    return Post(name=name, place=place, keys=keys, skew=SKEW, clock=clock, entropy=SystemEntropy(), counts=Counter())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def sender(clock: ManualClock) -> Post:
    return post("one", clock)


@pytest.fixture
def reader(clock: ManualClock) -> Post:
    return post("two", clock)


@pytest.mark.parametrize(
    "news",
    [HINT, Changed(Family.AES, 2**63), Forgotten(PATH), Forgotten(LONGEST_PATH), Forgotten(None)],
    ids=["a ring", "a great generation", "a path", "the longest path", "everything"],
)
def test_what_one_writes_another_reads_once(sender: Post, reader: Post, news: News) -> None:
    text = sender.write(news)
    assert len(text) <= MOST_TEXT
    assert reader.read(text.encode()) == news
    assert reader.counts == {}
    assert reader.read(text) is None
    assert reader.counts == {Count.REPEATED: 1}


def test_what_a_process_wrote_itself_is_no_news_to_it_and_not_counted(sender: Post) -> None:
    assert sender.read(sender.write(HINT)) is None
    assert sender.counts == {}


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        (LIFE + SKEW, None),
        (LIFE + SKEW + INSTANT, Count.EXPIRED),
        (-SKEW, None),
        (-SKEW - INSTANT, Count.FROM_THE_FUTURE),
    ],
    ids=["just young enough", "too old", "just not from the future", "from the future"],
)
def test_a_hint_is_good_for_a_while(
    sender: Post, reader: Post, clock: ManualClock, later: timedelta, reason: Count | None
) -> None:
    text = sender.write(HINT)
    clock.step_wall(later)
    assert reader.read(text) == (None if reason else HINT)
    assert set(reader.counts) == ({reason} if reason else set())


def test_more_hints_than_are_remembered_are_read(sender: Post, reader: Post) -> None:
    first = sender.write(HINT)
    assert all(reader.read(sender.write(Changed(Family.JWT, number))) for number in range(5000))
    assert reader.read(first) == HINT


def test_every_changed_byte_is_noticed(sender: Post, reader: Post) -> None:
    raw = urlsafe_b64decode(sender.write(HINT))
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1
        assert reader.read(urlsafe_b64encode(bytes(changed))) is None, position
    assert set(reader.counts) <= {Count.MALFORMED, Count.UNKNOWN_KEY, Count.FORGED}


@pytest.mark.parametrize(
    ("stranger", "reason"),
    [
        (post("one", ManualClock(START), place=Namespace.of("other", "vault", "/one")), Count.FORGED),
        (post("one", ManualClock(START), place=Namespace.of("test", "vault", "/two")), Count.FORGED),
        (post("one", ManualClock(START), seed=8), Count.UNKNOWN_KEY),
    ],
    ids=["another environment", "another store", "another key"],
)
def test_a_foreign_hint_is_none(stranger: Post, reader: Post, reason: Count) -> None:
    assert reader.read(stranger.write(HINT)) is None
    assert reader.counts == {reason: 1}


def test_a_secret_that_was_sealed_is_no_hint(reader: Post) -> None:
    assert reader.read(written(b"x" * 100, letters=b"JKC1")) is None
    assert reader.counts == {Count.MALFORMED: 1}


@pytest.mark.parametrize(
    "text", [b"", b"\xff", b"hello", "\u20ac", b"A" * MOST_TEXT, b"JKH1"], ids=["nothing", *"abcde"]
)
def test_what_was_not_sealed_is_malformed(reader: Post, text: bytes | str) -> None:
    assert reader.read(text) is None
    assert reader.counts == {Count.MALFORMED: 1}


def test_what_is_too_long_is_not_looked_at(reader: Post) -> None:
    assert reader.read(b"A" * (MOST_TEXT + 1)) is None
    assert reader.counts == {Count.OVERSIZED: 1}


AT = round(START.timestamp() * 1000)
GOOD = {"family": "jwt", "generation": 7, "at": AT, "by": "one"}
OTHER_CONTENT: dict[str, bytes] = {
    "no JSON": b"x",
    "no text": b"\xff",
    "a list": b"[1]",
    "a number": b"7",
    "text": b'"path"',
    "nothing": b"{}",
    "an unknown family": canonical.to_json(GOOD | {"family": "rsa"}).encode(),
    "a family that is none": canonical.to_json(GOOD | {"family": 7}).encode(),
    "no generation": canonical.to_json({key: GOOD[key] for key in ("family", "at", "by")}).encode(),
    "a generation that is none": canonical.to_json(GOOD | {"generation": None}).encode(),
    "a path that is none": canonical.to_json(GOOD | {"path": "../x"}).encode(),
    "a path that is no text": canonical.to_json(GOOD | {"path": 7}).encode(),
    "no moment": canonical.to_json({key: GOOD[key] for key in ("family", "generation", "by")}).encode(),
    "a moment that is none": canonical.to_json(GOOD | {"at": "now"}).encode(),
    "nobody": canonical.to_json({key: GOOD[key] for key in ("family", "generation", "at")}).encode(),
}


def written(content: bytes, letters: bytes = b"JKH1") -> str:
    """What somebody sealed who holds the key, such as another release."""
    sealer = DerivedKeys(one_key(), PLACE, b"redis hints").sealer()
    assert sealer is not None
    form = Form(letters=letters, place=PLACE, name=b"", most_text=MOST_TEXT, least_content=1)
    return form.seal(sealer, SystemEntropy().token(NONCE_BYTES), content)


def test_the_contents_differ_from_a_good_one_by_one_thing(reader: Post) -> None:
    assert reader.read(written(canonical.to_json(GOOD).encode())) == HINT


@pytest.mark.parametrize("content", OTHER_CONTENT.values(), ids=OTHER_CONTENT)
def test_what_another_release_means_is_malformed(reader: Post, content: bytes) -> None:
    assert reader.read(written(content)) is None
    assert reader.counts == {Count.MALFORMED: 1}


@pytest.mark.parametrize(("at", "reason"), [(10**30, Count.FROM_THE_FUTURE), (-(10**30), Count.EXPIRED)])
def test_a_moment_may_be_any_number(reader: Post, at: int, reason: Count) -> None:
    assert reader.read(written(canonical.to_json(GOOD | {"at": at}).encode())) is None
    assert reader.counts == {reason: 1}


def test_without_a_key_there_is_no_text(clock: ManualClock) -> None:
    keyless = replace(post("one", clock), keys=DerivedKeys(RingKeys(MemoryViewBoard()), PLACE, b"redis hints"))
    assert keyless.write(HINT) == ""
    assert keyless.counts == {Count.NO_KEY: 1}
