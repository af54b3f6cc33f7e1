"""A fake Airflow and a client of it; assertions of the shared cases say what they compared."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.manual_clock import ManualClock
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles

pytest.register_assert_rewrite("airflow_cases", "airflow_history_cases")

MakeApi = Callable[[FakeAirflow], AirflowApi]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make_api(clock: ManualClock, tmp_path: Path) -> Iterator[MakeApi]:
    """Return clients that log in as the user fermata."""
    with ExitStack() as stack:

        def make(airflow: FakeAirflow) -> AirflowApi:
            credentials = PasswordFiles(*airflow.credential_files(tmp_path))
            return stack.enter_context(AirflowApi(airflow.url, credentials, clock=clock))

        yield make


@pytest.fixture
def airflow(clock: ManualClock) -> Iterator[FakeAirflow]:
    """An Airflow 3.3.2 with one DAG, ``etl``."""
    with FakeAirflow("3.3.2", now=clock.now) as airflow:
        airflow.add_dag("etl")
        yield airflow


@pytest.fixture
def airflow_2(clock: ManualClock) -> Iterator[FakeAirflow]:
    """An Airflow 2.11.2 with one DAG, ``etl``."""
    with FakeAirflow("2.11.2", now=clock.now) as airflow:
        airflow.add_dag("etl")
        yield airflow


@pytest.fixture
def api(airflow: FakeAirflow, make_api: MakeApi) -> AirflowApi:
    return make_api(airflow)
