"""What a process logs, and the canaries that look into it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import IO

from tests.support.canary.watch import WATCH


@contextmanager
def read_log(errors: IO[bytes]) -> Iterator[list[str]]:
    """Read what a process writes to standard error, as a full pipe would stop it; its end has to be near at ours."""
    logged: list[str] = []
    reading = Thread(target=logged.extend, args=((line.decode("utf-8", "surrogateescape") for line in errors),))
    reading.start()
    try:
        yield logged
    finally:
        reading.join()
        WATCH.show("the log of a service", "".join(logged).encode("utf-8", "surrogateescape"))
