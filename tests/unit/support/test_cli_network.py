"""TLS, proxies and the question for updates are handled as the real CLI handles them: beyond the recordings."""

import ipaddress
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.support.infisical.calling import Caller
from tests.support.infisical.server import InfisicalServer

pytestmark = pytest.mark.processes
HERE = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


def serve_tls(server: InfisicalServer, folder: Path, name: x509.GeneralName = HERE, days: float = 1.0) -> Path:
    """Let the server speak TLS with a certificate of its own, and give the file that makes it trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(
            subject, subject, key.public_key(), 1, now - timedelta(days=2), now + timedelta(days=days)
        )
        .add_extension(x509.SubjectAlternativeName([name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, private = folder / "trusted.pem", folder / "private.pem"
    trusted.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    server.speak_tls(context)
    return trusted


def test_a_certificate_that_the_environment_names_is_trusted(
    call: Caller, server: InfisicalServer, tmp_path: Path
) -> None:
    trusted = serve_tls(server, tmp_path)
    done = call("export", f"--domain={server.url}", env={"SSL_CERT_FILE": str(trusted)})
    assert (done.returncode, done.stdout) == (0, "held='v'\n")


def test_a_certificate_that_nobody_vouches_for_is_refused(
    call: Caller, server: InfisicalServer, tmp_path: Path
) -> None:
    serve_tls(server, tmp_path)
    done = call("export", f"--domain={server.url}")
    assert done.returncode == 1
    assert "tls: failed to verify certificate: x509: certificate signed by unknown authority]" in done.stderr
    assert not server.requests


@pytest.mark.parametrize(
    ("name", "days", "words"),
    [
        (x509.DNSName("elsewhere.example"), 1.0, "x509: "),
        (HERE, -1.0, "x509: certificate has expired or is not yet valid"),
    ],
    ids=["of another host", "of yesterday"],
)
def test_a_trusted_certificate_has_to_be_right(
    call: Caller, server: InfisicalServer, tmp_path: Path, name: x509.GeneralName, days: float, words: str
) -> None:
    trusted = serve_tls(server, tmp_path, name, days)
    done = call("export", f"--domain={server.url}", env={"SSL_CERT_FILE": str(trusted)})
    assert done.returncode == 1
    assert f"tls: failed to verify certificate: {words}" in done.stderr
    assert not server.requests


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
def test_another_host_is_reached_through_the_proxy(call: Caller, server: InfisicalServer, variable: str) -> None:
    done = call("export", "--domain=http://infisical.invalid", env={variable: server.url})
    assert (done.returncode, done.stdout) == (0, "held='v'\n")
    (seen,) = server.requests
    assert seen.target.startswith("http://infisical.invalid/api/v3/secrets/raw?")


@pytest.mark.parametrize("spared", ["*", "infisical.invalid", "other, invalid"])
def test_a_host_that_is_spared_is_not_reached_through_the_proxy(
    call: Caller, server: InfisicalServer, spared: str
) -> None:
    done = call("export", "--domain=http://infisical.invalid", env={"HTTP_PROXY": server.url, "NO_PROXY": spared})
    assert done.returncode == 1
    assert "dial tcp: lookup infisical.invalid" in done.stderr
    assert not server.requests


def test_this_machine_is_never_reached_through_a_proxy(call: Caller, server: InfisicalServer) -> None:
    done = call("export", f"--domain={server.url}", env={"HTTP_PROXY": "http://127.0.0.1:1"})
    assert done.returncode == 0


def first_line(listener: socket.socket) -> bytes:
    """What the first one who comes says first; nothing where nobody comes."""
    try:
        line, _ = listener.accept()
    except TimeoutError:
        return b""
    with line, line.makefile("rb") as stream:
        return stream.readline()


@pytest.mark.parametrize(
    ("more", "variable", "asks"),
    [([], "", True), (["--silent"], "", False), ([], "1", False)],
    ids=["as it comes", "silent", "the environment forbids it"],
)
def test_updates_are_asked_for_unless_told_not_to(
    call: Caller,
    more: list[str],
    variable: str,
    asks: bool,  # noqa: FBT001 (a table of cases)
) -> None:
    is_container = Path("/.dockerenv").exists() or "docker" in Path("/proc/self/cgroup").read_text(encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as proxy, ThreadPoolExecutor(1) as pool:
        proxy.settimeout(5.0 if asks else 0.2)
        coming = pool.submit(first_line, proxy)
        where = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        env = {"HTTPS_PROXY": where, "INFISICAL_DISABLE_UPDATE_CHECK": variable}
        call.bare("export", "--projectId=p", *more, env=env)
        expected = b"CONNECT api.github.com:443 HTTP/1.1\r\n" if asks and not is_container else b""
        assert coming.result() == expected
