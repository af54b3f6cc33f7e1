"""Certificates are verified: by the machine's authorities, by a named file, never not at all."""

import asyncio
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from airflow_connections import connection_to
from argocd_applications import SHOP
from fakes.argocd_server import ArgoCdServer
from fermata_airflow.argocd import calls
from fermata_airflow.argocd.client import Client
from fermata_airflow.argocd.endpoint import Endpoint, read_connection
from fermata_airflow.argocd.feed import hub
from fermata_airflow.argocd.judgement import HealthJudge
from fermata_airflow.argocd.waiting import await_outcome
from fermata_airflow.exceptions import ArgoCDCertificateError

OPENSSL = shutil.which("openssl")

pytestmark = [pytest.mark.skipif(OPENSSL is None, reason="there is no openssl to make one")]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 that nobody but itself vouches for; the key is beside it."""
    file = tmp_path_factory.mktemp("certificate") / "own.pem"
    options = (
        "-x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=here -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(
        [str(OPENSSL), "req", *options.split(), "-out", file, "-keyout", file.with_suffix(".key")],
        check=True,
        capture_output=True,
    )
    return file


def endpoint(argocd: ArgoCdServer, folder: Path, **extra: object) -> Endpoint:
    connection = connection_to(argocd, folder, **extra)
    connection.schema = "https"
    return read_connection(connection)


@pytest.fixture
def secure(argocd: ArgoCdServer, certificate: Path) -> ArgoCdServer:
    argocd.add("shop")
    return argocd.with_certificate(certificate, certificate.with_suffix(".key"))


def test_a_certificate_that_nobody_vouches_for_is_refused_by_name(
    secure: ArgoCdServer, tmp_path: Path
) -> None:
    with (
        Client(endpoint(secure, tmp_path)) as client,
        pytest.raises(ArgoCDCertificateError, match=r"application shop: certificate: self.signed"),
    ):
        client.send(calls.get(SHOP))

    assert secure.requests == []


def test_a_wait_in_the_triggerer_ends_at_such_a_certificate(
    secure: ArgoCdServer, tmp_path: Path
) -> None:
    async def scene() -> None:
        async with hub("c", endpoint(secure, tmp_path)) as shared:
            await await_outcome(shared, SHOP, HealthJudge("shop"), end=time.time() + 30)

    with pytest.raises(ArgoCDCertificateError):
        asyncio.run(scene())


@pytest.mark.parametrize("verify", [True, False])
def test_a_named_file_vouches_for_it_and_verification_can_be_switched_off_by_hand_only(
    secure: ArgoCdServer, tmp_path: Path, certificate: Path, *, verify: bool
) -> None:
    extra = {"ca_file": str(certificate)} if verify else {"verify": False}

    with Client(endpoint(secure, tmp_path, **extra)) as client:
        assert client.send(calls.get(SHOP))["metadata"]["name"] == "shop"
