"""Paths, kids, families, algorithms, audit heads, master keys: short texts with a closed form."""

import re
from pathlib import Path
from random import Random
from typing import Any, Final

from journal_keys.adapters.embedded.vault import open_vault
from journal_keys.domain import base64url
from journal_keys.domain.audit_chain import AuditHead
from journal_keys.domain.errors import InvalidNameError, InvalidPathError
from journal_keys.domain.exposure import expose
from journal_keys.domain.keys import Algorithm, Family, parse_algorithm, parse_family, parse_kid
from journal_keys.domain.material import KeyMaterial
from journal_keys.domain.paths import KNOWN_SECRETS, SecretPath, versions_folder
from journal_keys.ports.secret_store import SecretStoreDeniedError
from tests.proof.bad_inputs.encodings import slowly_decoded
from tests.proof.bad_inputs.search import REFUSED, Target, differs_from
from tests.proof.bad_inputs.texts import mangled, noise, odd, wrong_type
from tests.support.canary.entropy import WatchedEntropy

_KIDS: Final = ("jwt_kPrK_qmxVWaYVA9wwBF6Iu", "aes_0123456789abcdef0123456789abcdef", "_", "a", "k" * 64)
_PATHS: Final = (*map(str, KNOWN_SECRETS), *(f"{versions_folder('jwt')}/{kid}" for kid in _KIDS), "/a/b/c/d/e/f/g/h")
_SEGMENTS: Final = (*_KIDS, "", ".", "..", "%2e%2e", "9", "-", "x" * 65, "a b", "a\x00", "\u00e9", "A", "_journal_keys")
_WORDS: Final = (*Family, *Algorithm, "JWT", "rsa", "none", "HS256", "eddsa", "Family.JWT", "")
_HEADS: Final = ("0:" + "0" * 64, "17:" + "0123456789abcdef" * 4)
_MASTER: Final = base64url.encode(bytes(range(32)))


def _one_of(dice: Random, good: tuple[str, ...]) -> Any:  # noqa: ANN401 (some are no text)
    kind = dice.randrange(20)
    if kind == 0:
        return wrong_type(dice)
    return dice.choice(good) if kind < 4 else noise(dice) if kind < 7 else mangled(dice.choice(good), dice, good)


def some_path(dice: Random) -> Any:  # noqa: ANN401 (some are no text)
    """A path, good or not, or what is no text."""
    if dice.random() < 0.6:
        return _one_of(dice, _PATHS)
    segments = dice.choices(_SEGMENTS, k=dice.choice((0, 1, 2, 3, 7, 8, 9, 60)))
    return dice.choice(("/", "/", "/", "", "//", "./", odd(dice))) + "/".join(segments)


def _some_child(dice: Random) -> str:
    return dice.choice((dice.choice(_SEGMENTS), noise(dice), mangled(dice.choice(_KIDS), dice)))


def _exactly(pattern: str, text: object) -> object:
    return str(text) if isinstance(text, str) and re.fullmatch(pattern, text, re.ASCII) else REFUSED


_SEGMENT: Final = "[A-Za-z_][A-Za-z0-9_-]{0,63}"


def path_expected(text: object) -> object:
    """The path itself where it is one."""
    return _exactly(f"(/{_SEGMENT}){{1,8}}", text)


PATH: Final[Target[Any]] = Target(
    name="SecretPath.parse",
    make=some_path,
    read=lambda text: str(SecretPath.parse(text)),
    refusals=(InvalidPathError,),
    fault=differs_from(path_expected),
    share=8_000,
)
CHILD: Final[Target[str]] = Target(
    name="SecretPath.child",
    make=_some_child,
    read=lambda name: str(SecretPath.parse("/auth/jwt").child(name)),
    refusals=(InvalidPathError,),
    fault=differs_from(lambda name: REFUSED if _exactly(_SEGMENT, name) is REFUSED else f"/auth/jwt/{name}"),
    share=1_000,
)


def kid_expected(text: object) -> object:
    """The kid itself where it is one."""
    return _exactly(_SEGMENT, text)


KID: Final[Target[Any]] = Target(
    name="parse_kid",
    make=lambda dice: _one_of(dice, _KIDS),
    read=parse_kid,
    refusals=(InvalidNameError,),
    fault=differs_from(kid_expected),
    share=2_000,
)
FAMILY: Final[Target[Any]] = Target(
    name="parse_family",
    make=lambda dice: _one_of(dice, _WORDS),
    read=lambda text: parse_family(text).value,
    refusals=(InvalidNameError,),
    fault=differs_from(lambda text: _exactly("jwt|aes", text)),
    share=1_000,
)
ALGORITHM: Final[Target[tuple[Any, Family]]] = Target(
    name="parse_algorithm",
    make=lambda dice: (_one_of(dice, _WORDS), dice.choice(tuple(Family))),
    read=lambda given: parse_algorithm(*given).value,
    refusals=(InvalidNameError,),
    fault=differs_from(
        lambda given: _exactly("EdDSA|ES256|RS256|HS256" if given[1] is Family.JWT else "A256GCM|Fernet", given[0]),
    ),
    share=1_000,
)
HEAD: Final[Target[str]] = Target(
    name="AuditHead.parse",
    make=lambda dice: str(_one_of(dice, _HEADS)),
    read=lambda text: str(AuditHead.parse(text)),
    refusals=(InvalidNameError,),
    fault=differs_from(lambda text: _exactly("(0|[1-9][0-9]{0,18}):[0-9a-f]{64}", text)),
    share=1_000,
)


def _some_master(dice: Random) -> bytes:
    text = str(_one_of(dice, (_MASTER, _MASTER + "\n", f" {_MASTER}\t")))
    return text.encode(dice.choice(("utf-8", "utf-16", "latin-1")), "replace")


def _held(text: bytes) -> bytes:
    vault = open_vault(Path("vault.jkv"), WatchedEntropy(1), master=KeyMaterial(text))
    return expose(vault.master)


def _master_expected(text: bytes) -> object:
    key = slowly_decoded(text.decode("latin-1").strip()) if text.isascii() else REFUSED
    return key if isinstance(key, bytes) and len(key) == 32 else REFUSED


MASTER_KEY: Final[Target[bytes]] = Target(
    name="master key",
    make=_some_master,
    read=_held,
    refusals=(SecretStoreDeniedError,),
    fault=differs_from(_master_expected),
    share=1_000,
)
