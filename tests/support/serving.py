"""The application in this process, called as over HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from fastapi import FastAPI

from journal_keys.entrypoints.http.app import create_app
from journal_keys.entrypoints.settings import Settings


@asynccontextmanager
async def serving(settings: Settings, client: tuple[str, int] = ("127.0.0.1", 5)) -> AsyncIterator[httpx2.AsyncClient]:
    """Start the application, and give a caller that comes from there."""
    app: FastAPI = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app, client=client, raise_app_exceptions=False),
            base_url="http://localhost:8000",
        ) as caller,
    ):
        yield caller
