"""An application with the library, in a process of its own: it stays open and rotates nothing.

`python -m tests.support.a_client stay` says `open` once it is, and stays; `make FILE` writes a token and a ciphertext,
`read FILE` reads them.
"""

import asyncio
import json
import sys
from pathlib import Path

from journal_keys import InfisicalKeyManager, InfisicalSecretsClient


async def main(verb: str, file: Path) -> None:
    """Do it."""
    async with InfisicalSecretsClient.from_env() as client, InfisicalKeyManager(client=client) as keys:
        signer, cipher = await keys.signer(), await keys.get_token_cipher()
        if verb == "make":
            file.write_text(json.dumps([signer.sign({"sub": "alice"}), cipher.encrypt("kept")]), encoding="utf-8")
        elif verb == "read":
            token, ciphertext = json.loads(file.read_text("utf-8"))
            assert (await keys.verify(token))["sub"] == "alice"
            assert cipher.decrypt(ciphertext) == "kept"
        else:
            print("open", flush=True)  # noqa: T201 (who started it waits for this)
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else ".")))
