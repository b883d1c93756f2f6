"""A store whose reads are counted, told and followed: for all who read it past every cache."""

from collections.abc import Mapping
from dataclasses import dataclass

from journal_keys import events
from journal_keys.domain.labels import path_label
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.clock import Clock
from journal_keys.ports.meter import Meter, Source
from journal_keys.ports.secret_store import FolderContent, SecretStore
from journal_keys.ports.tracer import Tracer, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedSecretStore(SecretStore):
    """Another store, which keeps its promises; `fetch_secret` needs none, since its cache counts."""

    store: SecretStore
    clock: Clock
    meter: Meter
    tracer: Tracer

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        """Read it, and count what became of that."""
        asked_s, source = self.clock.uptime_s(), Source.NONE
        with self.tracer.follow(Work.FETCH, path=path_label(folder)) as trace:
            try:
                content = await self.store.read_folder(folder)
                source = Source.STORE
            except Exception as failure:
                self.meter.failed(folder, failure)
                raise
            finally:
                took_s = self.clock.uptime_s() - asked_s
                trace.add(source=source.value)
                self.meter.read(folder, source, took_s)
                events.SECRET_FETCHED.tell(path=folder, source=source, took_ms=round(1000 * took_s))
        return content

    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:
        """Create it there."""
        await self.store.put_new(path, value)

    async def overwrite(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        """Set them there."""
        await self.store.overwrite(values)

    async def delete(self, path: SecretPath) -> None:
        """Remove it there."""
        await self.store.delete(path)
