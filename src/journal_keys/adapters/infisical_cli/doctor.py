"""Look at everything that the store in Infisical needs, and name what is wrong with its cure."""

import asyncio
import email.utils
import http.client
import json
import ssl
from collections.abc import AsyncIterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from threading import Thread
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from journal_keys.adapters.infisical_cli.connection import Target
from journal_keys.adapters.infisical_cli.failures import CallFailedError
from journal_keys.adapters.infisical_cli.opening import Opened
from journal_keys.adapters.infisical_cli.session import Session, lifetime_left_s
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import MARKER_NAME, SecretPath, family_folder
from journal_keys.ports.clock import Clock
from journal_keys.ports.entropy import Entropy
from journal_keys.ports.secret_store import PendingApprovalError, SecretStoreError

_PROBE_FOLDER: Final = SecretPath.parse("/journal_keys_doctor")
_MOST_ANSWER: Final = 64 * 1024
_LARGE_OFFSET_S: Final = 30.0
_SHORT_LIFE_S: Final = 3600.0


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found. `cure` is empty where nothing is to be done."""

    check: str
    verdict: Verdict
    found: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the server says to somebody who is nobody."""

    status: int
    is_api: bool
    offset_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctor:
    """Checks one after the other, from the binary to a write; one that cannot be made is named as skipped."""

    opened: Opened
    target: Target
    clock: Clock
    entropy: Entropy
    timeout_s: float

    async def __call__(self) -> AsyncIterator[Finding]:
        """Give what each check finds."""
        binary = await self._binary()
        yield binary
        answer, server = await self._server()
        yield server
        yield _clock(answer)
        if Verdict.FAILED in {binary.verdict, server.verdict}:
            for check in ("login", "token", "read", "rings", "write"):
                yield Finding(check=check, verdict=Verdict.SKIPPED, found="binary or server are to be mended first")
            return
        yield await self._login("login", self.opened.reader)
        if self.opened.writer is not self.opened.reader:
            yield await self._login("login for rotation", self.opened.writer)
        yield await self._token()
        async for finding in self._store():
            yield finding

    async def _binary(self) -> Finding:
        binary = self.opened.caller.binary
        try:
            await binary.checked(for_writing=True)
            return Finding(check="binary", verdict=Verdict.OK, found=f"{binary.path}, version {await binary.version()}")
        except SecretStoreError as failure:
            return Finding(check="binary", verdict=Verdict.FAILED, found=str(failure), cure="install CLI 0.42.1")

    async def _server(self) -> tuple[_Answer | None, Finding]:
        origin = self.target.domain.removesuffix("/api")
        try:
            answer = await self._asked(f"{origin}/api/status")
        except (URLError, http.client.HTTPException, OSError, ssl.SSLError) as failure:
            reason = failure.reason if isinstance(failure, URLError) else failure
            return None, Finding(
                check="server",
                verdict=Verdict.FAILED,
                found=f"{origin} does not answer: {type(reason).__name__}: {reason}",
                cure="look at JOURNAL_INFISICAL_SERVER_URL, the network, and SSL_CERT_FILE for a private authority",
            )
        if not answer.is_api:
            return answer, Finding(
                check="server",
                verdict=Verdict.FAILED,
                found=f"{origin}/api/status answers {answer.status}, and not as Infisical's API does",
                cure="JOURNAL_INFISICAL_SERVER_URL is the server's origin, without a path of its web pages; a proxy or"
                " sign-in page between here and the server has to let /api through",
            )
        return answer, Finding(check="server", verdict=Verdict.OK, found=f"{origin} answers as Infisical's API")

    async def _asked(self, url: str) -> _Answer:
        """Ask in a thread that is left alone once the answer takes too long: each byte of one that drips is in time.

        Raises:
            OSError, HTTPException: there is no answer, or none in time.
        """
        told = Future[_Answer]()

        def ask() -> None:
            told.set_running_or_notify_cancel()  # who gives up leaves it to us
            try:
                told.set_result(self._ask(url))
            except Exception as failure:  # noqa: BLE001 (it is raised where it is waited for)
                told.set_exception(failure)

        Thread(target=ask, name="doctor", daemon=True).start()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(told), self.timeout_s)
        except TimeoutError:
            raise TimeoutError(f"no whole answer within {self.timeout_s:g} s") from None

    def _ask(self, url: str) -> _Answer:
        before_s = self.clock.unix_s()
        request = Request(url, headers={"Accept": "application/json"})  # noqa: S310 (http and https only, as settings check)
        try:
            with urlopen(request, timeout=self.timeout_s) as reply:  # noqa: S310 (likewise)
                status, headers, body = reply.status, reply.headers, reply.read(_MOST_ANSWER)
        except HTTPError as failure:
            with failure:
                status, headers, body = failure.code, failure.headers, failure.read(_MOST_ANSWER)
        try:
            is_api = isinstance(json.loads(body), dict)
        except ValueError:
            is_api = False
        date_s = _unix_s(headers.get("Date", ""))
        middle_s = (before_s + self.clock.unix_s()) / 2
        return _Answer(status, is_api, None if date_s is None else date_s - middle_s)

    async def _login(self, check: str, session: Session) -> Finding:
        try:
            await session.token()
        except (SecretStoreError, CallFailedError) as failure:
            return Finding(
                check=check,
                verdict=Verdict.FAILED,
                found=str(failure),
                cure="look at the identity's client id and secret, its lock-out and its trusted addresses",
            )
        return Finding(check=check, verdict=Verdict.OK, found="there is a token")

    async def _token(self) -> Finding:
        try:
            left_s = lifetime_left_s(await self.opened.reader.token(), self.clock.unix_s())
        except (SecretStoreError, CallFailedError):
            return Finding(check="token", verdict=Verdict.SKIPPED, found="there is no token")
        if left_s == float("inf"):
            return Finding(check="token", verdict=Verdict.OK, found="the token does not say when it ends")
        verdict = Verdict.OK if left_s > _SHORT_LIFE_S else Verdict.WARNING
        return Finding(
            check="token",
            verdict=verdict,
            found=f"the token lives for another {left_s:.0f} s",
            cure="" if verdict is Verdict.OK else "a token that was handed in ends for good: prefer universal auth",
        )

    async def _store(self) -> AsyncIterator[Finding]:
        try:
            content = await self.opened.store.read_folder(family_folder("jwt"))
        except SecretStoreError as failure:
            yield Finding(
                check="read",
                verdict=Verdict.FAILED,
                found=str(failure),
                cure="look at JOURNAL_INFISICAL_PROJECT_ID, JOURNAL_INFISICAL_ENVIRONMENT and the identity's rights",
            )
            for check in ("rings", "write"):
                yield Finding(check=check, verdict=Verdict.SKIPPED, found="nothing can be read")
            return
        yield Finding(check="read", verdict=Verdict.OK, found=f"{content.folder} can be listed")
        yield _rings(is_marked=MARKER_NAME in content.secrets)
        yield await self._write()

    async def _write(self) -> Finding:
        path = _PROBE_FOLDER.child(f"probe_{self.entropy.token(8).hex()}")
        value = KeyMaterial(self.entropy.token(24).hex().encode())
        try:
            await self.opened.store.put_new(path, value)
            await self.opened.store.delete(path)
        except PendingApprovalError as failure:
            return Finding(
                check="write",
                verdict=Verdict.FAILED,
                found=str(failure),
                cure="let this identity bypass the approval policy of the environment, or leave our folders out of it",
            )
        except SecretStoreError as failure:
            return Finding(check="write", verdict=Verdict.FAILED, found=str(failure), cure=_cure_of(str(failure)))
        return Finding(
            check="write", verdict=Verdict.OK, found=f"a probe in {_PROBE_FOLDER} was written, read back and deleted"
        )


