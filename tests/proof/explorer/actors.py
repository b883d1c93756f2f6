"""Real use cases, one port call at a time: a coroutine's state is the list of answers that it was given.

A node is a verb and the answers so far; replaying them gives the next port call or the outcome. Nodes are kept, so the
code of the use cases runs once for each history, however many states of the world share it.
"""

import hashlib
from collections.abc import Callable, Coroutine, Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias, cast

from journal_keys.domain import base64url
from journal_keys.domain.audit_chain import AuditHead
from journal_keys.domain.changes import AuditFact, RingChange, RotationRecord, Transition
from journal_keys.domain.errors import JournalKeysError
from journal_keys.domain.jwk import PublicJwk
from journal_keys.domain.keyring import RingHead
from journal_keys.domain.keys import Algorithm, Family, Kid
from journal_keys.domain.material import KeyMaterial, MaterialRecord
from journal_keys.domain.paths import SecretPath
from journal_keys.ports.clock_keeper import ClockKeeper
from journal_keys.ports.key_crypto import KeyGenerator, KeyOpener, NewKey, PemRenderer
from journal_keys.ports.ledger import Ledger, LedgerPage
from journal_keys.ports.secret_store import FolderContent, SecretStore

WRITES: Final = frozenset({"commit", "settle", "put_new", "overwrite", "delete"})


@dataclass(frozen=True, slots=True, eq=False)
class Effect:
    """One port call, waiting for its answer."""

    name: str
    arguments: tuple[Any, ...] = ()

    def __await__(self) -> Generator["Effect", Any, Any]:
        return (yield self)


class EffectLedger(Ledger, ClockKeeper):
    """Every call is an effect."""

    async def heads(self) -> Mapping[Family, RingHead]:
        return cast("Mapping[Family, RingHead]", await Effect("heads"))

    async def read(self, family: Family) -> LedgerPage:
        return cast("LedgerPage", await Effect("read", (family,)))

    async def rotations(self, rotation_id: str) -> Sequence[RotationRecord]:
        return cast("Sequence[RotationRecord]", await Effect("rotations", (rotation_id,)))

    async def commit(self, transition: Transition) -> RingChange:
        return cast("RingChange", await Effect("commit", (transition,)))

    async def settle(self, record: RotationRecord, fact: AuditFact) -> None:
        await Effect("settle", (record, fact))

    async def keep_clock(self) -> None:
        await Effect("keep_clock")

    async def accept_clock(self, *, actor: str, reason: str) -> AuditHead:
        return cast("AuditHead", await Effect("accept_clock", (actor, reason)))


class EffectStore(SecretStore):
    """Every call is an effect."""

    async def read_folder(self, folder: SecretPath) -> FolderContent:
        return cast("FolderContent", await Effect("read_folder", (folder,)))

    async def put_new(self, path: SecretPath, value: KeyMaterial) -> None:
        await Effect("put_new", (path, value))

    async def overwrite(self, values: Mapping[SecretPath, KeyMaterial]) -> None:
        for path, value in values.items():  # whoever dies in between has set some of them
            await Effect("overwrite", (path, value))

    async def delete(self, path: SecretPath) -> None:
        await Effect("delete", (path,))


class PaperKeys(KeyGenerator, KeyOpener, PemRenderer):
    """Keys that are nothing but their names; nothing is computed with them."""

    def __init__(self, maker: str) -> None:
        self._maker = maker
        self._made = 0

    def generate(self, family: Family, algorithm: Algorithm, created_at: datetime) -> NewKey:
        self._made += 1
        kid = Kid(f"{family}_{self._maker}_{self._made}")
        key = KeyMaterial(hashlib.sha256(kid.encode()).digest())
        record = MaterialRecord(family=family, kid=kid, algorithm=algorithm, created_at=created_at, key=key)
        return NewKey(record=record, public_jwk=self.prove(record))

    def prove(self, record: MaterialRecord) -> PublicJwk | None:
        if record.family is Family.AES:
            return None
        point = base64url.encode(hashlib.sha256(record.kid.encode()).digest())
        return PublicJwk.from_members({"kty": "OKP", "crv": "Ed25519", "x": point})

    def private_pem(self, record: MaterialRecord) -> KeyMaterial:
        return KeyMaterial(f"private {record.kid}".encode())

    def public_pem(self, record: MaterialRecord) -> KeyMaterial:
        return KeyMaterial(f"public {record.kid}".encode())

    def signing(self, record: MaterialRecord) -> Any:  # noqa: ANN401 (no use case of the model signs)
        raise NotImplementedError(record.kid)

    def verifying(self, kid: Kid, algorithm: Algorithm, public: PublicJwk, *, derived_kid: Kid | None = None) -> Any:  # noqa: ANN401 (as above)
        raise NotImplementedError(kid, algorithm, public, derived_kid)

    def verifying_shared(self, record: MaterialRecord) -> Any:  # noqa: ANN401 (as above)
        raise NotImplementedError(record.kid)

    def foreign_reader(self, records: Sequence[MaterialRecord]) -> Any:  # noqa: ANN401 (as above)
        raise NotImplementedError(records)

    def cipher(self, record: MaterialRecord) -> Any:  # noqa: ANN401 (as above)
        raise NotImplementedError(record.kid)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a port call gave: a value, or an error to be made and raised."""

    key: Hashable
    value: Any = field(default=None, compare=False)
    error: Callable[[], Exception] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a verb ended with."""

    value: object
    failed: bool = False


Ends: TypeAlias = tuple[Outcome | None, ...]
"""With what the last verb of each actor ended; None where it died."""

Verb: TypeAlias = Callable[[], Coroutine[Effect, Any, object]]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A verb after some answers: the effect that it waits for, or its outcome."""

    verb: int
    history: tuple[Answer, ...]
    next: Effect | Outcome


def replay(verb: Verb, history: tuple[Answer, ...]) -> Effect | Outcome:
    """Run a verb with these answers, up to the next port call."""
    coroutine = verb()
    try:
        effect = coroutine.send(None)
        for answer in history:
            effect = coroutine.throw(answer.error()) if answer.error else coroutine.send(answer.value)
    except StopIteration as done:
        return Outcome(done.value)
    except JournalKeysError as failure:
        return Outcome(f"{type(failure).__name__}: {failure}", failed=True)
    coroutine.close()
    return effect


class Nodes:
    """All nodes met so far, by number."""

    def __init__(self, verbs: Sequence[Verb]) -> None:
        self.verbs = verbs
        self.nodes: list[Node] = []
        self._children: dict[tuple[int, Answer], int] = {}
        self.roots = [self._add(Node(number, (), replay(verb, ()))) for number, verb in enumerate(verbs)]

    def __getitem__(self, number: int) -> Node:
        return self.nodes[number]

    def _add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def child(self, number: int, answer: Answer) -> int:
        """The node after one more answer."""
        known = self._children.get((number, answer))
        if known is None:
            node = self.nodes[number]
            history = (*node.history, answer)
            known = self._add(Node(node.verb, history, replay(self.verbs[node.verb], history)))
            self._children[number, answer] = known
        return known
