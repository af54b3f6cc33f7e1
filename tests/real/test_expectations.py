"""What an Airflow offers, by a real one: providers, pools, connections, variables."""

from collections.abc import Iterator

import pytest

from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.demo.airflow_server import RunningAirflow
from fermata_hooks.expectations import check_expectations
from fermata_hooks.termination import Termination
from fermata_spec.plan import Expectations

pytestmark = [pytest.mark.airflow]

STANDARD = "apache-airflow-providers-standard"


@pytest.fixture
def api(airflow: RunningAirflow) -> Iterator[AirflowApi]:
    files = PasswordFiles(airflow.username_file, airflow.password_file)
    with AirflowApi(airflow.url, files, clock=SystemClock(Termination())) as api:
        yield api


def test_what_is_there_is_found(api: AirflowApi, airflow_version: str) -> None:
    wanted = Expectations(
        airflow=f"=={airflow_version}", providers={STANDARD: ">=0.1"}, pools=("default_pool",)
    )

    checks = check_expectations(api, wanted)

    assert [check.verdict for check in checks] == ["pass"] * 3, checks


def test_what_is_not_there_is_absent_or_cannot_be_told(api: AirflowApi) -> None:
    wanted = Expectations(
        providers={"apache-airflow-providers-nobodys": ">=1"},
        pools=("no such pool/at all",),
        connections=("none",),
        variables=("none",),
    )

    checks = check_expectations(api, wanted)

    assert [check.verdict for check in checks] == ["fail", "fail", "inconclusive", "inconclusive"]
