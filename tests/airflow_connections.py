"""Airflow connections without Airflow, for what reads them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.argocd_server import ArgoCdServer
from fakes.fake_argocd import PROJECT


@dataclass
class FakeConnection:
    """What ``airflow.models.Connection`` shows of itself."""

    host: str | None = "argocd.example"
    schema: str | None = None
    port: int | None = None
    password: str | None = None
    extra_dejson: dict[str, Any] = field(default_factory=dict)
    conn_id: str = "argocd_default"


def connection_to(argocd: ArgoCdServer, folder: Path, **extra: object) -> FakeConnection:
    """Return a connection to the fake, by a token in a file."""
    given = {"token_file": str(argocd.token_file(folder)), "project": PROJECT} | extra
    return FakeConnection("127.0.0.1", "http", argocd.port, None, given)
