"""What the client promises, stated once for the fake Airflow and for the real one.

A test module inherits ``AirflowCases`` and provides the fixture ``world``. If the fake and the
truth differ, one of the two modules is red.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

import pytest

from fermata_hooks.airflow_api import AirflowApi, DagRun
from fermata_spec.errors import RejectedError

MANY = [f"cases_many_{number:03}" for number in range(105)]
PARSED = 30.0  # seconds within which a row of a list is expected to be no older

Found = TypeVar("Found")


class World(Protocol):
    """An Airflow that holds the DAGs of ``tests/real/dags``, and the users fermata, ann, victor."""

    version: str
    secrets: list[str]

    def api(self, user: str = "fermata") -> AirflowApi:
        """Return a client that logs in as ``user``."""

    def stranger(self) -> AirflowApi:
        """Return a client whose password is wrong."""

    def bulk_pause(self, query: str, *, paused: bool) -> None:
        """Let ann send ``PATCH /dags?query``."""

    def eventually(self, look: Callable[[], Found | None]) -> Found:
        """Return what ``look`` finds, as soon as it finds something."""


def is_new(world: World) -> bool:
    return world.version.startswith("3.")


def finished_run(world: World, dag_id: str, run_id: str) -> DagRun:
    """Trigger a run and return it when it is over."""
    api = world.api()
    api.trigger(dag_id, run_id=run_id, conf={"revision": "abc"}, note="a test")

    def over() -> DagRun | None:
        run = api.dag_run(dag_id, run_id)
        return run if run and run.finished else None

    return world.eventually(over)


class AirflowCases:
    """The cases."""

    def test_the_version_is_found_out(self, world: World) -> None:
        version = world.api().version()

        assert version.text == world.version
        assert version.release == tuple(int(part) for part in world.version.split("."))
        assert version.api == ("v2" if is_new(world) else "v1")

    def test_the_health_of_the_components_is_told(self, world: World) -> None:
        health = world.api().health()

        assert health.metadatabase.healthy
        assert health.scheduler.healthy
        assert health.scheduler.heartbeat is not None
        assert world.api().server_time() - health.scheduler.heartbeat < PARSED

    def test_every_dag_is_listed_once_whatever_the_pages(self, world: World) -> None:
        dag_ids = [dag.dag_id for dag in world.api().dags()]

        assert dag_ids == sorted(set(dag_ids))
        assert set(MANY) < set(dag_ids)
        assert "cases_broken" not in dag_ids

    def test_a_dag_is_told_with_what_selects_it(self, world: World) -> None:
        dags = {dag.dag_id: dag for dag in world.api().dags()}

        dag = dags["cases_ok"]
        assert set(dag.tags) == {"cases", "one"}
        assert dag.owners == ("alice",)
        assert dag.file.endswith("cases.py")
        assert dag.file.startswith("/") is not is_new(world)
        assert dag.file_token
        assert dag.timetable == ""
        assert dag.bundle_name == ("dags-folder" if is_new(world) else None)
        assert dag.has_import_errors is False
        assert not dag.is_stale
        assert dag.last_parsed_time is not None
        assert dags["cases_daily"].timetable in {"@daily", "0 0 * * *"}
        assert dags["cases_paused"].is_paused

    def test_one_dag_is_the_same_as_in_the_list(self, world: World) -> None:
        listed = {dag.dag_id: dag for dag in world.api().dags()}["cases_ok"]

        alone = world.api().dag("cases_ok")

        assert alone is not None
        assert alone.file_token == listed.file_token
        assert (alone.dag_id, alone.tags, alone.owners) == (
            listed.dag_id,
            listed.tags,
            listed.owners,
        )

    def test_what_is_not_there_is_none(self, world: World) -> None:
        api = world.api()

        assert api.dag("cases_nope") is None
        assert api.dag_details("cases_nope") is None
        assert api.dag_run("cases_ok", "nope") is None

    def test_the_serialized_form_is_told(self, world: World) -> None:
        details = world.api().dag_details("cases_ok")

        assert details is not None
        assert details.dag.dag_id == "cases_ok"
        assert details.doc_md == "fermata:0123456789abcdef"
        assert details.params == {"a": 1}
        assert details.catchup is False
        assert details.is_paused_upon_creation is False
        assert details.latest_version_number == (1 if is_new(world) else None)

    def test_the_source_of_a_dag_is_its_file(self, world: World) -> None:
        api = world.api()
        dag = api.dag("cases_ok")
        assert dag is not None

        source = api.dag_source(dag)

        assert source is not None
        assert "fermata:0123456789abcdef" in source

    def test_pausing_and_unpausing_are_answered_with_the_dag(self, world: World) -> None:
        api = world.api()

        paused = api.set_paused("cases_ok", paused=True)
        assert paused.dag.dag_id == "cases_ok"
        assert paused.dag.is_paused
        assert [dag.is_paused for dag in api.dags() if dag.dag_id == "cases_ok"] == [True]

        resumed = api.set_paused("cases_ok", paused=False)
        assert not resumed.dag.is_paused
        assert resumed.at >= paused.at

    def test_pausing_what_is_paused_changes_nothing(self, world: World) -> None:
        answer = world.api().set_paused("cases_paused", paused=True)

        assert answer.dag.is_paused

    def test_pausing_a_dag_that_is_not_there_is_refused(self, world: World) -> None:
        with pytest.raises(
            RejectedError, match=r"^PATCH http://\S+/dags/cases_nope: 404 "
        ) as caught:
            world.api().set_paused("cases_nope", paused=True)

        assert caught.value.status == 404

    def test_eight_at_a_time_may_pause(self, world: World) -> None:
        api = world.api()
        some, before = MANY[:32], api.calls["airflow PATCH"]

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda dag_id: api.set_paused(dag_id, paused=False), some))

        assert [answer.dag.dag_id for answer in answers] == some
        assert not any(answer.dag.is_paused for answer in answers)
        assert api.calls["airflow PATCH"] - before == len(some)

    def test_a_file_that_cannot_be_imported_is_told(self, world: World) -> None:
        every = world.api().import_errors()
        errors = [error for error in every if "broken" in error.filename]

        assert world.api().import_error_count() == len(every)
        assert len(errors) == 1
        assert errors[0].filename.endswith("cases_broken.py")
        assert "No module named 'nonexistent_module'" in errors[0].stack_trace
        assert not errors[0].redacted
        assert errors[0].timestamp is not None
        assert errors[0].bundle_name == ("dags-folder" if is_new(world) else None)

    def test_a_run_is_started_and_succeeds(self, world: World) -> None:
        run = finished_run(world, "cases_ok", "cases-success")

        assert run.state == "success"
        assert run.run_type == "manual"
        assert run.start is not None
        assert run.end is not None
        assert run.version_numbers == ((1,) if is_new(world) else ())

    def test_a_run_that_is_there_already_is_adopted(self, world: World) -> None:
        api = world.api()
        first = api.trigger("cases_paused", run_id="cases-adopted", conf={}, note="first")

        second = api.trigger("cases_paused", run_id="cases-adopted", conf={}, note="second")

        assert (second.dag_id, second.run_id) == (first.dag_id, first.run_id)

    def test_a_run_of_a_paused_dag_stays_queued_until_it_is_failed(self, world: World) -> None:
        api = world.api()
        api.trigger("cases_paused", run_id="cases-queued", conf={}, note="")
        run = api.dag_run("cases_paused", "cases-queued")
        assert run is not None
        assert run.state == "queued"
        assert not run.finished

        api.set_run_state("cases_paused", "cases-queued", "failed")

        ended = api.dag_run("cases_paused", "cases-queued")
        assert ended is not None
        assert ended.state == "failed"

    def test_a_run_of_a_dag_that_is_not_there_is_refused(self, world: World) -> None:
        with pytest.raises(RejectedError) as caught:
            world.api().trigger("cases_nope", run_id="x", conf={}, note="")

        assert caught.value.status == 404

    def test_a_failed_run_shows_its_task_and_the_end_of_its_log(self, world: World) -> None:
        api = world.api()
        run = finished_run(world, "cases_fails", "cases-failure")

        tasks = {task.task_id: task for task in api.run_task_instances(run.dag_id, run.run_id)}

        assert run.state == "failed"
        assert {name: task.state for name, task in tasks.items()} == {
            "before": "success",
            "boom": "failed",
        }
        assert tasks["boom"].finished
        assert tasks["boom"].since is not None
        assert any("boom-msg" in line for line in api.log_tail(tasks["boom"], lines=15))
        assert len(api.log_tail(tasks["boom"], lines=2)) == 2
        assert (
            len([line for line in api.log_tail(tasks["before"], lines=100) if "line" in line]) == 30
        )

    def test_task_instances_are_found_across_runs_by_dag_and_state(self, world: World) -> None:
        api = world.api()
        finished_run(world, "cases_ok", "cases-found")
        # More ids than fit into one question.
        dag_ids = ["cases_nope", *MANY, "cases_ok"]

        found = api.task_instances(dag_ids=dag_ids, states=["success", "running"])

        assert ("cases_ok", "cases-found", "hello") in {
            (task.dag_id, task.run_id, task.task_id) for task in found
        }
        assert api.task_instances(dag_ids=["cases_ok"], states=["restarting"]) == []
        assert api.task_instances(dag_ids=MANY, states=["success"]) == []
        assert api.task_instances(dag_ids=[], states=["success"]) == []
        assert api.task_instances(dag_ids=["cases_ok"], states=[]) == []

    def test_a_task_that_never_ran_has_no_log(self, world: World) -> None:
        api = world.api()
        api.trigger("cases_paused", run_id="cases-no-log", conf={}, note="")
        tasks = api.run_task_instances("cases_paused", "cases-no-log")

        assert [task.state for task in tasks] in ([], ["none"])
        assert [api.log_tail(task, lines=5) for task in tasks] in ([], [[]])

    def test_parsing_can_be_asked_for_again_and_again(self, world: World) -> None:
        api = world.api()
        before = api.dag("cases_ok")
        assert before is not None

        for _ in range(3):
            api.request_parse(before.file_token)

        def parsed_again() -> bool | None:
            dag = api.dag("cases_ok")
            assert dag is not None
            return (dag.last_parsed_time or 0) > (before.last_parsed_time or 0) or None

        assert world.eventually(parsed_again)

    def test_parsing_a_file_that_is_not_there_is_refused(self, world: World) -> None:
        with pytest.raises(RejectedError) as caught:
            world.api().request_parse("made.up")

        assert caught.value.status == 404

    def test_the_event_log_tells_our_pauses_from_a_persons(self, world: World) -> None:
        api, ann = world.api(), world.api("ann")
        since = api.server_time() - 60
        api.set_paused("cases_watched", paused=True, tag="ledger.token")
        ann.set_paused("cases_watched", paused=False)
        ann.set_paused("cases_daily", paused=True)

        events = api.pause_events(since=since, dag_ids=["cases_watched"])

        events = [event for event in events if event.dag_id]
        assert [(event.dag_id, event.owner) for event in events] == [
            ("cases_watched", "fermata"),
            ("cases_watched", "ann"),
        ]
        assert [event.tag for event in events] == ["ledger.token" if is_new(world) else "", ""]
        assert api.account == "fermata"
        assert events[0].id < events[1].id
        assert since < events[0].when <= events[1].when
        if api.version().pause_log == "values":
            assert [event.value for event in events] == [True, False]

    def test_the_event_log_begins_where_it_is_asked_to(self, world: World) -> None:
        api = world.api()
        api.set_paused(MANY[-1], paused=True)

        assert api.pause_events(since=api.server_time() + 3600, dag_ids=None) == []

    def test_a_pause_of_many_dags_is_told_by_its_filters(self, world: World) -> None:
        api = world.api()
        since = api.server_time() - 60
        world.bulk_pause("dag_id_pattern=cases_many_00&limit=20", paused=False)

        events = api.pause_events(since=since, dag_ids=["cases_many_001"])

        (event,) = [event for event in events if event.dag_id is None]
        assert event.owner == "ann"
        assert event.filters == {"dag_id_pattern": "cases_many_00"}
        assert api.dags_meant(event) == MANY[:10]
        if api.version().pause_log == "values":
            assert event.value is False

    def test_who_may_only_look_is_refused_and_sees_everything(self, world: World) -> None:
        victor = world.api("victor")

        with pytest.raises(RejectedError, match=r"403 .*victor") as caught:
            victor.set_paused("cases_watched", paused=True)

        assert caught.value.status == 403
        assert len(victor.dags()) == len(world.api().dags())
        assert len(victor.import_errors()) == len(world.api().import_errors())
        assert victor.task_instances(dag_ids=["cases_ok"], states=["restarting"]) == []

    def test_a_run_id_that_airflow_cannot_take_is_refused(self, world: World) -> None:
        with pytest.raises(RejectedError, match=r"cases_ok: run id 'a b' is not 1 to 250 letters"):
            world.api().trigger("cases_ok", run_id="a b", conf={}, note="")

    def test_a_wrong_password_is_one_line_that_names_its_file(self, world: World) -> None:
        with pytest.raises(RejectedError) as caught:
            world.stranger().dags()

        assert caught.value.status in {401, 403}
        assert "stranger-password" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert not any(secret in str(caught.value) for secret in world.secrets)
