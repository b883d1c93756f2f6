"""`secrets`, `secrets get`, and what `export` reads (`packages/cmd/secrets.go`, `packages/util/secrets.go` v0.42.1)."""

from collections.abc import Mapping, Sequence

from tests.support.infisical.binary import failures
from tests.support.infisical.binary.api import Place, Secret
from tests.support.infisical.binary.failures import CallError, StoppedError
from tests.support.infisical.binary.flags import Called
from tests.support.infisical.binary.opening import open_api, refuse_without_token
from tests.support.infisical.binary.surroundings import Surroundings
from tests.support.infisical.binary.tables import table

_MISSING = "*not found*"
_MEMBERS = {"expand": "expandSecretReferences", "include-imports": "include_imports", "recursive": "recursive"}


def fetch(called: Called, around: Surroundings, *more: str) -> list[Secret]:
    """List a folder as the flags say; of a name that is there twice one is kept."""
    environment, token = around.environment(called), around.token(called)
    refuse_without_token(token, around)
    place = Place(called.text("projectId"), environment, called.text("path"))
    if not place.project:
        raise StoppedError("Project ID is required when using machine identity")
    try:
        api = open_api(called, around, token)
        found = api.secrets(place, options(called.values), with_imports=called.is_on("include-imports"))
    except CallError as error:
        raise failures.stopped(error, more, around.colours) from None
    except ValueError as error:
        raise StoppedError(f"error: {error}", *more) from None
    kept = _one_of_each(found, "personal" if called.is_on("secret-overriding") else "shared")
    return sorted(kept, key=lambda secret: secret.key)


def list_secrets(called: Called, around: Surroundings) -> str:
    """`secrets`."""
    secrets = fetch(called, around)
    if called.is_on("plain"):
        return "".join(f"{secret.key}={secret.value}\n" for secret in secrets)
    return _shown(secrets)


def get(called: Called, around: Surroundings) -> str:
    """`secrets get NAME…`: a name that is not there is a row, or with `--plain` nothing."""
    secrets = {secret.key: secret for secret in fetch(called, around, "To fetch all secrets")}
    if called.is_on("plain") or called.is_on("raw-value"):
        return "".join(f"{secrets[name].value}\n" for name in called.arguments if name in secrets)
    return _shown([secrets.get(name) or Secret(name, _MISSING, _MISSING, "") for name in called.arguments])


def options(values: Mapping[str, str]) -> dict[str, str]:
    """Members of the query that are sent only where they say something."""
    told = {member: "true" for flag, member in _MEMBERS.items() if values.get(flag) == "true"}
    return told | ({"tagSlugs": values["tags"]} if values.get("tags") else {})


def _one_of_each(secrets: Sequence[Secret], preferred: str) -> list[Secret]:
    first = {secret.key: secret for secret in reversed(secrets)}
    wanted = {secret.key: secret for secret in secrets if secret.kind == preferred}
    return list((first | wanted).values())


def _shown(secrets: Sequence[Secret]) -> str:
    rows = [(secret.key, secret.value, secret.kind) for secret in secrets]
    return table(("SECRET NAME", "SECRET VALUE", "SECRET TYPE"), rows)
