"""The figures as text."""

from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector


def exposition(accept: str | None, *, folder: Path | None) -> tuple[bytes, str]:
    """Give the text and its media type, as the Accept header wishes.

    Where the processes of the service keep their figures in a `folder`, these are the figures of all of them.
    """
    registry = REGISTRY
    if folder is not None:
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    encode, media_type = choose_encoder(accept or "")
    return encode(registry), media_type
