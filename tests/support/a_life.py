"""A process that uses the façade for a moment: `python -m tests.support.a_life` with the settings in its environment.

Given an empty line it signs, encrypts, waits until the snapshot holds both rings and the secret, and prints the token
and the ciphertext as JSON. Given that JSON it prints what it can do with them, each act by its result or its error.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Final

from journal_keys import InfisicalKeyManager, InfisicalSecretsClient
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.paths import SecretPath

PATH: Final = "/infrastructure/nats_url"
_PAUSE_S: Final = 0.05
_MOST_LOOKS: Final = 600


async def begin(client: InfisicalSecretsClient, keys: InfisicalKeyManager) -> dict[str, str]:
    token = (await keys.signer()).sign({"sub": "x"})
    ciphertext = (await keys.get_token_cipher()).encrypt("kept")
    snapshots = (await client.container()).snapshots()
    for _ in range(_MOST_LOOKS):
        held = await snapshots.load()
        if held is not None and len(held.rings) == 2 and SecretPath.parse(PATH) in held.secrets:
            return {"token": token, "ciphertext": ciphertext}
        await asyncio.sleep(_PAUSE_S)
    raise AssertionError("no snapshot was kept")


async def go_on(client: InfisicalSecretsClient, keys: InfisicalKeyManager, made: dict[str, str]) -> dict[str, str]:
    async def verified() -> str:
        return str((await keys.verify(made["token"]))["sub"])

    async def decrypted() -> str:
        return (await keys.get_token_cipher()).decrypt(made["ciphertext"])

    async def signed() -> str:
        return "a token" if (await keys.signer()).sign({"sub": "y"}) else ""

    async def health() -> str:
        return (await client.health_check()).overall.value

    acts: dict[str, Callable[[], Awaitable[str]]] = {
        "verified": verified,
        "decrypted": decrypted,
        "fetched": lambda: client.fetch_secret(PATH),
        "signed": signed,
        "health": health,
    }
    return {name: await _told(act) for name, act in acts.items()}


async def _told(act: Callable[[], Awaitable[str]]) -> str:
    try:
        return await act()
    except JournalKeysError as failure:
        return type(failure).__name__


async def main() -> None:
    given = sys.stdin.readline().strip()
    async with InfisicalSecretsClient.from_env() as client:
        keys = InfisicalKeyManager(client=client)
        done = await go_on(client, keys, json.loads(given)) if given else await begin(client, keys)
    print(json.dumps(done))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
