"""Settings from the environment."""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from random import Random
from typing import Final

from journal_keys.domain.errors import PolicyError
from journal_keys.entrypoints.settings import Settings, SettingsError
from tests.proof.bad_inputs.search import Target
from tests.proof.bad_inputs.texts import mangled, noise, odd

_TEXTS: Final = {
    "JOURNAL_KEYS_HOME": ".journal-keys",
    "JOURNAL_KEYS_PROFILE": "standard",
    "JOURNAL_KEYS_VAULT_MASTER_KEY": "A" * 43,
    "JOURNAL_INFISICAL_ENABLED": "false",
    "JOURNAL_JWT_ALGORITHM": "EdDSA",
    "JOURNAL_JWT_ISSUER": "journal",
    "JOURNAL_JWT_AUDIENCE": "journal",
    "JOURNAL_JWT_TOKEN_TYPE": "at+jwt",
}
_SECONDS: Final = (
    "JOURNAL_INFISICAL_CACHE_TTL",
    "JOURNAL_INFISICAL_TIMEOUT",
    "JOURNAL_JWKS_MAX_AGE",
    "JOURNAL_LEDGER_POLL",
    "JOURNAL_RECONCILE_INTERVAL",
    "JOURNAL_CLOCK_SKEW",
    "JOURNAL_VERIFY_MAX_STALE",
    "JOURNAL_JWT_LONGEST_TOKEN",
    "JOURNAL_JWT_LEEWAY",
    "JOURNAL_JWT_ROTATION_INTERVAL",
    "JOURNAL_AES_ROTATION_INTERVAL",
)
_NUMBERS: Final = (
    *("0", "0.25", "1", "2.5", "60", "600", "1e3", "3153600000", "3153600001", "1e400", "1e-320", "-1", "-0", "+5"),
    *("nan", "inf", "-inf", "Infinity", "1_000", " 5 ", "5s", "0x10", "1,5", "", "true", "\u0665", "\uff15", "9" * 400),
)
_WORDS: Final = (
    "embedded",
    "standard",
    "EMBEDDED",
    "true",
    "1",
    "off",
    "ES256",
    "none",
    "HS256",
    "null",
    "[]",
    "{}",
    "",
)


def _some_environment(dice: Random) -> dict[str, str]:
    chosen = {}
    for _ in range(dice.choice((0, 1, 1, 1, 2, 3))):
        if dice.random() < 0.6:
            value = dice.choice((*_NUMBERS, mangled(dice.choice(_NUMBERS), dice), noise(dice)))
            chosen[dice.choice(_SECONDS)] = value
        else:
            name, good = dice.choice(tuple(_TEXTS.items()))
            chosen[name] = dice.choice((good, *_WORDS, mangled(good, dice), noise(dice), odd(dice)))
    return {name: _possible(value) for name, value in chosen.items()}


def _possible(value: str) -> str:
    """What the environment of a process can hold: bytes without NUL, those that are no UTF-8 as half characters."""
    return os.fsdecode(value.encode("utf-8", "surrogatepass")).replace("\x00", "")


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    ours = {name: value for name, value in os.environ.items() if name.startswith("JOURNAL_")}
    for name in ours:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            del os.environ[name]
        os.environ.update(ours)


def _read(variables: dict[str, str]) -> Settings:
    """What `serve` reads before it opens anything."""
    with _environment(variables):
        settings = Settings.from_environment()
    settings.token_profile()
    return settings


def _fault(variables: dict[str, str], got: object) -> str | None:
    if not isinstance(got, Settings):
        return None if variables else "the defaults were refused"
    for name, text in variables.items():
        held = getattr(got, name.lower())
        if name in _SECONDS and not (math.isfinite(held) and held >= 0 and held == _number(text)):
            return f"{name} was read as {held}"
        if name in ("JOURNAL_JWT_ISSUER", "JOURNAL_JWT_AUDIENCE", "JOURNAL_JWT_TOKEN_TYPE") and held != text:
            return f"{name} was read as {held!r}"
    if got.journal_infisical_enabled:
        return "a store that this release does not have was chosen"
    return _contradiction(got)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _contradiction(settings: Settings) -> str | None:
    """The two rules of the design that settings can break."""
    windows, policies = settings.windows(), settings.policies().values()
    w1 = max(windows.jwks_max_age, windows.view_ttl) + windows.poll + windows.skew
    if any(policy.interval < w1 for policy in policies) or 2 * windows.poll > windows.view_ttl or not windows.poll:
        return "settings that contradict each other were read"
    return None


ENVIRONMENT: Final[Target[dict[str, str]]] = Target(
    name="Settings.from_environment",
    make=_some_environment,
    read=_read,
    refusals=(SettingsError, PolicyError),
    fault=_fault,
    share=250,
)
