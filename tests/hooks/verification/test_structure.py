"""What has become of the DAGs: told, with a warning of what a run under way still needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow, FakeRun
from fakes.manual_clock import ManualClock
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.handoff import Shape
from fermata_hooks.verification.structure import changes, compare
from fermata_spec.report import Check

BEFORE = {"etl": Shape(schedule="@daily", tasks={"a": ("ann", 0), "b": ("ann", 0)})}


class World:
    """An Airflow with ``etl``, which had the tasks ``a`` and ``b``."""

    def __init__(self, airflow: FakeAirflow, api: AirflowApi) -> None:
        self.airflow, self.api = airflow, api
        self.dag = airflow.add_dag(
            "etl", tasks=("a", "b"), owners=["ann"], timetable="@daily", file="etl.py"
        )

    def compare(self) -> Check:
        rows = {dag.dag_id: dag for dag in self.api.dags()}
        return compare(self.api, BEFORE, rows).check

    def run(self, state: str | None) -> None:
        """Let a run be under way whose task ``b`` is in ``state``."""
        self.airflow.runs["etl", "r1"] = FakeRun(dag_id="etl", run_id="r1", state="running")
        self.airflow.add_task("etl", "r1", "b", state)


@pytest.fixture(params=["3.3.2", "2.11.2"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    clock = ManualClock()
    with FakeAirflow(str(request.param), now=clock.now) as airflow:
        credentials = PasswordFiles(*airflow.credential_files(tmp_path))
        with AirflowApi(airflow.url, credentials, clock=clock) as api:
            yield World(airflow, api)


def test_no_difference_is_said_with_how_many_were_compared(world: World) -> None:
    check = world.compare()

    assert (check.verdict, check.message) == ("pass", "1 DAG compared, no difference")


def test_tasks_and_schedule_are_told_old_and_new(world: World) -> None:
    world.dag.tasks, world.dag.timetable = ("a", "c"), "@hourly"

    check = world.compare()

    assert check.verdict == "pass"
    assert check.message == "etl: schedule @daily is @hourly, without b, with c"
    assert (check.numbers["tasks_added"], check.numbers["tasks_removed"]) == (1, 1)


@pytest.mark.parametrize("state", [None, "scheduled", "up_for_retry", "removed"])
def test_a_task_that_is_gone_while_a_run_needs_it_is_warned_of(
    world: World, state: str | None
) -> None:
    world.run(state)
    world.dag.tasks = ("a",)

    check = world.compare()

    assert check.verdict == "fail"
    assert f"etl.b in r1 ({state or 'none'})" in check.message


def test_a_task_that_is_gone_after_the_run_has_done_it_is_none(world: World) -> None:
    world.run("success")
    world.dag.tasks = ("a",)

    assert world.compare().verdict == "pass"


def test_runs_that_may_not_be_read_are_inconclusive(world: World) -> None:
    world.airflow.accounts.denied.add("dagRuns")
    world.dag.tasks = ("a",)

    assert world.compare().verdict == "inconclusive"


def test_a_dag_that_is_gone_is_not_compared(world: World) -> None:
    world.dag.is_stale = True

    assert world.compare().numbers["compared"] == 0


def test_owner_and_retries_of_a_task_are_told() -> None:
    new = Shape(schedule="@daily", tasks={"a": ("bob", 0), "b": ("ann", 3)})

    assert list(changes(BEFORE["etl"], new)) == [
        "a owned by bob, not ann",
        "b with 3 retries, not 0",
    ]
