"""Tasks and runs of many DAGs are found with few requests, however Airflow's are spread."""

import pytest

from fakes.fake_airflow import FakeAirflow
from fermata_hooks.airflow_api import AirflowApi

HELD = [f"held_{number:03}" for number in range(250)]


@pytest.fixture
def busy(airflow: FakeAirflow) -> FakeAirflow:
    """An Airflow with 250 held DAGs and one other; one of the held ones has a task."""
    for dag_id in [*HELD, "other"]:
        airflow.add_dag(dag_id)
    airflow.add_task("held_007", "r1", "load", "running")
    return airflow


def test_few_tasks_in_all_are_asked_for_at_once_and_others_are_left_out(
    busy: FakeAirflow, api: AirflowApi
) -> None:
    busy.add_task("other", "r1", "load", "running")

    found = api.task_instances(dag_ids=HELD, states=["running"])

    assert [task.dag_id for task in found] == ["held_007"]
    assert len(busy.sent("POST", "taskInstances/list")) == 2


def test_many_tasks_of_others_are_not_read(busy: FakeAirflow, api: AirflowApi) -> None:
    for number in range(500):
        busy.add_task("other", f"r{number}", "load", "running")

    found = api.task_instances(dag_ids=HELD, states=["running"])

    assert [task.dag_id for task in found] == ["held_007"]
    assert len(busy.sent("POST", "taskInstances/list")) == 1 + 3


def test_a_hundred_dags_are_one_question(busy: FakeAirflow, api: AirflowApi) -> None:
    found = api.task_instances(dag_ids=HELD[:100], states=["running"])

    assert len(found) == 1
    assert len(busy.sent("POST", "taskInstances/list")) == 1
