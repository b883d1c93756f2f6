"""An application that needs a secret for each request, and shows its figures; uvicorn runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from prometheus_client import make_asgi_app

from journal_keys import InfisicalSecretsClient

PATH = "/infrastructure/nats_url"


@asynccontextmanager
async def _life(started: FastAPI) -> AsyncIterator[None]:
    async with InfisicalSecretsClient.from_env() as client:
        started.state.client = client
        yield


app = FastAPI(lifespan=_life)
app.mount("/metrics", make_asgi_app())


@app.get("/")
async def used() -> int:
    """Use the secret."""
    return len(await app.state.client.fetch_secret(PATH))
