"""Bodies as strict JSON: one that repeats a member, or that the framework's reader stumbles over, is malformed."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from journal_keys.domain import canonical
from journal_keys.entrypoints.http.bounds import CallerGoneError


class _StrictRequest(Request):
    async def body(self) -> bytes:
        """Give the body; who hangs up before its end has no answer to read, and is no fault of ours."""
        try:
            return await super().body()
        except ClientDisconnect:
            raise CallerGoneError("the request cannot be read") from None

    async def json(self) -> Any:  # noqa: ANN401 (as the framework declares it)
        """Give the body's value; raises the one error that the framework answers with 422."""
        try:
            return canonical.from_json((await self.body()).decode("utf-8"))
        except ValueError:
            pass  # raised from here, the refusal would carry the body along
        raise json.JSONDecodeError("JSON without repeated members", "", 0)


class StrictRoute(APIRoute):
    """A route whose body is read as strict JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Hand the framework's own handler a request that reads strictly."""
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            strict = _StrictRequest(request.scope, request.receive)
            await strict.body()  # the framework's own reading would take any failure of it for a malformed body
            return await handle(strict)

        return strictly
