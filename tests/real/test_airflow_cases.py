"""The client's promises, on a real Airflow: what holds the fake against the truth."""

import base64
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_cases import MANY, AirflowCases, Found
from airflow_history_cases import HistoryCases
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.demo.airflow_server import RunningAirflow
from fermata_hooks.termination import Termination
from real.case_dags import FILES

PATIENCE = 90.0  # seconds for a task to run or a file to be parsed on a loaded machine

pytestmark = [pytest.mark.airflow]


class RealWorld:
    """A real Airflow with the DAGs of the cases."""

    def __init__(self, airflow: RunningAirflow, folder: Path) -> None:
        self.version = airflow.version
        self._airflow = airflow
        self._folder = folder
        self._apis: dict[str, AirflowApi] = {}
        self.secrets = ["guessed", *(self._password(user) for user in ("fermata", "ann", "victor"))]

    def api(self, user: str = "fermata") -> AirflowApi:
        if user not in self._apis:
            self._apis[user] = self._client(*self._airflow.credential_files(user))
        return self._apis[user]

    def stranger(self) -> AirflowApi:
        password = self._folder / "stranger-password"
        password.write_text("guessed")
        return self._client(self._airflow.username_file, password)

    def bulk_pause(self, query: str, *, paused: bool) -> None:
        api = self.api().version().api
        self._send("PATCH", f"/api/{api}/dags?{query}", {"is_paused": paused}, self._headers("ann"))

    def eventually(self, look: Callable[[], Found | None]) -> Found:
        give_up_at = time.monotonic() + PATIENCE
        while time.monotonic() < give_up_at:
            if found := look():
                return found
            time.sleep(0.3)
        raise AssertionError(f"{look.__name__}: not within {PATIENCE:g} s")

    def close(self) -> None:
        for api in self._apis.values():
            api.close()

    def _client(self, username: Path, password: Path) -> AirflowApi:
        clock = SystemClock(Termination())
        return AirflowApi(self._airflow.url, PasswordFiles(username, password), clock=clock)

    def _headers(self, user: str) -> dict[str, str]:
        """Return headers for a request of ``user`` that our client does not know."""
        login = {"username": user, "password": self._password(user)}
        if self.api().version().api == "v1":
            pair = base64.b64encode(f"{user}:{login['password']}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        token = self._send("POST", "/auth/token", login, {})["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def _send(
        self, method: str, path: str, body: dict[str, Any], headers: dict[str, str]
    ) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - our own server
            self._airflow.url + path,
            method=method,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return dict(json.load(answer))

    def _password(self, user: str) -> str:
        return self._airflow.credential_files(user)[1].read_text().strip()


@pytest.fixture(scope="module")
def world(airflow: RunningAirflow, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealWorld]:
    for name, text in FILES.items():
        (airflow.dags_folder / name).write_text(text)
    world = RealWorld(airflow, tmp_path_factory.mktemp("world"))

    def parsed() -> bool:
        return MANY[-1] in {dag.dag_id for dag in world.api().dags()} and bool(
            world.api().import_errors()
        )

    world.eventually(parsed)
    yield world
    world.close()


class TestOnARealAirflow(AirflowCases, HistoryCases):
    """The cases."""
