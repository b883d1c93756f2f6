"""What a server of Infisical sends to a webhook, written anew after what one was recorded to send."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from journal_keys.domain.webhooks import Delivery

RECORDED: Final = json.loads(Path(__file__).parents[1].joinpath("data/infisical/webhooks.json").read_text("utf-8"))
PROJECT: Final = "5c08e3c7-48d9-4588-b544-a18a52a26c29"
SECRET: Final = "hook-secret-1"
SIGNATURE: Final = "x-infisical-signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One delivery as a server of 2024 sent it, and when it came."""

    what: str
    secret: str | None
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime

    @property
    def delivery(self) -> Delivery:
        """What a receiver sees."""
        raw = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in self.headers.items()]
        return Delivery(headers=raw, body=self.body)


def recordings() -> Sequence[Recording]:
    """All of them, in the order in which they came."""
    return [
        Recording(
            what=one["what"],
            secret=one["secret"],
            headers=one["headers"],
            body=one["body"].encode("utf-8"),
            received_at=moment(one["received_ms"]),
        )
        for one in RECORDED["deliveries"]
    ]


def moment(ms: int) -> datetime:
    """The moment so many milliseconds after the start of 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


def ms_of(when: datetime) -> int:
    """Milliseconds since the start of 1970."""
    return int(when.timestamp() * 1000)


def modified(at: datetime, folder: str = "/auth/jwt", **changes: Any) -> bytes:  # noqa: ANN401 (whatever JSON holds)
    """The body that tells that secrets of a folder changed; `changes` replace members, None takes one away."""
    project = {"workspaceId": PROJECT, "environment": "dev", "secretPath": folder} | changes.pop("project", {})
    document = {"event": "secrets.modified", "project": project, "timestamp": ms_of(at)} | changes
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def signed(body: bytes, at: datetime, secret: str = SECRET) -> dict[str, str]:
    """The header that goes with this body."""
    mac = hmac.new(secret.encode("utf-8"), body, hashlib.sha256).hexdigest()
    return {SIGNATURE: f"t={ms_of(at)};{mac}"}


def delivery(body: bytes, headers: Mapping[str, str]) -> Delivery:
    """What the receiver sees of this."""
    return Delivery(headers=[(name.encode(), value.encode()) for name, value in headers.items()], body=body)
