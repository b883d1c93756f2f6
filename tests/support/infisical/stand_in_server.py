"""Serve the stand-in for trials by hand and by processes: `python -m tests.support.infisical.stand_in_server`."""

import argparse
import json
import signal
import sys
import threading

from tests.support.infisical.eras import Era
from tests.support.infisical.server import InfisicalServer


def main() -> None:
    """Say where and who in one line of JSON, then serve until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--era", choices=[era.name.lower() for era in Era], default=Era.NEWEST.name.lower())
    parser.add_argument("--reads-per-minute", type=int)
    chosen = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    era = Era[chosen.era.upper()]
    with InfisicalServer(era=era, port=chosen.port, reads_per_minute=chosen.reads_per_minute) as server:
        told = {
            "url": server.url,
            "project_id": server.project_id,
            "client_id": server.owner.client_id,
            "client_secret": server.owner.client_secret,
            "token": server.token(),
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        ended.wait()


if __name__ == "__main__":
    main()
