"""By what figures are told apart: closed sets, so that no caller makes series without end."""

from typing import Final

from journal_keys.domain.paths import KNOWN_SECRETS, SecretPath

OTHER: Final = "other"
PATHS: Final = frozenset(str(path) for path in KNOWN_SECRETS)
_METHODS: Final = {"application": "application", "http": "api", "operator": "operator", "scheduler": "scheduler"}
METHODS: Final = frozenset({*_METHODS.values(), OTHER})


def path_label(path: SecretPath) -> str:
    """Give a known path as it is, any other as `other`."""
    text = str(path)
    return text if text in PATHS else OTHER


def method_label(actor: str) -> str:
    """Say by which way an actor, such as `operator:alice`, came."""
    return _METHODS.get(actor.partition(":")[0], OTHER)
