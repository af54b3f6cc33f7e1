"""An Argo CD on loopback, and the connection to it as Airflow's own environment variable."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.argocd_server import ArgoCdServer
from fakes.fake_argocd import PROJECT


@pytest.fixture
def argocd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ArgoCdServer]:
    with ArgoCdServer() as server:
        connection = {
            "conn_type": "argocd",
            "host": "127.0.0.1",
            "schema": "http",
            "port": server.port,
            "extra": {"token_file": str(server.token_file(tmp_path)), "project": PROJECT},
        }
        monkeypatch.setenv("AIRFLOW_CONN_ARGOCD_DEFAULT", json.dumps(connection))
        yield server
        assert server.violations == []
