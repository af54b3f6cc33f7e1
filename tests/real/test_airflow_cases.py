"""The client's promises, on a real Airflow: what holds the fake against the truth."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_cases import MANY, AirflowCases, Found
from airflow_history_cases import HistoryCases
from airflow_person import Person
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.demo.airflow_server import RunningAirflow
from fermata_hooks.termination import Termination
from patience import eventually
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
        persons = (Person(airflow, user) for user in ("fermata", "ann", "victor"))
        self.secrets = ["guessed", *(person.password for person in persons)]

    def api(self, user: str = "fermata") -> AirflowApi:
        if user not in self._apis:
            self._apis[user] = self._client(*self._airflow.credential_files(user))
        return self._apis[user]

    def stranger(self) -> AirflowApi:
        password = self._folder / "stranger-password"
        password.write_text("guessed")
        return self._client(self._airflow.username_file, password)

    def bulk_pause(self, query: str, *, paused: bool) -> None:
        Person(self._airflow, "ann").asks("PATCH", f"/dags?{query}", {"is_paused": paused})

    def eventually(self, look: Callable[[], Found | None]) -> Found:
        return eventually(look, within=PATIENCE)

    def close(self) -> None:
        for api in self._apis.values():
            api.close()

    def _client(self, username: Path, password: Path) -> AirflowApi:
        clock = SystemClock(Termination())
        return AirflowApi(self._airflow.url, PasswordFiles(username, password), clock=clock)


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
