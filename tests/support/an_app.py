"""An application that has its keys in environment variables: what it made with them, and whether it is still good.

`python -m tests.support.an_app make` writes `app.env` and `made.json` here; `check` reads these through the library.
"""

import asyncio
import json
import os
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from journal_keys import InfisicalKeyManager, InfisicalSecretsClient
from journal_keys.domain.exposure import expose
from tests.support.imported import ED25519, pem, public_pem

SECRET = "an HS256 secret of an application, 44 bytes."
NATS_URL = "nats://app:a-nats-passw0rd@nats:4222"
KEYS = {kid: os.urandom(32) for kid in ("k2023", "k2024")}


def variables() -> Mapping[str, str]:
    """What stands in its environment."""
    return {
        "JOURNAL_JWT_PRIVATE_KEY": expose(pem(ED25519)).decode(),
        "JOURNAL_JWT_PUBLIC_KEY": expose(public_pem(ED25519)).decode(),
        "JOURNAL_JWT_SECRET": SECRET,
        "AUTH_ENC_KEYS": json.dumps({kid: urlsafe_b64encode(key).decode() for kid, key in KEYS.items()}),
        "AUTH_ENC_ACTIVE_KID": "k2024",
        "JOURNAL_NATS_URL": NATS_URL,
    }


def made() -> dict[str, list[str]]:
    """Tokens and rows, as it makes them."""
    now_s = int(time.time())
    claims = {"sub": "alice", "iss": "journal", "aud": "journal", "iat": now_s, "exp": now_s + 300}
    tokens = [jwt.encode(claims, ED25519, algorithm="EdDSA"), jwt.encode(claims, SECRET, algorithm="HS256")]
    return {"tokens": tokens, "rows": [_row(kid, key) for kid, key in KEYS.items()]}


def _row(kid: str, key: bytes) -> str:
    nonce = os.urandom(12)
    parts: dict[str, Any] = {"v": 1, "kid": kid}
    for name, data in (("iv", nonce), ("ct", AESGCM(key).encrypt(nonce, b"kept", None))):
        parts[name] = urlsafe_b64encode(data).rstrip(b"=").decode()
    return json.dumps(parts, separators=(",", ":"))


def env_file(values: Mapping[str, str]) -> str:
    """The same as an env file."""
    return "".join(f"{name}='{value}'\n" for name, value in values.items())


async def check(kept: Mapping[str, list[str]]) -> None:
    """Read all of it through the library, and what it makes now as well."""
    async with InfisicalSecretsClient.from_env() as client, InfisicalKeyManager(client=client) as keys:
        cipher = await keys.get_token_cipher()
        assert {(await keys.verify(token))["sub"] for token in kept["tokens"]} == {"alice"}
        assert {cipher.decrypt(row) for row in kept["rows"]} == {"kept"}
        assert all(cipher.needs_rewrap(row) for row in kept["rows"])
        token = (await keys.signer()).sign({"sub": "bob"})
        assert (await keys.verify(token))["sub"] == "bob"
        assert cipher.decrypt(cipher.encrypt("new")) == "new"
        assert await client.fetch_secret("/infrastructure/nats_url") == NATS_URL


if __name__ == "__main__":
    if sys.argv[1] == "make":
        Path("app.env").write_text(env_file(variables()), encoding="utf-8")
        Path("made.json").write_text(json.dumps(made()), encoding="utf-8")
    else:
        asyncio.run(check(json.loads(Path("made.json").read_text("utf-8"))))
