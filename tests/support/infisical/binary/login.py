"""`login --method=universal-auth` (`packages/cmd/login.go` v0.42.1, Infisical/go-sdk v0.5.99, go-resty/resty v2)."""

import os
import sys
import time

from tests.support.infisical.binary import failures, gojson, urls
from tests.support.infisical.binary.answers import Response
from tests.support.infisical.binary.api import read_result
from tests.support.infisical.binary.failures import StoppedError
from tests.support.infisical.binary.flags import Called
from tests.support.infisical.binary.opening import refuse_login_of_a_human
from tests.support.infisical.binary.surroundings import NotStoodInError, Surroundings, custom_headers
from tests.support.infisical.binary.urls import AddressError
from tests.support.infisical.binary.wire import Request, RequestError, Wire

_DEFAULT = "https://app.infisical.com"
_EUROPE = "https://eu.infisical.com"
_OTHER_METHODS = frozenset(
    {"kubernetes", "azure", "gcp-id-token", "gcp-iam", "aws-iam", "oidc-auth", "jwt-auth", "ldap-auth"}
)
_WAITS_S = (2.0, 4.0, 8.0)
_SPREAD = 0.2
_GREETING_S = 1.0


class LoginError(Exception):
    """There is no token; the message stands in brackets."""


def log_in(called: Called, around: Surroundings) -> str:
    """Exchange client id and secret for a token."""
    try:
        headers = custom_headers(around.environ.get("INFISICAL_CUSTOM_HEADERS", ""))
    except ValueError as error:
        raise StoppedError(f"error: {error}", "Unable to get custom headers") from None
    method = called.text("method")
    if method == "user":
        refuse_login_of_a_human(around)
    if method in _OTHER_METHODS:
        raise NotStoodInError(f"a login by {method}")
    if method != "universal-auth":
        raise StoppedError(f"Invalid login method: {method}")
    domain = around.domain(called)
    try:
        token = _token(called, around, domain or f"{_DEFAULT}/api", headers)
    except LoginError as error:
        hint = ""
        if domain.startswith(_DEFAULT):
            hint = f'\nIf you are in the Europe region, say so with "--domain {_EUROPE}".'
        raise StoppedError(f"error: unable to authenticate with universal auth [err={error}].{hint}") from None
    if called.is_on("plain"):
        return f"{token}\n"
    time.sleep(_GREETING_S * around.pace)
    return (
        f">>>> Successfully authenticated with universal auth!\n\nAccess Token:\n{token}\n\n"
        "You can use this access token to authenticate through other commands in the CLI.\n"
    )


def _token(called: Called, around: Surroundings, domain: str, headers: dict[str, str]) -> str:
    client_id = _told(called, around, "client-id")
    client_secret = _told(called, around, "client-secret")
    body = gojson.write({"clientId": client_id, "clientSecret": client_secret}).encode()
    told = {"User-Agent": "cli", **headers, "Content-Type": "application/json"}
    try:
        address = urls.parse(f"{domain}/v1/auth/universal-auth/login")
        response = _persistent(Request("POST", address, told, body), around)
    except AddressError as error:
        raise LoginError(f"CallUniversalAuthLogin: unable to complete api request [err={error}]") from None
    if response.is_error:
        raise LoginError(_refusal(address.text, response))
    return gojson.strings_in(read_result(response), "accessToken")["accessToken"]


def _told(called: Called, around: Surroundings, name: str) -> str:
    variable = "INFISICAL_UNIVERSAL_AUTH_" + name.upper().replace("-", "_")
    told = (called.text(name) or around.environ.get(variable, "")).strip()
    if not told:
        raise LoginError(f"please provide {name} flag")
    return told


def _persistent(request: Request, around: Surroundings) -> Response:
    """Ask up to four times; only failures of the connection are tried again, with one more header."""
    wire = Wire(around.environ)
    for attempt in range(1, len(_WAITS_S) + 2):
        try:
            response = wire.send(request)
            if not response.is_error:
                read_result(response)
        except (RequestError, gojson.UnreadableError) as error:
            sys.stderr.write(f"{_clock()} WARN RESTY {error}, Attempt {attempt}\n")
            is_hopeless = not isinstance(error, RequestError) or not error.is_of_url
            if is_hopeless or attempt > len(_WAITS_S):
                sys.stderr.write(f"{_clock()} ERROR RESTY {error}\n")
                raise LoginError(f"CallUniversalAuthLogin: unable to complete api request [err={error}]") from None
            time.sleep(_WAITS_S[attempt - 1] * _about_one() * around.pace)
            request = Request(
                request.method, request.address, {**request.headers, "Accept": "application/json"}, request.body
            )
            continue
        return response
    raise AssertionError("the last attempt ends the loop")


def _about_one() -> float:
    """Waits differ by a fifth; `random` would cost each call its import."""
    return 1 - _SPREAD + 2 * _SPREAD * os.urandom(1)[0] / 255


def _clock() -> str:
    now = time.time()
    return time.strftime("%Y/%m/%d %H:%M:%S", time.localtime(now)) + f".{int(now * 1_000_000) % 1_000_000:06d}"


def _refusal(url: str, response: Response) -> str:
    told = failures.understood(response)
    message = f' [message="{told.message}"]' if told.message else ""
    words = f"APIError: CallUniversalAuthLogin unsuccessful response [POST {url}]"
    return f"{words} [status-code={response.status}] [reqId={told.request_id}]{message}"
