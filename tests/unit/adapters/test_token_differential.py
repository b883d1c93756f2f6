"""PyJWT as oracle: over 20,000 good, mutated and hostile tokens ours never accepts what PyJWT refuses."""

import base64
import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from journal_keys.domain.keys import Algorithm
from journal_keys.domain.token import TokenRefusedError
from tests.support.views import Bench

COUNT = 21_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def accepted_by_pyjwt(token: str, bench: Bench) -> bool:
    try:
        kid = jwt.get_unverified_header(token)["kid"]
        key = bench.signers[kid]
        jwt.decode(
            token,
            key.key.public_key(),
            algorithms=[key.algorithm],
            audience="journal",
            issuer="journal",
            leeway=60,
            options={"require": ["exp", "iat", "iss", "aud"]},
        )
    except (jwt.PyJWTError, KeyError, TypeError, ValueError, OverflowError):
        return False
    return True


def accepted_by_us(token: str, bench: Bench) -> bool:
    try:
        bench.verifier.verify(token)
    except TokenRefusedError:
        return False
    return True


def hand_made(bench: Bench, dice: random.Random) -> str:
    """A token that is signed properly over header and claims that may be anything."""
    key = dice.choice(list(bench.signers.values()))
    now = int(datetime.now(UTC).timestamp())
    header: dict[str, object] = {"alg": key.algorithm.value, "kid": key.kid, "typ": "at+jwt"}
    claims: dict[str, object] = {"iss": "journal", "aud": "journal", "iat": now, "exp": now + 600}
    odd: list[object] = [None, True, -1, 0, now - 4000, now + 4000, 1e400, "x", [], ["journal"], {}, 10**30, "journal"]
    for _ in range(dice.randrange(3)):
        target = dice.choice([header, claims])
        target[dice.choice(["alg", "kid", "typ", "iss", "aud", "iat", "exp", "nbf", "sub", "crit"])] = dice.choice(odd)
    message = f"{encoded(header)}.{encoded(claims)}".encode()
    return f"{message.decode()}.{base64.urlsafe_b64encode(key.sign(message)).rstrip(b'=').decode()}"


def encoded(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def mutated(token: str, dice: random.Random) -> str:
    position = dice.randrange(len(token))
    match dice.randrange(6):
        case 0:
            return token[:position] + dice.choice(ALPHABET) + token[position + 1 :]
        case 1:
            return token[:position]
        case 2:
            return token[:position] + dice.choice(ALPHABET + ".=\n +/") + token[position:]
        case 3:
            return token[:position] + token[position + 1 :]
        case 4:
            return token + dice.choice(["=", "==", "\n", ".", "A"])
        case _:
            parts = token.split(".")
            dice.shuffle(parts)
            return ".".join(parts)


def tokens(bench: Bench, dice: random.Random) -> Iterator[tuple[str, str]]:
    good = [bench.signer.sign({"n": n}, lifetime=timedelta(minutes=5)) for n in range(50)]
    for number in range(COUNT):
        kind = number % 5
        if kind == 0:
            yield "good", dice.choice(good)
        elif kind == 1:
            yield "hand-made", hand_made(bench, dice)
        else:
            yield "mutated", mutated(dice.choice(good), dice)


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_ours_accepts_nothing_that_pyjwt_refuses_and_everything_that_was_signed() -> None:
    bench = Bench(algorithms=[Algorithm.ES256, Algorithm.RS256, Algorithm.EDDSA])
    seen: Counter[tuple[str, bool, bool]] = Counter()
    for kind, token in tokens(bench, random.Random(20_261_124)):
        ours, theirs = accepted_by_us(token, bench), accepted_by_pyjwt(token, bench)
        assert theirs or not ours, token
        seen[kind, ours, theirs] += 1
    assert sum(seen.values()) == COUNT
    assert seen["good", True, True] == COUNT // 5
    assert seen["hand-made", True, True] > 500
    assert seen["hand-made", False, False] > 500
    assert seen["mutated", False, False] > 5000
