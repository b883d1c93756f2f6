"""Traces of a running service: nothing leaves unless asked, and what leaves has no secret."""

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from journal_keys.domain.labels import PATHS
from journal_keys.entrypoints.cli.exit_codes import ExitCode
from tests.support.operator import COMMAND, Operator
from tests.support.service import serving

pytestmark = pytest.mark.processes

ROTATE = "/api/v1/infisical/rotate"


class Receiver:
    """Stands in for whoever takes spans over HTTP; it keeps each body in a file, which the canaries look into."""

    def __init__(self, folder: Path) -> None:
        received = self.received = folder / "received"
        received.mkdir()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                (received / f"{len(list(received.iterdir()))}{self.path.replace('/', '-')}").write_bytes(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"

    def requests(self) -> list[ExportTraceServiceRequest]:
        files = sorted(self.received.iterdir())
        assert all(file.name.endswith("-v1-traces") for file in files)
        return [ExportTraceServiceRequest.FromString(file.read_bytes()) for file in files]

    def spans(self) -> list[tuple[str, dict[str, str]]]:
        return [
            (span.name, {one.key: one.value.string_value for one in span.attributes})
            for request in self.requests()
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    made = Receiver(tmp_path)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@contextmanager
def rotated(operator: Operator) -> Iterator[str]:
    """Have a service that was asked for a rotation, and for a webhook that is none; give the request id."""
    operator.json("init")
    with serving(operator) as served:
        body = {"rotation_type": "jwt", "force": True}
        answer = httpx2.post(f"{served.address}{ROTATE}", json=body)
        assert answer.status_code in {200, 202}
        httpx2.post(f"{served.address}/api/v1/infisical/webhook", content=b"hunter2-hunter2-hunter2")
        yield answer.headers["x-request-id"]


def test_nothing_leaves_unless_asked(tmp_path: Path, receiver: Receiver) -> None:
    operator = Operator(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.address, OTEL_TRACES_EXPORTER="otlp")
    with rotated(operator):
        pass
    assert receiver.spans() == []


def test_what_was_asked_for_is_spans_with_ids_and_no_secret(tmp_path: Path, receiver: Receiver) -> None:
    operator = Operator(
        tmp_path,
        JOURNAL_TRACES="otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.address,
        OTEL_SERVICE_NAME="journal of the test",
    )
    with rotated(operator) as request_id:
        pass
    spans = receiver.spans()
    assert {name for name, _ in spans} == {"journal_keys.rotate", "journal_keys.fetch", "journal_keys.webhook"}, (
        "FastAPI makes none of its own"
    )
    of_request = [(name, told) for name, told in spans if told.get("journal_keys.request_id") == request_id]
    (asked,) = (told for name, told in of_request if name == "journal_keys.rotate")
    assert {told["journal_keys.path"] for name, told in of_request if name == "journal_keys.fetch"} <= PATHS
    assert (asked["journal_keys.method"], asked["journal_keys.ring"]) == ("api", "jwt")
    assert asked["journal_keys.rotation_id"]
    assert [told["error.type"] for name, told in spans if name == "journal_keys.webhook"] == ["WebhookRefusedError"]
    texts = b"".join(file.read_bytes() for file in receiver.received.iterdir())
    assert b"hunter2" not in texts
    resources = [resource.resource for request in receiver.requests() for resource in request.resource_spans]
    named = {one.key: one.value.string_value for one in resources[0].attributes}
    assert named["service.name"] == "journal of the test"
    assert set(named) == {
        "service.name",
        "service.instance.id",
        "telemetry.sdk.language",
        "telemetry.sdk.name",
        "telemetry.sdk.version",
    }


def test_whoever_should_take_spans_and_is_not_there_stops_nothing(tmp_path: Path) -> None:
    operator = Operator(
        tmp_path, JOURNAL_TRACES="otlp", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_BSP_SCHEDULE_DELAY="50"
    )
    with rotated(operator) as request_id:
        assert request_id


WITHOUT_THE_EXTRA = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        is_gone = name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))
        return None if is_gone else PathFinder.find_spec(name, path, target)

sys.meta_path = [Without if finder is PathFinder else finder for finder in sys.meta_path]
sys.argv = ["journal-keys", "serve", "--port", "0"]
from journal_keys.entrypoints.cli.main import main
main()
"""


def test_without_the_extra_the_service_does_not_start_and_says_what_to_install(tmp_path: Path) -> None:
    operator = Operator(tmp_path, JOURNAL_TRACES="otlp")
    operator.json("init")
    command = [sys.executable, "-W", "error", "-c", WITHOUT_THE_EXTRA]
    done = subprocess.run(command, env=operator.environment, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (ExitCode.SETTINGS, b"")
    assert b"pip install 'journal-keys[otel]'" in done.stderr


def test_a_word_that_is_no_exporter_is_a_wrong_setting(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "config"],
        env=Operator(tmp_path, JOURNAL_TRACES="everywhere").environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == ExitCode.SETTINGS
    assert b"JOURNAL_TRACES: Input should be 'none' or 'otlp'" in done.stderr
