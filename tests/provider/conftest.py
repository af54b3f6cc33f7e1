"""An Argo CD on loopback, and the ways to it that need no Airflow."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_connections import FakeConnection, connection_to
from fakes.argocd_server import ArgoCdServer
from fermata_airflow.argocd.client import Client
from fermata_airflow.argocd.endpoint import Endpoint, read_connection

# They import Airflow, and run in its own environment: see test_in_airflow.py.
collect_ignore = ["inside"]


@pytest.fixture
def argocd() -> Iterator[ArgoCdServer]:
    with ArgoCdServer() as server:
        yield server
        assert server.violations == []


@pytest.fixture
def connection(argocd: ArgoCdServer, tmp_path: Path) -> FakeConnection:
    return connection_to(argocd, tmp_path)


@pytest.fixture
def endpoint(connection: FakeConnection) -> Endpoint:
    return read_connection(connection)


@pytest.fixture
def client(endpoint: Endpoint) -> Iterator[Client]:
    with Client(endpoint) as client:
        yield client
