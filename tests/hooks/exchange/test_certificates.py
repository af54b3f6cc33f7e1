"""Certificates are verified, against the public authorities or the file that is named."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from fakes.manual_clock import ManualClock
from fermata_hooks.exchange import Request, Transport
from fermata_spec.errors import RejectedError, SettingsError

GET = Request(method="GET", path="/x")
OPENSSL = shutil.which("openssl")

pytestmark = [pytest.mark.skipif(OPENSSL is None, reason="there is no openssl to make one")]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that nobody but itself vouches for, and its key, in one file."""
    folder = tmp_path_factory.mktemp("certificate")
    file, key = folder / "both.pem", folder / "key.pem"
    options = (
        "-x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=here -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(
        [str(OPENSSL), "req", *options.split(), "-out", str(file), "-keyout", str(key)],
        check=True,
        capture_output=True,
    )
    file.write_text(file.read_text() + key.read_text())
    return file


@pytest.fixture
def server(certificate: Path) -> Iterator[HTTPServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(host="127.0.0.1", ssl_context=context) as server:
        server.expect_request("/x").respond_with_json({})
        yield server


def test_a_server_that_nobody_vouches_for_is_refused(server: HTTPServer) -> None:
    to = Transport(server.url_for(""), service="Airflow", clock=ManualClock(), timeout=5)

    with pytest.raises(RejectedError, match=r"^GET https://.*/x: TLS: .*certificate verify failed"):
        to.send(GET)

    assert server.log == []
    to.close()


def test_a_server_that_the_named_file_vouches_for_is_spoken_to(
    server: HTTPServer, certificate: Path
) -> None:
    to = Transport(
        server.url_for(""), service="Airflow", clock=ManualClock(), timeout=5, ca_file=certificate
    )

    assert to.send(GET).json() == {}
    to.close()


def test_a_file_of_authorities_that_is_not_there_is_named(
    server: HTTPServer, tmp_path: Path
) -> None:
    to = Transport(
        server.url_for(""),
        service="Airflow",
        clock=ManualClock(),
        timeout=5,
        ca_file=tmp_path / "absent.pem",
    )

    with pytest.raises(SettingsError, match=r"absent\.pem"):
        to.send(GET)

    to.close()
