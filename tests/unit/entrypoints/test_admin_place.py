"""Where the admin plane listens: told apart by the socket that a request came in on, and by nothing else."""

from pathlib import Path

import pytest

from journal_keys.entrypoints.admin_settings import AdminPlace

PORT = AdminPlace(host="127.0.0.1", port=9001)
SOCKET = AdminPlace(path=Path("/run/journal/admin.sock"))


@pytest.mark.parametrize(
    ("place", "server", "is_there"),
    [
        (PORT, ("127.0.0.1", 9001), True),
        (PORT, ("127.0.0.1", 8000), False),
        (PORT, ("127.0.0.2", 9001), False),
        (PORT, ("::1", 9001), False),
        (PORT, ("", 9001), False),
        (PORT, None, False),
        (AdminPlace(host="::1", port=9001), ("0:0:0:0:0:0:0:1", 9001), True),
        (SOCKET, ("/run/journal/admin.sock", None), True),
        (SOCKET, ("/run/journal/public.sock", None), False),
        (SOCKET, ("127.0.0.1", 9001), False),
        (SOCKET, None, False),
    ],
)
def test_a_request_is_there_if_its_socket_is(
    place: AdminPlace,
    server: tuple[str, int | None] | None,
    is_there: bool,  # noqa: FBT001
) -> None:
    assert place.is_at(server) is is_there
