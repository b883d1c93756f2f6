"""The figures as text."""

from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector


def registry_of(folder: Path | None) -> CollectorRegistry:
    """Give this process's registry; or, where the processes of the service keep figures in a `folder`, that of all."""
    if folder is None:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(folder))  # type: ignore[no-untyped-call]
    return registry


def exposition(accept: str | None, *, folder: Path | None) -> tuple[bytes, str]:
    """Give the text and its media type, as the Accept header wishes, with the figures of `registry_of` this folder."""
    encode, media_type = choose_encoder(accept or "")
    return encode(registry_of(folder)), media_type
