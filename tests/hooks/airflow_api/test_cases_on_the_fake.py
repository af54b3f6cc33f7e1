"""The client's promises, on the fake Airflow of every release that it can be."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_cases import MANY, AirflowCases, Found
from airflow_history_cases import NEW_YEAR_2024, HistoryCases
from fakes.fake_airflow import RELEASES, FakeAirflow
from fakes.manual_clock import ManualClock
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles

BROKEN = "ModuleNotFoundError: No module named 'nonexistent_module'\n"


class FakeWorld:
    """The fake, with the DAGs of the cases."""

    def __init__(self, airflow: FakeAirflow, clock: ManualClock, folder: Path) -> None:
        self.airflow = airflow
        self.version = airflow.release.version
        self.secrets = [*airflow.accounts.passwords.values(), "guessed"]
        self._clock = clock
        self._folder = folder
        self._apis: dict[str, AirflowApi] = {}

    def api(self, user: str = "fermata") -> AirflowApi:
        if user not in self._apis:
            files = self.airflow.credential_files(self._folder, user)
            self._apis[user] = self._client(*files)
        return self._apis[user]

    def stranger(self) -> AirflowApi:
        username, password = self._folder / "stranger-username", self._folder / "stranger-password"
        username.write_text("fermata")
        password.write_text("guessed")
        return self._client(username, password)

    def bulk_pause(self, query: str, *, paused: bool) -> None:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - the fake's own address
            f"{self.airflow.url}{self.airflow.release.root}/dags?{query}",
            method="PATCH",
            data=json.dumps({"is_paused": paused}).encode(),
            headers=headers | self.airflow.accounts.headers_of("ann"),
        )
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310

    def eventually(self, look: Callable[[], Found | None]) -> Found:
        for _ in range(10):
            self._clock.sleep(1)
            if found := look():
                return found
        raise AssertionError(f"{look.__name__}: not in 10 looks")

    def close(self) -> None:
        for api in self._apis.values():
            api.close()

    def _client(self, username: Path, password: Path) -> AirflowApi:
        return AirflowApi(self.airflow.url, PasswordFiles(username, password), clock=self._clock)


@pytest.fixture(params=sorted(RELEASES))
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FakeWorld]:
    clock = ManualClock()
    with FakeAirflow(request.param, now=clock.now) as airflow:
        fill(airflow)
        clock.sleep(1)
        world = FakeWorld(airflow, clock, tmp_path)
        yield world
        world.close()


def fill(airflow: FakeAirflow) -> None:
    airflow.add_dag(
        "cases_ok",
        tags=["cases", "one"],
        owners=["alice"],
        file="cases.py",
        source="# fermata:0123456789abcdef",
        doc_md="fermata:0123456789abcdef",
        params={"a": 1},
        is_paused_upon_creation=False,
    )
    airflow.add_dag(
        "cases_fails",
        file="cases.py",
        tasks=["before", "boom"],
        run_states=["queued", "running", "failed"],
        log=[*(f"line {number}" for number in range(30)), "RuntimeError: boom-msg"],
    )
    airflow.add_dag("cases_paused", paused=True, file="cases.py")
    airflow.add_dag("cases_watched", paused=True, file="cases.py")
    airflow.add_dag(
        "cases_daily",
        paused=True,
        file="cases.py",
        timetable="@daily",
        next_due=airflow.now(),
        every=86400.0,
    )
    first_end = 0.0 if airflow.release.generation == 3 else 3600.0
    airflow.add_dag(
        "cases_catchup",
        paused=True,
        file="cases.py",
        timetable="@hourly",
        catchup=True,
        next_due=NEW_YEAR_2024 + first_end,
        every=3600.0,
    )
    for dag_id in MANY:
        airflow.add_dag(dag_id, paused=True, file="cases.py")
    airflow.add_import_error("cases_broken.py", BROKEN)


class TestOnTheFake(AirflowCases, HistoryCases):
    """The cases."""
