"""What Airflow says is read field by field: newer fields and states are nobody's end."""

from typing import Any

import pytest

from fakes.fake_airflow import FakeAirflow
from fermata_hooks.airflow_api import AirflowApi, DagRun, TaskInstance, _parsing
from fermata_hooks.airflow_api._dialects import V1, V2
from fermata_hooks.airflow_api._fields import Fields
from fermata_spec.errors import RejectedError

SUBJECT = "GET http://airflow/api/v2/dags"
DAG: dict[str, Any] = {"dag_id": "etl", "is_paused": False, "is_stale": False}
TASK: dict[str, Any] = {
    "dag_id": "etl",
    "dag_run_id": "run",
    "task_id": "load",
    "queued_when": "2026-11-24T10:00:00Z",
    "scheduled_when": "2026-11-24T09:00:00Z",
    "start_date": "2026-11-24T11:00:00Z",
    "end_date": "2026-11-24T12:00:00Z",
}
TEN = 1795514400.0


def fields(raw: object) -> Fields:
    return Fields(raw, SUBJECT)


def test_fields_that_nobody_knows_are_left_alone() -> None:
    raw = {**DAG, "invented_later": {"by": ["somebody"]}, "tags": [{"name": "a", "color": "red"}]}

    dag = _parsing.dag(fields(raw), V2)

    assert (dag.dag_id, dag.tags) == ("etl", ("a",))


def test_a_dag_needs_three_fields_only() -> None:
    dag = _parsing.dag(fields(DAG), V2)

    assert (dag.file, dag.file_token, dag.owners, dag.has_import_errors) == ("", "", (), None)


@pytest.mark.parametrize("field", ["dag_id", "is_paused", "is_stale"])
def test_a_needed_field_that_is_missing_is_named(field: str) -> None:
    for raw in ({**DAG, field: None}, {name: DAG[name] for name in DAG if name != field}):
        with pytest.raises(RejectedError, match=f"^{SUBJECT}: {field} is missing$"):
            _parsing.dag(fields(raw), V2)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"is_paused": "no"}, "is_paused is 'no', not a bool"),
        ({"is_paused": 0}, "is_paused is 0, not a bool"),
        ({"dag_id": ["etl"]}, r"dag_id is \['etl'\], not a str"),
        ({"last_parsed_time": "soon"}, "last_parsed_time is 'soon', not a time"),
        ({"last_parsed_time": "2026-11-24T10:00:00"}, "not a time with its zone"),
        ({"owners": [1]}, "owners is 1, not a list of texts"),
        ({"tags": ["a"]}, r"tags\[0\] is 'a', not an object"),
        ({"tags": [{"name": "a"}, {}]}, r"tags\[1\]\.name is missing"),
    ],
)
def test_a_field_of_another_shape_is_named_with_its_value(
    change: dict[str, Any], said: str
) -> None:
    with pytest.raises(RejectedError, match=f"^{SUBJECT}: .*{said}"):
        _parsing.dag(fields({**DAG, **change}), V2)


def test_a_row_of_a_list_is_named_by_its_place(airflow: FakeAirflow, api: AirflowApi) -> None:
    body = b'{"dags": [{"dag_id": "a", "is_paused": true}], "total_entries": 1}'
    airflow.answers(200, path=r"/dags\?", body=body)

    with pytest.raises(RejectedError, match=r"/api/v2/dags: dags\[0\]\.is_stale is missing$"):
        api.dags()


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"7"])
def test_an_answer_that_is_no_object_is_refused(
    body: bytes, airflow: FakeAirflow, api: AirflowApi
) -> None:
    airflow.answers(200, path="/dags", body=body)

    with pytest.raises(RejectedError, match=r"/dags: the answer is .*, not an object"):
        api.dags()


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("success", "finished"),
        ("failed", "finished"),
        ("skipped", "finished"),
        ("upstream_failed", "finished"),
        ("removed", "finished"),
        ("running", "busy"),
        ("queued", "busy"),
        ("restarting", "busy"),
        ("scheduled", "idle"),
        ("deferred", "idle"),
        ("up_for_retry", "idle"),
        ("awaiting_input", "idle"),
        (None, "idle"),
        ("invented_later", "busy"),
    ],
)
def test_a_task_state_that_nobody_knows_is_busy_and_never_finished(
    state: str | None, expected: str
) -> None:
    task = _parsing.task_instance(fields({**TASK, "state": state}))

    assert task.state == (state or "none")
    assert ("finished" * task.finished or "busy" * task.busy or "idle") == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("queued", "going"),
        ("running", "going"),
        ("success", "finished"),
        ("failed", "finished"),
        ("invented_later", "going"),
    ],
)
def test_a_run_state_that_nobody_knows_is_never_finished(state: str, expected: str) -> None:
    run = DagRun(dag_id="etl", run_id="run", state=state)

    assert ("finished" if run.finished else "going") == expected


