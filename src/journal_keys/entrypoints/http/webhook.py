"""A delivery as HTTP brings it: what it is answered, what the log says, and what is done behind the answer."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Final

from starlette.types import Receive, Scope, Send

from journal_keys import events
from journal_keys.adapters.system.entropy import SystemEntropy
from journal_keys.container import Container
from journal_keys.domain.errors import JournalKeysError, PortError
from journal_keys.domain.keys import Family
from journal_keys.domain.webhooks import (
    AlreadySeen,
    Delivery,
    Ignored,
    Taken,
    WebhookOutcome,
    WebhookRefusedError,
    WebhookUnusableError,
)
from journal_keys.entrypoints.http.bodies import WebhookAnswer, problems
from journal_keys.entrypoints.http.bounds import whole
from journal_keys.entrypoints.http.plain import send_whole
from journal_keys.entrypoints.http.problems import problem
from journal_keys.ports.rate_limiter import LimiterUnavailableError
from journal_keys.use_cases.handle_webhook import HandleWebhook

DOCUMENTED: Final[dict[str, Any]] = {
    "name": "webhook",
    "description": "Take a delivery: a hint that secrets changed.",
    "response_model": WebhookAnswer,
    "responses": problems(
        {
            400: "genuine, and says nothing about secrets",
            401: "not signed, not genuine, or not fresh",
            408: "body too slow",
            413: "body too large",
            421: "the Host header names another host",
            429: "too often",
            503: "whether it is genuine could not be found out",
        }
    ),
    "openapi_extra": {
        "parameters": [
            {
                "name": "x-infisical-signature",
                "in": "header",
                "required": False,
                "description": "t=<milliseconds>;<HMAC-SHA256 of the body>; other dialects have headers of their own",
                "schema": {"type": "string"},
            }
        ],
        "requestBody": {
            "required": True,
            "description": "as Infisical sends it; other dialects name event, time and place otherwise",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {
                            "event": {"type": "string"},
                            "timestamp": {"type": "integer"},
                            "project": {"type": "object"},
                        },
                    }
                }
            },
        },
    },
}


class Webhooks:
    """The webhook as plain ASGI; where it `rotates`, the rings concerned are looked at behind the answer."""

    def __init__(self, container_now: Callable[[], Container], *, rotates: bool) -> None:
        self._container_now = container_now
        self._rotates = rotates
        self._bound: tuple[Container | None, HandleWebhook | None] = (None, None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one delivery, or raise what the application's error table knows."""
        with events.bound(request_id=SystemEntropy().token(16).hex()):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        container = self._container_now()
        body = await whole(receive)
        try:
            outcome = await self._handler(container)(Delivery(headers=scope["headers"], body=body))
        except (WebhookUnusableError, WebhookRefusedError, LimiterUnavailableError) as failure:
            _EVENTS[type(failure)].tell(error=failure)
            raise
        except PortError as failure:
            events.WEBHOOK_FAILED.tell(error=failure)
            detail = "whether the delivery is genuine, or came before, could not be found out: send it again"
            await problem(503, detail)(scope, receive, send)
            return
        headers, answer = _answer(outcome)
        await send_whole(send, 200, headers, answer)
        if isinstance(outcome, Taken):
            events.WEBHOOK_TAKEN.tell(change=outcome.event, folder=outcome.folder)
            await _rotate(container, outcome.families if self._rotates else ())

    def _handler(self, container: Container) -> HandleWebhook:
        known, handler = self._bound
        if known is not container or handler is None:
            handler = container.handle_webhook()
            self._bound = container, handler
        return handler


_EVENTS: Final[dict[type[JournalKeysError], events.Event]] = {
    WebhookUnusableError: events.WEBHOOK_UNUSABLE,
    WebhookRefusedError: events.WEBHOOK_REFUSED,
    LimiterUnavailableError: events.WEBHOOK_NOT_COUNTED,
}


async def _rotate(container: Container, families: Iterable[Family]) -> None:
    for family in families:
        try:
            outcome = await container.rotate_on_webhook()(family)
        except JournalKeysError as failure:
            events.WEBHOOK_ROTATION_FAILED.tell(ring=family, error=failure)
            continue
        if outcome is not None:
            events.WEBHOOK_ROTATION_CHECKED.tell(ring=family, outcome=type(outcome).__name__)


_Answer = tuple[tuple[tuple[bytes, bytes], ...], bytes]


def _answer(outcome: WebhookOutcome) -> _Answer:
    match outcome:
        case Taken():
            return _written("taken")
        case AlreadySeen():
            return _written("already seen")
        case Ignored(because=because):
            return _written("ignored", because)


@lru_cache(maxsize=32)
def _written(status: str, because: str | None = None) -> _Answer:
    body = WebhookAnswer(status=status, because=because).model_dump_json(exclude_none=True).encode("utf-8")
    return ((b"content-type", b"application/json"), (b"content-length", str(len(body)).encode("ascii"))), body
