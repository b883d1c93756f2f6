"""How servers of different age answer: what is said here was recorded of July 2024, or is told of the newest."""

import re
from dataclasses import dataclass, field
from enum import Enum


class Era(Enum):
    """Of which age the server is."""

    JULY_2024 = "july 2024"
    NEWEST = "newest"


@dataclass
class Refusal(Exception):  # noqa: N818 (an answer, not an error of ours)
    """An answer other than 200."""

    status: int
    message: object
    error: str = "BadRequest"
    headers: dict[str, str] = field(default_factory=dict)
    code: str = ""

    @property
    def body(self) -> dict[str, object]:
        """The JSON body."""
        code = {"code": self.code} if self.code else {}
        return {"statusCode": self.status, "message": self.message, "error": self.error, **code}


def no_project(era: Era, project: str) -> Refusal:
    """The project does not exist, or the identity is no member."""
    if era is Era.JULY_2024:
        return Refusal(400, "Project not found during bot lookup.")
    return Refusal(404, f"Project with ID '{project}' not found", "NotFound")


def project_too_old() -> Refusal:
    """The project was never upgraded from its first form."""
    return Refusal(400, "Failed to find bot key", "bot_not_found_error")


def no_route(method: str, target: str) -> Refusal:
    """No such path."""
    return Refusal(404, f"Route {method}:{target} not found", "Not Found")


def too_large() -> Refusal:
    """The body is larger than the server takes."""
    return Refusal(413, "Request body is too large", "Payload Too Large", code="FST_ERR_CTP_BODY_TOO_LARGE")


def no_folder(era: Era, environment: str, path: str) -> Refusal:
    """A write or a single read in a folder that is not there."""
    if era is Era.JULY_2024:
        return Refusal(400, "Folder not found for the given environment slug & secret path", "Create secret")
    return Refusal(404, f"Folder with path '{path}' in environment with slug '{environment}' not found", "NotFound")


def no_environment(era: Era, environment: str) -> Refusal:
    """A folder is to be made in an environment that is not there."""
    if era is Era.JULY_2024:
        return Refusal(400, "Environment not found", "Create folder")
    return Refusal(404, f"Environment with slug '{environment}' not found", "NotFound")


def check_folder_name(era: Era, name: str) -> None:
    """What a folder may be called."""
    if era is Era.JULY_2024 and " " in name:
        raise Refusal(500, "Something went wrong", "Find by secret path")
    if era is Era.NEWEST and not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise Refusal(422, [{"code": "custom", "message": "Invalid name", "path": ["name"]}], "ValidationFailure")


def no_secret(era: Era, name: str) -> Refusal:
    """The secret is not there."""
    if era is Era.JULY_2024:
        return Refusal(400, f"Secret not found: blind index {name}")
    return Refusal(404, f"Secret with name '{name}' not found", "NotFound")


def forbidden(era: Era, action: str, subject: str) -> Refusal:
    """The identity has no such right."""
    status = 401 if era is Era.JULY_2024 else 403
    return Refusal(status, f"You are not allowed to {action} on {subject}", "PermissionDenied")


def expired(era: Era) -> Refusal:
    """The token has ended."""
    if era is Era.JULY_2024:
        return Refusal(500, "jwt expired", "Internal Server Error")
    return Refusal(403, "Your token has expired. Please re-authenticate.", "TokenError")


def not_a_token(era: Era, text: str) -> Refusal:
    """The token was never given out, or was taken back."""
    if era is Era.JULY_2024:
        kind = "invalid signature" if text.count(".") == 2 else "jwt malformed"
        return Refusal(500, kind, "Internal Server Error")
    return Refusal(401, "Token missing or invalid", "UnauthorizedError")


def spent() -> Refusal:
    """The token was used as often as it may be."""
    return Refusal(400, "Unable to renew because access token number of uses limit reached")


def wrong_credentials(era: Era) -> Refusal:
    """A login is refused."""
    return Refusal(403 if era is Era.JULY_2024 else 401, "Invalid credentials", "UnauthorizedError")


def locked() -> Refusal:
    """Newer servers: too many refused logins."""
    message = "This identity auth method is temporarily locked, please try again later"
    return Refusal(401, message, "UnauthorizedError")


def budget(limit: int, left: int, wait_s: int) -> dict[str, str]:
    """How many requests are left until the minute is over."""
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(left),
        "x-ratelimit-reset": str(wait_s),
    }


def busy(era: Era, wait_s: int, told: dict[str, str]) -> Refusal:
    """The rate limit is reached."""
    headers = told | {"retry-after": str(wait_s)}
    if era is Era.JULY_2024:
        return Refusal(429, "Rate limit exceeded, retry in 1 minute", "Too Many Requests", headers)
    message = f"Rate limit exceeded. Please try again in {wait_s} seconds"
    return Refusal(429, message, "RateLimitExceeded", headers)
