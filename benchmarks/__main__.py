"""`python -m benchmarks`: each figure beside its peer, in one run, as a ratio. Exit code 1 where a target is missed."""

import asyncio
import base64
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import jwt
import pybase64
from cachetools import TTLCache
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.http import http_rows
from benchmarks.rotations import rotation_rows
from benchmarks.timing import Row, compare, compare_awaited, show
from journal_keys import InfisicalKeyManager, InfisicalSecretsClient
from journal_keys.adapters.crypto.key_crypto import JwsSigningKey
from journal_keys.adapters.infisical_cli import argv
from journal_keys.adapters.infisical_cli.opening import open_store
from journal_keys.adapters.system.clock import SystemClock
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.domain.keys import Algorithm
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from tests.support.embedded import make_rings, settings_in
from tests.support.infisical.programs import real_binary, stand_in
from tests.support.infisical.server import InfisicalServer
from tests.support.infisical.stores import connection
from tests.support.redis_server import RedisServer
from tests.support.shared import PATH, Store, instance, plain_client
from tests.support.views import PROFILE, Bench

SECRET: Final = "/database/db_url_async"


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


class Cached:
    """What a user would write for the service of `fetch_secret`: an `async def` over a `TTLCache`."""

    def __init__(self) -> None:
        self.values: TTLCache[str, str] = TTLCache(maxsize=4096, ttl=3600)
        self.values[SECRET] = "postgresql://localhost/journal"

    async def fetch(self, path: str) -> str:
        """Give the cached value."""
        return self.values[path]


async def facade_rows() -> list[Row]:
    """Time the calls of the façade itself, in a running loop."""
    with TemporaryDirectory() as folder:
        settings = settings_in(Path(folder), journal_keys_profile="standard")
        await make_rings(settings)
        async with InfisicalSecretsClient(settings) as client:
            await client.store_secret(SECRET, "postgresql://localhost/journal")
            await client.fetch_secret(SECRET)
            return [*await _fetching(client), *await _signing(InfisicalKeyManager(client=client))]


async def _fetching(client: InfisicalSecretsClient) -> list[Row]:
    cached = Cached()
    values = cached.values

    async def nothing() -> None:
        """Give nothing: what an awaited call costs by itself."""

    return [
        await compare_awaited(
            "fetch_secret beside an async TTLCache",
            lambda: client.fetch_secret(SECRET),
            lambda: cached.fetch(SECRET),
            target=None,
        ),
        await compare_awaited(
            "fetch_secret beside TTLCache.get",
            lambda: client.fetch_secret(SECRET),
            lambda: values.get(SECRET),
            target=0.3,
        ),
        await compare_awaited(
            "fetch_secret beside TTLCache[…]",
            lambda: client.fetch_secret(SECRET),
            lambda: values[SECRET],
            target=None,
        ),
        await compare_awaited("an empty await beside TTLCache[…]", nothing, lambda: values[SECRET], target=None),
    ]


async def _signing(manager: InfisicalKeyManager) -> list[Row]:
    key = await manager.get_current_signing_key()
    if not isinstance(key, JwsSigningKey):
        raise TypeError("the signing key of the façade has no key object to hand to PyJWT")
    private, public = key.key, key.key.public_key()
    token = (await manager.signer()).sign({"sub": "alice"})
    headers = {"kid": key.kid, "typ": PROFILE.token_type}

    async def sign() -> str:
        return (await manager.signer()).sign({"sub": "alice"})

    def peer_sign() -> object:
        now = int(time.time())
        claims = {"sub": "alice", "iss": "journal", "aud": "journal", "iat": now, "exp": now + 1_209_600}
        return jwt.encode(claims, private, algorithm="EdDSA", headers=headers)

    def peer_verify() -> object:
        return jwt.decode(token, public, algorithms=["EdDSA"], audience="journal", issuer="journal", leeway=60)

    return [
        await compare_awaited("(await manager.signer()).sign beside PyJWT", sign, peer_sign, target=1.0),
        await compare_awaited("manager.verify beside PyJWT", lambda: manager.verify(token), peer_verify, target=1.0),
    ]