@pytest.mark.parametrize(
    ("state", "hours"),
    [("scheduled", -1), ("queued", 0), ("running", 1), ("deferred", 1), ("success", 2)],
)
def test_a_task_is_in_its_state_since_the_time_that_belongs_to_it(state: str, hours: int) -> None:
    task = _parsing.task_instance(fields({**TASK, "state": state}))

    assert task.since == TEN + hours * 3600


def test_a_task_without_times_is_in_its_state_since_nobody_knows() -> None:
    raw = {"dag_id": "etl", "dag_run_id": "run", "task_id": "load", "state": "queued"}

    assert _parsing.task_instance(fields(raw)) == TaskInstance(
        dag_id="etl", run_id="run", task_id="load", state="queued"
    )


@pytest.mark.parametrize(
    ("schedule", "timetable"),
    [
        (None, ""),
        ("@daily", "@daily"),
        ({"__type": "CronExpression", "value": "0 3 * * *"}, "0 3 * * *"),
        ({"__type": "TimeDelta", "days": 1, "seconds": 0}, '{"days": 1}'),
    ],
)
def test_a_schedule_is_one_line_whatever_its_shape(schedule: object, timetable: str) -> None:
    raw = {"dag_id": "etl", "is_paused": True, "is_active": True, "schedule_interval": schedule}

    assert _parsing.dag(fields(raw), V1).timetable == timetable


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_a_server_would_resolve_away_is_refused(
    name: str, airflow: FakeAirflow, api: AirflowApi
) -> None:
    with pytest.raises(RejectedError, match="cannot be part of an address"):
        api.set_paused(name, paused=True)

    assert airflow.sent("PATCH") == []


@pytest.mark.parametrize("dag_id", ["a/b", "a b", "ä", "..etl", "a%2Fb", "a?b=c", "a#b", "~"])
def test_a_name_is_one_segment_whatever_is_in_it(
    dag_id: str, airflow: FakeAirflow, api: AirflowApi
) -> None:
    airflow.add_dag(dag_id)

    api.set_paused(dag_id, paused=True)

    assert [name for name, dag in airflow.dags.items() if dag.is_paused] == [dag_id]


def test_a_source_that_may_not_be_seen_is_none(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.dags["etl"].source = "REDACTED - you do not have read permission on all Dags"
    dag = api.dag("etl")
    assert dag is not None

    assert api.dag_source(dag) is None


def test_a_trace_that_may_not_be_seen_says_so(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.add_import_error("secret.py", "REDACTED - you do not have read permission on all Dags")

    assert api.import_errors()[0].redacted


def test_a_broken_dag_of_3x_is_listed_only_with_the_stale_ones(
    airflow: FakeAirflow, api: AirflowApi
) -> None:
    airflow.add_dag("broken", file="broken.py")
    airflow.add_import_error("broken.py")

    assert [dag.dag_id for dag in api.dags()] == ["etl"]
    with_stale = {dag.dag_id: dag for dag in api.dags(include_stale=True)}
    assert with_stale["broken"].is_stale
    assert with_stale["broken"].has_import_errors


def test_components_that_never_ran_have_no_status(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.health["triggerer"].status = None
    airflow.health["triggerer"].heartbeat = None
    airflow.health["scheduler"].status = "unhealthy"
    del airflow.health["dag_processor"]

    health = api.health()

    assert (health.triggerer.status, health.triggerer.heartbeat) == (None, None)
    assert health.dag_processor.status is None
    assert not health.scheduler.healthy
    assert health.metadatabase.healthy


def test_a_server_without_a_date_is_as_late_as_we_are(
    airflow: FakeAirflow, api: AirflowApi
) -> None:
    airflow.sends_date = False

    assert api.set_paused("etl", paused=True).at == airflow.now()
