"""How a command gets at the API, and what happens where there is no token (`packages/util/auth.go` v0.42.1)."""

import time

from tests.support.infisical.binary.api import Api
from tests.support.infisical.binary.failures import StoppedError
from tests.support.infisical.binary.flags import Called
from tests.support.infisical.binary.surroundings import NotStoodInError, Surroundings, custom_headers
from tests.support.infisical.binary.wire import Wire

_NO_HOME = "error: askForDomain: unable to get config file because [err=$HOME is not defined]"


def open_api(called: Called, around: Surroundings, token: str) -> Api:
    """Give the API at the domain that the flags name.

    Raises:
        ValueError: the headers of the environment make no sense.
    """
    headers = custom_headers(around.environ.get("INFISICAL_CUSTOM_HEADERS", ""))
    return Api(around.domain(called), Wire(around.environ), token, headers)


def refuse_without_token(token: str, around: Surroundings) -> None:
    """Without a token the CLI calls itself to log a human in, which fails where there is no HOME."""
    if token:
        return
    if around.environ.get("HOME"):
        raise NotStoodInError("a human's login")
    clock = time.strftime("%I:%M%p").removeprefix("0")
    raise StoppedError(
        f"\x1b[90m{clock}\x1b[0m \x1b[32mINF\x1b[0m No valid login session found, triggering login flow",
        _NO_HOME,
        "Failed to automatically trigger login flow. Please run [infisical login] manually to login.",
    )


def refuse_login_of_a_human(around: Surroundings) -> None:
    """`login` without a method asks on the terminal, but for want of a HOME it fails first."""
    if around.environ.get("HOME"):
        raise NotStoodInError("a human's login")
    raise StoppedError(_NO_HOME)
