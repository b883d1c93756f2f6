"""Destroy one key for good: its material goes, its row stays."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from journal_keys.domain import rotation
from journal_keys.domain.backup import Backup
from journal_keys.domain.changes import KEY_RECOVERED, LEDGER_RESTORED, check_reason
from journal_keys.domain.envelope import EnvelopeError, is_fernet, parse
from journal_keys.domain.errors import DomainError, UnknownKeyError
from journal_keys.domain.keyring import KeyRing
from journal_keys.domain.keys import Family, KeyState, KeyVersion, Kid
from journal_keys.domain.paths import versions_folder
from journal_keys.domain.rotation import Cause
from journal_keys.domain.windows import Windows
from journal_keys.ports.audit_trail import AuditTrail
from journal_keys.ports.hint_bus import HintBus
from journal_keys.ports.key_usage import KeyUsage
from journal_keys.ports.ledger import Ledger, LedgerUnavailableError
from journal_keys.ports.secret_store import SecretStore
from journal_keys.use_cases.project_ring import ProjectRing
from journal_keys.use_cases.trail_facts import facts

_ENDS = frozenset({KeyState.DEACTIVATED, KeyState.COMPROMISED})


class DestroyRefusedError(DomainError):
    """A key may not be destroyed: it is in use, may be needed, or is in no backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Why a key may be destroyed. A count of no encryptions proves nothing: a process that was killed kept its own.

    Nor do no ciphertexts at all, where a key encrypted, or may have while this ledger did not count.

    `in_use` are the kids that all the ciphertexts there are name, where somebody went through `examined` of them;
    `override` names who answers for it instead; `backup` holds the key, or `without_backup` says that none has to.
    """

    reason: str
    actor: str
    in_use: frozenset[str] = frozenset()
    examined: int | None = None
    override: str | None = None
    backup: Backup | None = None
    without_backup: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyedKey:
    """The key is DESTROYED since `at`; `already` where it was before."""

    family: Family
    kid: Kid
    at: datetime
    grounds: str
    already: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyKey:
    """Record the end first, then delete the material and write the guide's names; done again, it goes on."""

    ledger: Ledger
    store: SecretStore
    project: ProjectRing
    usage: KeyUsage
    trail: AuditTrail
    hints: HintBus
    windows: Windows

    async def __call__(self, kid: Kid, grounds: Grounds) -> DestroyedKey:
        """Destroy it.

        Raises:
            InvalidNameError: the reason or the override is malformed.
            UnknownKeyError: no ring ever had the key.
            DestroyRefusedError: it is PRE_ACTIVATION or ACTIVE, may be needed, or is not in the backup: nothing was
                changed.
            PortError: store or ledger failed; the same again goes on.
            MaterialCorruptError: the material of another key was changed in the store, so that the guide's names could
                not be written: they may still show this one. Once that is mended, the same again goes on.
        """
        check_reason(grounds.reason)
        if grounds.override is not None:
            check_reason(grounds.override)
        ring, now = await self._ring(kid)
        version = ring.get(kid)
        if version.state is KeyState.DESTROYED:
            await self._erase(ring, kid)
            return DestroyedKey(family=ring.family, kid=kid, at=version.since, grounds="it was before", already=True)
        if version.state not in _ENDS:
            raise DestroyRefusedError(f"{kid} is {version.state}: only a DEACTIVATED or COMPROMISED key is destroyed")
        told = await self._proof(version, grounds, now)
        _check_backup(version, grounds)
        after = await self._commit(ring, version, Cause(at=now, actor=grounds.actor, reason=grounds.reason), told)
        await self.hints.publish(ring.family, after.generation)
        await self._erase(after, kid)
        return DestroyedKey(family=ring.family, kid=kid, at=after.get(kid).since, grounds=told)

    async def _ring(self, kid: Kid) -> tuple[KeyRing, datetime]:
        for family in Family:
            page = await self.ledger.read(family)
            if page.ring is not None and page.ring.find(kid) is not None:
                return page.ring, page.now
        raise UnknownKeyError(f"no ring ever had a key {kid}; 'keys list' shows those there are")

    async def _erase(self, ring: KeyRing, kid: Kid) -> None:
        await self.store.delete(versions_folder(ring.family).child(kid))
        await self.project(ring)

    async def _proof(self, version: KeyVersion, grounds: Grounds, now: datetime) -> str:
        """Say what proves that nothing needs the key."""
        why_not = await self._needed(version, grounds, now)
        if not why_not:
            return "nothing needs it"
        if grounds.override is None:
            raise DestroyRefusedError(
                f"{version.kid} may be needed: {why_not}; or say who answers for it, by --override"
            )
        return f"overridden: {grounds.override}"

    async def _needed(self, version: KeyVersion, grounds: Grounds, now: datetime) -> str:
        if version.family is Family.JWT:
            ends = version.since + self.windows.promote_to_retire
            is_over = version.state is KeyState.COMPROMISED or now >= ends
            return "" if is_over else f"its last token may live until {ends.isoformat(timespec='seconds')}"
        if version.kid in grounds.in_use:
            return "ciphertexts name it; rewrap them first"
        if version.activated_at is None and await self._is_counted(version):
            return ""
        known = version.since + self.windows.oldest_signer_view + self.windows.poll + self.windows.skew
        if version.state is KeyState.DEACTIVATED and now < known:
            return f"an instance may encrypt with it until {known.isoformat(timespec='seconds')}"
        if grounds.examined is None:
            return "it encrypted; go through all ciphertexts that there are"
        return "" if grounds.examined else await self._made(version)

    async def _made(self, version: KeyVersion) -> str:
        """Why there have to be ciphertexts, where none was shown."""
        made = await self.usage.total(version.kid)
        if made:
            return f"it made {made} encryptions, and no ciphertext was shown"
        is_counted = await self._is_counted(version)
        return "" if is_counted else "not all that it encrypted was counted here, and no ciphertext was shown"

    async def _is_counted(self, version: KeyVersion) -> bool:
        """Whether this ledger counted from the key's beginning: it was made here, and the ledger never lost since."""
        if version.derived_kid is not None:
            return False
        async for fact in facts(self.trail):
            is_older = fact.action == LEDGER_RESTORED and version.created_at <= fact.at
            if is_older or (fact.action == KEY_RECOVERED and fact.kid == version.kid):
                return False
        return True

    async def _commit(self, ring: KeyRing, version: KeyVersion, cause: Cause, told: str) -> KeyRing:
        try:
            change = await self.ledger.commit(lambda at: rotation.destroy(ring, version, cause.when(at), grounds=told))
        except LedgerUnavailableError:
            after = (await self.ledger.read(ring.family)).ring
            if after is None or after.get(version.kid).state is not KeyState.DESTROYED:
                raise
            return after
        return change.ring


def _check_backup(version: KeyVersion, grounds: Grounds) -> None:
    if grounds.backup is None:
        if not grounds.without_backup:
            raise DestroyRefusedError(f"{version.kid} is in no backup that was shown: name one, or say --no-backup")
        return
    line = grounds.backup.line(version.family, version.kid)
    if line is None or line.digest() != version.digest:
        raise DestroyRefusedError(f"the backup does not hold {version.kid}: name one that does, or say --no-backup")


def kids_named(ciphertexts: Iterable[str]) -> tuple[frozenset[str], int]:
    """Give the kids that ciphertexts name, and how many of these there are.

    Raises:
        DestroyRefusedError: one of them is malformed, or a Fernet token, which names no key; its number is told.
    """
    kids: set[str] = set()
    number = 0
    for number, text in enumerate(ciphertexts, start=1):
        if is_fernet(text):
            raise DestroyRefusedError(f"ciphertext {number} is a Fernet token, which names no key: rewrap it first")
        try:
            kids.add(parse(text).kid)
        except EnvelopeError as failure:
            raise DestroyRefusedError(f"ciphertext {number}: {failure}") from None
    return frozenset(kids), number
