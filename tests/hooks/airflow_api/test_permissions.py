"""A refusal of Airflow names the permission that is missing, in the words of its roles."""

import json
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow
from fermata_hooks.airflow_api import AirflowApi
from fermata_hooks.airflow_api._permissions import needed
from fermata_spec.errors import RejectedError

ROLES = Path(__file__).parents[3] / "manifests" / "airflow"


@pytest.mark.parametrize(
    ("method", "path", "need"),
    [
        ("GET", "/dags", "can_read on DAGs"),
        ("GET", "/dags/etl/details", "can_read on DAGs"),
        ("GET", "/dags/etl/tasks", "can_read on Task Instances"),
        ("PATCH", "/dags/etl", "can_edit on DAGs"),
        ("PUT", "/parseDagFile/x", "can_edit on DAGs"),
        ("POST", "/dags/etl/dagRuns", "can_create on DAG Runs and can_edit on DAGs"),
        ("POST", "/dags/~/dagRuns/list", "can_read on DAG Runs"),
        ("GET", "/dags/etl/dagRuns/r", "can_read on DAG Runs"),
        ("PATCH", "/dags/etl/dagRuns/r", "can_edit on DAG Runs"),
        ("DELETE", "/dags/etl/dagRuns/r", "can_delete on DAG Runs"),
        (
            "POST",
            "/dags/~/dagRuns/~/taskInstances/list",
            "can_read on Task Instances and DAG Runs",
        ),
        ("GET", "/dags/etl/dagRuns/r/taskInstances/t/logs/1", "can_read on Task Logs"),
        ("GET", "/importErrors", "can_read on ImportError"),
        ("GET", "/somethingNew", ""),
    ],
)
def test_each_request_needs_its_permission(method: str, path: str, need: str) -> None:
    assert needed(method, path) == need


def test_a_refusal_names_it(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.accounts.denied.add("importErrors")

    with pytest.raises(RejectedError, match=r"; needs can_read on ImportError\)$"):
        api.import_errors()


def test_no_two_roles_give_the_same() -> None:
    given = [
        (action, row["resource"])
        for file in sorted(ROLES.glob("*.json"))
        for row in json.loads(file.read_text(encoding="utf-8"))
        for action in row["action"].split(",")
    ]

    assert len(given) == len(set(given))
    assert ("can_edit", "DAGs") in given
