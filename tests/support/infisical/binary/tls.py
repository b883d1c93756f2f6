"""TLS, and what Go says where it fails (`crypto/tls`, `crypto/x509`); `SSL_CERT_FILE` replaces the system's roots."""

import socket
import ssl
from collections.abc import Mapping

from tests.support.infisical.binary.lines import LineError

_TLS_ALERTS = (
    ("self-signed", "x509: certificate signed by unknown authority"),
    ("self signed", "x509: certificate signed by unknown authority"),
    ("unable to get", "x509: certificate signed by unknown authority"),
    ("expired", "x509: certificate has expired or is not yet valid"),
    ("not yet valid", "x509: certificate has expired or is not yet valid"),
    ("mismatch", "x509: certificate is not valid for any names"),
)


def secured(line: socket.socket, host: str, environ: Mapping[str, str]) -> ssl.SSLSocket:
    """Shake hands, and check the certificate for this host."""
    context = ssl.create_default_context(cafile=environ.get("SSL_CERT_FILE"))
    try:
        return context.wrap_socket(line, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        known = (words for start, words in _TLS_ALERTS if start in error.verify_message.lower())
        raise LineError(f"tls: failed to verify certificate: {next(known, error.verify_message)}") from None
    except ssl.SSLError:
        raise LineError("tls: first record does not look like a TLS handshake") from None
    except OSError:
        raise LineError("EOF", is_early=True) from None
