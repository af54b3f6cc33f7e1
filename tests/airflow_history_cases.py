"""What the client promises of runs that were, are and would be; see ``airflow_cases``."""

import pytest

from airflow_cases import MANY, World, finished_run, is_new
from fermata_spec.errors import RejectedError

HOUR = 3600.0
NEW_YEAR_2024 = 1_704_067_200.0


class HistoryCases:
    """The cases."""

    def test_no_task_is_in_a_state_that_only_a_later_release_knows(self, world: World) -> None:
        states = ["awaiting_input", "up_for_reschedule", "deferred"]

        assert world.api().task_instances(dag_ids=["cases_ok"], states=states) == []

    def test_how_long_a_task_took_is_told_of_its_successes(self, world: World) -> None:
        finished_run(world, "cases_ok", "cases-history")
        finished_run(world, "cases_fails", "cases-history")
        api = world.api()

        found = api.history.durations("cases_ok", "hello", now=api.server_time(), most=5)

        assert 1 <= len(found) <= 5
        assert all(0 <= seconds < 600 for seconds in found)
        assert api.history.durations("cases_fails", "boom", now=api.server_time(), most=5) == []

    def test_durations_are_of_the_last_fortnight(self, world: World) -> None:
        finished_run(world, "cases_ok", "cases-history")
        api = world.api()

        later = api.server_time() + 30 * 24 * HOUR

        assert api.history.durations("cases_ok", "hello", now=later, most=5) == []

    def test_runs_that_are_not_over_are_found_by_dag(self, world: World) -> None:
        api = world.api()
        api.trigger("cases_paused", run_id="cases-active", conf={}, note="a test")

        found = api.history.active_runs(["cases_ok", "cases_paused"])
        api.set_run_state("cases_paused", "cases-active", "failed")

        assert [(run.dag_id, run.run_id, run.state) for run in found if run.dag_id != "cases_ok"]
        assert ("cases-active", "queued") in {(run.run_id, run.state) for run in found}
        left = api.history.active_runs(["cases_paused"])
        assert "cases-active" not in {run.run_id for run in left}
        assert api.history.active_runs([]) == []

    def test_of_many_dags_only_what_is_theirs_is_found(self, world: World) -> None:
        finished_run(world, "cases_ok", "cases-among-many")
        api = world.api()
        api.trigger("cases_paused", run_id="cases-active-among-many", conf={}, note="a test")

        tasks = api.task_instances(dag_ids=[*MANY, "cases_ok"], states=["success"])
        runs = api.history.active_runs([*MANY, "cases_paused"])
        api.set_run_state("cases_paused", "cases-active-among-many", "failed")

        assert {task.dag_id for task in tasks} == {"cases_ok"}
        assert {run.dag_id for run in runs} == {"cases_paused"}

    def test_when_a_dag_is_due_is_told_in_the_list(self, world: World) -> None:
        dags = {dag.dag_id: dag for dag in world.api().dags()}
        now = world.api().server_time()

        daily, catchup = dags["cases_daily"].next_run, dags["cases_catchup"].next_run

        assert dags["cases_ok"].next_run is None
        assert daily is not None
        assert now - 25 * HOUR < daily.due < now + 25 * HOUR
        assert daily.interval == (0.0 if is_new(world) else 24 * HOUR)
        assert catchup is not None
        assert catchup.logical_date == NEW_YEAR_2024
        assert catchup.due == NEW_YEAR_2024 + (0.0 if is_new(world) else HOUR)

    def test_what_a_schedule_asks_for_can_be_counted_on_3(self, world: World) -> None:
        history, first = world.api().history, NEW_YEAR_2024

        if not is_new(world):
            with pytest.raises(RejectedError) as caught:
                history.scheduled_between("cases_catchup", first=first, last=first + 3 * HOUR)
            assert caught.value.status == 404
            return

        count = history.scheduled_between("cases_catchup", first=first, last=first + 3 * HOUR)

        assert count == 4
