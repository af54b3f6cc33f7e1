"""The real Airflow of the tests: installed once a machine, started once a run."""

from collections.abc import Iterator
from typing import Literal

import pytest

import components
from fermata_hooks.demo.airflow_server import USERS, AirflowServer, RunningAirflow
from fermata_spec.errors import UnavailableError

pytest.register_assert_rewrite("airflow_cases", "airflow_history_cases")

ADMIN: Literal["admin"] = "admin"
VIEWER: Literal["viewer"] = "viewer"

# Installing comes on top of the first test that needs Airflow, starting it on top of any.
AIRFLOW_TIMEOUT = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("airflow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(AIRFLOW_TIMEOUT))


@pytest.fixture(scope="session")
def airflow_server(pytestconfig: pytest.Config, airflow_version: str) -> AirflowServer:
    """The Airflow that is asked for, installed and not started; skips where it cannot be had."""
    environ = pytestconfig.stash[components.found]
    try:
        return AirflowServer.installed(airflow_version, environ=environ)
    except UnavailableError as exc:
        components.missing(pytestconfig, "airflow", " ".join(str(exc).splitlines()[:3]))


@pytest.fixture(scope="session")
def airflow(airflow_server: AirflowServer) -> Iterator[RunningAirflow]:
    """One Airflow for all tests; what they start in it they end, but their DAG files stay.

    Airflow drops the DAGs of a file that is gone at a time of its own, up to five minutes later,
    in the middle of another test, whose baseline they were in: that test would find them lost.

    Besides the hooks' own user it knows ann, who is the person in tests about persons, and
    victor, who may only look.
    """
    users = {**USERS, "ann": ADMIN, "victor": VIEWER}
    with airflow_server.running(users=users) as running:
        yield running