def _unix_s(date: str) -> float | None:
    """Read a Date of HTTP; None for what is none."""
    try:
        moment = email.utils.parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _clock(answer: _Answer | None) -> Finding:
    if answer is None or answer.offset_s is None:
        return Finding(check="clock", verdict=Verdict.SKIPPED, found="the server told no time")
    found = f"the server's clock is {answer.offset_s:+.0f} s from this host's"
    if abs(answer.offset_s) <= _LARGE_OFFSET_S:
        return Finding(check="clock", verdict=Verdict.OK, found=found)
    return Finding(check="clock", verdict=Verdict.WARNING, found=found, cure="run a time service on both")


def _rings(*, is_marked: bool) -> Finding:
    if is_marked:
        return Finding(check="rings", verdict=Verdict.OK, found="our marker is there")
    return Finding(
        check="rings",
        verdict=Verdict.WARNING,
        found="our marker is not there: project and environment are new, or not the ones that were meant",
        cure="run 'journal-keys init' if they are new",
    )


def _cure_of(failure: str) -> str:
    if "in capitals only" in failure:
        return "switch off the project setting that forces capital letters: our names are in small ones"
    if "JOURNAL_INFISICAL_ENVIRONMENT" in failure:
        return "set JOURNAL_INFISICAL_ENVIRONMENT to the slug of an environment of this project, like prod"
    return "give the identity the rights to read, create, edit and delete secrets and to create folders"
