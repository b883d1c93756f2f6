"""A delivery as HTTP brings it: what it is answered, what the log says, and what is done behind the answer."""

import logging
from collections.abc import Iterable
from typing import Final

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.background import BackgroundTask

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
from journal_keys.entrypoints.http.bodies import WebhookAnswer
from journal_keys.entrypoints.http.problems import problem

_LOG: Final = logging.getLogger("journal_keys")


async def hear(container: Container, request: Request, *, rotates: bool) -> JSONResponse:
    """Answer one delivery; where a webhook `rotates`, look afterwards whether one of the rings concerned is due.

    Raises:
        WebhookRefusedError, WebhookUnusableError: as `HandleWebhook`.
    """
    try:
        outcome = await container.handle_webhook()(Delivery(headers=request.headers.raw, body=await request.body()))
    except WebhookUnusableError as failure:
        _LOG.warning("webhook_unusable error=%s", failure)
        raise
    except WebhookRefusedError as failure:
        _LOG.warning("webhook_refused error=%s", failure)
        raise
    except PortError as failure:
        _LOG.warning("webhook_failed error=%s", failure)
        return problem(503, "whether the delivery is genuine, or came before, could not be found out: send it again")
    families: tuple[Family, ...] = ()
    if isinstance(outcome, Taken):
        _LOG.info("webhook_taken event=%s folder=%s", outcome.event, outcome.folder)
        families = outcome.families if rotates else ()
    answer = _answer(outcome).model_dump(mode="json", exclude_none=True)
    return JSONResponse(answer, background=BackgroundTask(_rotate, container, families) if families else None)


async def _rotate(container: Container, families: Iterable[Family]) -> None:
    for family in families:
        try:
            outcome = await container.rotate_on_webhook()(family)
        except JournalKeysError as failure:
            _LOG.warning("webhook_rotation_failed family=%s error=%s", family, failure)
            continue
        if outcome is not None:
            _LOG.info("webhook_rotation_checked family=%s outcome=%s", family, type(outcome).__name__)


def _answer(outcome: WebhookOutcome) -> WebhookAnswer:
    match outcome:
        case Taken():
            return WebhookAnswer(status="taken")
        case AlreadySeen():
            return WebhookAnswer(status="already seen")
        case Ignored(because=because):
            return WebhookAnswer(status="ignored", because=because)
