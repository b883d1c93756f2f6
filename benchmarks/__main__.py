"""`python -m benchmarks`: each figure beside its peer, in one run, as a ratio. Exit code 1 where a target is missed."""

import asyncio
import base64
import os
import subprocess
import sys
import time
from datetime import timedelta
from functools import partial

import jwt
from cachetools import TTLCache
from cryptography.fernet import Fernet

from benchmarks.timing import Row, compare, show
from journal_keys.adapters.memory.secret_cache import MemorySecretCache
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.domain.keys import Algorithm
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.secret_cache import SecretCache
from tests.support.views import PROFILE, Bench


def token_rows() -> list[Row]:
    """Sign and verify beside PyJWT with the same key object; verify among 20 keys beside one."""
    bench, many = Bench(), Bench(algorithms=[Algorithm.EDDSA] * 20)
    key = bench.active_key
    headers = {"kid": key.kid, "typ": PROFILE.token_type}
    token = bench.signer.sign({"sub": "alice"})
    among_many = many.signer.sign({"sub": "alice"})

    def peer_sign() -> object:
        now = int(time.time())
        claims = {"sub": "alice", "iss": "journal", "aud": "journal", "iat": now, "exp": now + 1_209_600}
        return jwt.encode(claims, key.key, algorithm="EdDSA", headers=headers)

    public = key.key.public_key()

    def peer_verify() -> object:
        return jwt.decode(token, public, algorithms=["EdDSA"], audience="journal", issuer="journal", leeway=60)

    return [
        compare("A/A: PyJWT verify beside itself", peer_verify, peer_verify, target=1.05),
        compare("sign beside PyJWT", lambda: bench.signer.sign({"sub": "alice"}), peer_sign, target=1.0),
        compare("verify beside PyJWT", lambda: bench.verifier.verify(token), peer_verify, target=1.0),
        compare(
            "verify with 20 retained keys beside one",
            lambda: many.verifier.verify(among_many),
            lambda: bench.verifier.verify(token),
            target=1.05,
        ),
    ]


def cipher_rows() -> list[Row]:
    """Open envelope v2 beside Fernet; among 20 keys beside one."""
    bench, many = Bench(), Bench(aes_keys=20)
    fernet = Fernet(base64.urlsafe_b64encode(os.urandom(32)))
    rows = []
    for size, target in ((64, 0.25), (64 * 1024, 0.15)):
        data = os.urandom(size)
        ours, theirs = bench.cipher.encrypt(data), fernet.encrypt(data)
        rows.append(
            compare(
                f"open {size} B beside Fernet",
                partial(bench.cipher.decrypt_bytes, ours),
                partial(fernet.decrypt, theirs),
                target=target,
            )
        )
    one, among_many = bench.cipher.encrypt("x" * 64), many.cipher.encrypt("x" * 64)
    rows.append(
        compare(
            "decrypt with 20 retained keys beside one",
            lambda: many.cipher.decrypt(among_many),
            lambda: bench.cipher.decrypt(one),
            target=1.05,
        )
    )
    return rows


def cache_row() -> Row:
    """A cached secret beside `cachetools.TTLCache`, both driven from one running loop."""
    path, value = SecretPath(("database", "db_url_async")), KeyMaterial(b"postgresql://localhost/journal")
    cache: SecretCache = MemorySecretCache(SystemClock(), timedelta(hours=1), timedelta(0))
    peer: TTLCache[str, str] = TTLCache(maxsize=4096, ttl=3600)
    peer["/database/db_url_async"] = "postgresql://localhost/journal"

    async def load(_path: SecretPath) -> KeyMaterial:
        return value

    def hit() -> object:
        try:
            cache.get(path, load).send(None)
        except StopIteration as done:
            return done.value
        raise AssertionError("a hit awaits nothing")

    asyncio.run(_warm(cache, path, value))
    return compare("cached secret beside cachetools.TTLCache", hit, lambda: peer["/database/db_url_async"], target=0.3)


async def _warm(cache: SecretCache, path: SecretPath, value: KeyMaterial) -> None:
    async def load(_path: SecretPath) -> KeyMaterial:
        return value

    await cache.get(path, load)


def help_row() -> Row:
    """`journal-keys --help` beside importing typer, as whole processes."""
    ours = [sys.executable, "-m", "journal_keys", "--help"]
    peer = [sys.executable, "-c", "import typer"]
    return compare(
        "journal-keys --help beside import typer",
        lambda: _run(ours),
        lambda: _run(peer),
        target=1.3,
        clock=time.perf_counter,
    )


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 (our own two commands)


def main() -> int:
    """Run all and print the table."""
    rows = [*token_rows(), *cipher_rows(), cache_row(), help_row()]
    show(rows)
    return int(not all(row.is_met for row in rows))


if __name__ == "__main__":
    sys.exit(main())