def floor_row() -> Row:
    """What base64 and AES-GCM alone take of Fernet's time: no envelope can be opened in less."""
    key, fernet = AESGCM(os.urandom(32)), Fernet(base64.urlsafe_b64encode(os.urandom(32)))
    nonce, data = os.urandom(12), os.urandom(64)
    text = pybase64.urlsafe_b64encode(nonce + key.encrypt(nonce, data, b"bound")).decode("ascii")
    theirs, open_sealed = fernet.encrypt(data), key.decrypt

    def floor() -> object:
        raw = pybase64.b64decode(text, b"-_", True)  # noqa: FBT003 (positional is faster)
        return open_sealed(raw[:12], raw[12:], b"bound")

    return compare("base64 and AES-GCM alone beside Fernet", floor, partial(fernet.decrypt, theirs), target=None)


def child_row() -> Row:
    """A read of a folder in Infisical beside the bare child, with the real CLI where it is there."""
    folder = SecretPath.parse("/database")
    with TemporaryDirectory() as made, InfisicalServer() as server, asyncio.Runner() as runner:
        server.seed(str(folder), {f"name_{number}": "v" * 60 for number in range(8)})
        binary = real_binary() or stand_in(Path(made))
        reached = connection(server, binary)
        store = open_store(reached, SystemClock(), SystemEntropy())
        opened = runner.run(store.__aenter__())
        token = {name: KeyMaterial(server.token().encode()) for name in ("INFISICAL_TOKEN",)}
        environment = argv.environment(reached.target, {}, token)
        command = [str(binary), *argv.read_folder(reached.target, folder)]
        told = "the real CLI" if real_binary() else "its stand-in"
        row = compare(
            f"read_folder beside the bare child ({told})",
            lambda: runner.run(opened.store.read_folder(folder)),
            lambda: subprocess.run(command, check=True, capture_output=True, env=environment),  # noqa: S603 (ours)
            target=1.1,
            clock=time.perf_counter,
        )
        runner.run(store.__aexit__(None, None, None))
    return row


async def redis_row() -> Row:
    """A secret found in Redis beside the plain client's GET and AES-GCM."""
    with RedisServer() as server:
        async with instance(server.url) as made, plain_client(server.url) as peer:
            await made.fetch(Store())
            key, nonce = AESGCM(os.urandom(32)), os.urandom(12)
            await peer.set("peer", nonce + key.encrypt(nonce, Store().answer, b"bound"))

            async def plain_hit() -> object:
                raw: Any = await peer.get("peer")
                return key.decrypt(raw[:12], raw[12:], b"bound")

            return await compare_awaited(
                "a hit in Redis beside a plain GET and AES-GCM",
                lambda: made.shared.cache.look_up(PATH),
                plain_hit,
                target=1.3,
            )


async def crowd_row() -> Row:
    """A thousand callers who miss the same secret at once, in memory and in Redis: how often the store is asked."""
    with RedisServer() as server:
        async with instance(server.url) as crowd, instance(server.url) as single:
            asked, once = Store(), Store()
            start_s = time.perf_counter()
            await asyncio.gather(*(crowd.fetch(asked) for _ in range(1_000)))
            crowd_s = time.perf_counter() - start_s
            await single.shared.cache.forget(PATH)
            start_s = time.perf_counter()
            await single.fetch(once)
            single_s = time.perf_counter() - start_s
    ratio = asked.loads / once.loads
    return Row(
        name="calls of the store for 1,000 misses at once",
        ratio=ratio,
        spread=(ratio, ratio),
        target=1.0,
        ours_us=crowd_s * 1e6,
        peer_us=single_s * 1e6,
    )


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
    rows = [*token_rows(), *cipher_rows(), floor_row(), *asyncio.run(facade_rows())]
    rows += [
        child_row(),
        asyncio.run(redis_row()),
        asyncio.run(crowd_row()),
        *rotation_rows(),
        *http_rows(),
        help_row(),
    ]
    show(rows)
    return int(not all(row.is_met for row in rows))


if __name__ == "__main__":
    sys.exit(main())
