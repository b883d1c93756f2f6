"""The names that the integration guide promises: thin doors to the container."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from journal_keys import events
from journal_keys.adapters.crypto.token_cipher import TokenCipher
from journal_keys.adapters.crypto.token_codec import JwtSigner, JwtVerifier
from journal_keys.adapters.prometheus.meter import process_meter
from journal_keys.container import Container
from journal_keys.domain.changes import RotationRequest
from journal_keys.domain.errors import JournalKeysError, PortError
from journal_keys.domain.exposure import as_bytes, as_text, expose
from journal_keys.domain.keys import Family
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.outcomes import RotationOutcome
from journal_keys.domain.paths import SecretPath
from journal_keys.domain.token import UnknownKidError
from journal_keys.entrypoints.background import Background, load_views, renew_views
from journal_keys.entrypoints.renewal import KID_COOL_DOWN, Renewal
from journal_keys.entrypoints.resources import open_container
from journal_keys.entrypoints.rotations import rotate_each
from journal_keys.entrypoints.settings import Settings
from journal_keys.entrypoints.traces import application_tracer
from journal_keys.ports.clock import Clock
from journal_keys.ports.key_crypto import SigningKey
from journal_keys.ports.meter import Meter
from journal_keys.ports.secret_store import SecretNotFoundError, SecretStoreError, SecretStoreProtocolError
from journal_keys.ports.view_board import RingView
from journal_keys.use_cases.check_health import Health

if TYPE_CHECKING:
    from redis.asyncio import Redis


class PartlyRotatedError(PortError):
    """One ring failed: `outcomes` tells what became of the other, `failures` why this one failed."""

    def __init__(self, outcomes: Mapping[Family, RotationOutcome], failures: Mapping[Family, JournalKeysError]) -> None:
        told = [f"{family}: {type(outcome).__name__}" for family, outcome in outcomes.items()]
        super().__init__("; ".join([*told, *(f"{family} failed: {failure}" for family, failure in failures.items())]))
        self.outcomes = outcomes
        self.failures = failures


class InfisicalSecretsClient:
    """Secrets by path. Opens the store at first use; close it with `aclose` or use it as an async context.

    From first use until then one task keeps the views of the rings fresh. Nothing is rotated unless somebody asks: the
    service, `journal-keys rotate`, or `InfisicalKeyManager.rotate_keys`.

    `redis` is the application's own `redis.asyncio` client, used as it is and left open. Without it JOURNAL_REDIS_URL
    says where Redis is, and without that secrets are cached in memory only. Figures go to `meter`, or else to
    `prometheus_client.REGISTRY`.
    """

    def __init__(
        self,
        settings: Settings,
        redis: "Redis | None" = None,
        *,
        engine: AsyncEngine | None = None,
        meter: Meter | None = None,
    ) -> None:
        self._settings = settings
        self._meter = meter or process_meter()
        self._engine = engine
        self._redis = redis
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._container: Container | None = None
        self._peek: Callable[[str], str | None] = _nothing
        self.renewal = Renewal()
        self.clock: Clock | None = None  # asked once: the container checks what it gives against its port each time

    @classmethod
    def from_env(cls, redis: "Redis | None" = None) -> Self:
        """Read the settings from the environment.

        Raises:
            SettingsError: a variable is malformed.
        """
        return cls(Settings.from_environment(), redis)

    async def fetch_secret(self, path: str) -> str:
        """Give the secret at an absolute path such as `/database/db_url_async`, from memory within its time to live.

        Raises:
            InvalidPathError: the path is malformed.
            SecretNotFoundError: there is no such secret.
            SecretStoreError: the store failed, and nothing recent enough is cached; or the secret is no UTF-8 text.
        """
        text = self._peek(path)
        return await self._fetch(path) if text is None else text

    async def _fetch(self, path: str) -> str:
        container = await self.container()
        parsed = SecretPath.parse(path)
        with _told(events.SECRET_FETCH_FAILED, parsed):
            text = as_text(expose(await container.fetch_secret()(parsed)))
        if text is None:
            raise SecretStoreProtocolError(f"{parsed} holds no UTF-8 text")
        return text

    async def store_secret(self, path: str, value: str) -> None:
        """Set the secret at a path that no ring owns, and prove that the store kept it.

        Raises:
            InvalidPathError: the path is malformed.
            OwnedPathError: a ring owns it.
            UnencodableTextError: the value holds a lone surrogate.
            SecretStoreError: the store failed or did not keep the value.
        """
        container = await self.container()
        parsed, material = SecretPath.parse(path), KeyMaterial(as_bytes(value))
        with _told(events.SECRET_NOT_STORED, parsed):
            await container.store_secret()(parsed, material)
        events.SECRET_STORED.tell(path=parsed)

    async def health_check(self) -> Health:
        """Give the health of both rings and of the store."""
        return await (await self.container()).check_health()()

    async def container(self) -> Container:
        """The container behind this client, opened once."""
        if self._container is not None:
            return self._container
        async with self._opening:
            if self._container is None:
                async with AsyncExitStack() as opening:
                    opened = open_container(
                        self._settings,
                        engine=self._engine,
                        redis=self._redis,
                        meter=self._meter,
                        tracer=application_tracer(),
                    )
                    container = await opening.enter_async_context(opened)
                    await _prepare(container)
                    opening.push_async_callback(_report_usage, container)
                    opening.push_async_callback(self.renewal.aclose)
                    opening.push_async_exit(self._refreshing(container))
                    self._stack = opening.pop_all()
                self._container, self._peek = container, container.cache().peek
                self.clock = container.clock()
            return self._container

    def _refreshing(self, container: Container) -> Background:
        settings = self._settings
        background = Background(
            container=container,
            poll=settings.poll,
            reconcile_interval=settings.reconcile_interval,
            reports=settings.reports_instance,
        )
        background.start_refreshing()
        return background

    @property
    def redis(self) -> "Redis | None":
        """The application's own client of Redis that this client was made with."""
        return self._redis

    @property
    def settings(self) -> Settings:
        """The settings that this client was made with."""
        return self._settings

    async def aclose(self) -> None:
        """Stop the refresher, add this process's encryptions to the ledger's count, and close what was opened.

        An opening that is under way is waited for, and closed as well. Who asks afterwards opens anew.
        """
        async with self._opening:
            self._container, self._peek = None, _nothing
            await self._stack.aclose()

    async def __aenter__(self) -> Self:
        await self.container()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class InfisicalKeyManager:
    """The application's keys. Each argument may be left out: the container's own is taken then.

    `session` names the ledger by its engine; `client` shares an opened client, with its Redis; `redis` is the
    application's own `redis.asyncio` client where no client is given.
    """

    def __init__(
        self,
        session: AsyncSession | None = None,
        redis: "Redis | None" = None,
        client: InfisicalSecretsClient | None = None,
    ) -> None:
        self._owns_client = client is None or session is not None
        if client is None or session is not None:
            settings = client.settings if client else Settings.from_environment()
            client = InfisicalSecretsClient(
                settings, client.redis if client and redis is None else redis, engine=_engine_of(session)
            )
        self._client = client
        self._signs_s = client.settings.sign_max_stale.total_seconds()
        self._verifies_s = client.settings.verify_max_stale.total_seconds()

    async def get_current_signing_key(self) -> SigningKey:
        """Give the ACTIVE signing key: its `kid`, its `algorithm`, and `sign`.

        Raises:
            ViewStaleError: the ledger could not be asked for longer than JOURNAL_SIGN_MAX_STALE.
            KeyUnavailableError: the ACTIVE key's material could not be had.
        """
        return (await self.signer()).current_key()

    async def get_token_cipher(self) -> TokenCipher:
        """Give the cipher over the aes ring. It stays good until the client is closed, and does no I/O."""
        return (await self._with_view(Family.AES, self._signs_s)).cipher()

    async def signer(self) -> JwtSigner:
        """Give the signer over the jwt ring. It stays good until the client is closed, and does no I/O."""
        container = await self._with_view(Family.JWT, self._signs_s)
        view = container.board().signing
        if view is None or view.signing is None:  # confirmed, as after a snapshot, before its key was read
            await self._client.renewal(container)
        return container.signer()

    async def verifier(self) -> JwtVerifier:
        """Give the verifier over the jwt ring. It stays good until the client is closed, and does no I/O."""
        return (await self._with_view(Family.JWT, self._verifies_s)).verifier()

    async def verify(self, token: str) -> Mapping[str, Any]:
        """Give the claims of a good token; an unknown kid causes one refresh per second at the most.

        Raises:
            TokenRefusedError: the token is not good.
            ViewStaleError: the ledger could not be asked for too long.
        """
        verifier = await self.verifier()
        try:
            return verifier.verify(token)
        except UnknownKidError:
            await self._client.renewal(await self._client.container(), rest=KID_COOL_DOWN)
        return verifier.verify(token)

    async def rotate_keys(
        self, *, force: bool = False, reason: str = "asked by the application", rotation_id: str | None = None
    ) -> Mapping[Family, RotationOutcome]:
        """Rotate both rings and give each outcome; a ring that fails does not keep the other from being rotated.

        Raises:
            PartlyRotatedError: one ring failed. It holds the other's outcome and the failure.
            RotationConflictError: the id was used with other parameters.
            PortError: store or ledger failed for both rings; the first ring's failure is raised.
        """
        container = await self._client.container()
        request = RotationRequest(
            rotation_id=rotation_id or container.entropy().token(16).hex(),
            scope="both",
            force=force,
            reason=reason,
            actor="application",
        )
        results = await rotate_each(container, Family, request)
        failures = {family: result for family, result in results.items() if isinstance(result, JournalKeysError)}
        outcomes = {family: result for family, result in results.items() if not isinstance(result, JournalKeysError)}
        if outcomes and not failures:
            await renew_views(container)
            return outcomes
        raise PartlyRotatedError(outcomes, failures) if outcomes else next(iter(failures.values()))

    async def aclose(self) -> None:
        """Close what this manager opened."""
        if self._owns_client:
            await self._client.aclose()

    async def __aenter__(self) -> Self:
        try:
            await self.signer()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _with_view(self, family: Family, oldest_s: float) -> Container:
        """The container, at once where its view of this ring is not too old: the refresher keeps it fresh.

        Otherwise an attempt is made here. A cipher that does not encrypt any more still decrypts, and is given at once
        where an attempt has failed.
        """
        container = await self._client.container()
        view = container.board().signing if family is Family.JWT else container.board().cipher
        if family is Family.AES and view is not None and view.confirmed_s < self._client.renewal.failed_s:
            oldest_s = self._verifies_s
        if view is None or self._age_s(view) > oldest_s:
            await self._client.renewal(container)
        return container

    def _age_s(self, view: RingView) -> float:
        clock = self._client.clock
        return float("inf") if clock is None else clock.uptime_s() - view.confirmed_s


def _nothing(_path: str) -> None:
    return None


@contextmanager
def _told(event: events.Event, path: SecretPath) -> Iterator[None]:
    """Log a failure of the store; that there is no such secret is none."""
    try:
        yield
    except SecretNotFoundError:
        raise
    except SecretStoreError as failure:
        event.tell(path=path, error=failure)
        raise


async def _prepare(container: Container) -> None:
    """Where there may be a snapshot, have views, and with them its secrets; without, who needs views is told."""
    if container.snapshots().name:
        try:
            await load_views(container)
        except JournalKeysError as failure:
            events.NO_VIEWS.tell(error=failure)


async def _report_usage(container: Container) -> None:
    try:
        await container.report_usage()()
    except JournalKeysError as failure:
        events.USAGE_NOT_REPORTED.tell(error=failure)


def _engine_of(session: AsyncSession | None) -> AsyncEngine | None:
    if session is None:
        return None
    bind = session.bind
    return bind if isinstance(bind, AsyncEngine) or bind is None else bind.engine
