"""Signing and encrypting stop where the setting says, which is at the view TTL unless it says otherwise."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from journal_keys.adapters.crypto.token_cipher import TokenCipher
from journal_keys.adapters.crypto.token_codec import JwtSigner
from journal_keys.adapters.memory.clock import ManualClock
from journal_keys.domain.errors import ViewStaleError
from tests.support.canary.entropy import WatchedEntropy
from tests.support.views import MAX_STALE, PROFILE, WINDOWS, Bench

HOUR = timedelta(hours=1)
INSTANT = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("chosen", "bound"),
    [pytest.param(None, WINDOWS.view_ttl, id="left out"), pytest.param(HOUR, HOUR, id="an hour")],
)
def test_signing_and_encrypting_stop_at_the_bound(chosen: timedelta | None, bound: timedelta) -> None:
    clock = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))
    bench, windows = Bench(clock=clock), replace(WINDOWS, sign_max_stale=chosen)
    signer = JwtSigner(bench.board, clock, PROFILE, windows)
    cipher = TokenCipher(bench.board, clock, WatchedEntropy(5), bench.budget, windows, MAX_STALE)
    clock.pass_time(bound)
    assert bench.verifier.verify(signer.sign({"sub": "x"}))["sub"] == "x"
    assert bench.cipher.decrypt(cipher.encrypt("x")) == "x"
    clock.pass_time(INSTANT)
    with pytest.raises(ViewStaleError, match=f"confirmed for {bound.total_seconds():g} s: nothing is signed"):
        signer.sign({"sub": "x"})
    with pytest.raises(ViewStaleError, match="nothing is encrypted"):
        cipher.encrypt("x")
