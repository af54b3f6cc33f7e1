"""Who paused what, from an event log that each release writes in its own way."""

from collections.abc import Callable

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.manual_clock import ManualClock
from fermata_hooks.airflow_api import AirflowApi, PauseEvent
from fermata_spec.errors import RejectedError

MakeApi = Callable[[FakeAirflow], AirflowApi]


def test_values_of_3_0_are_not_believed(make_api: MakeApi, clock: ManualClock) -> None:
    with FakeAirflow("3.0.6", now=clock.now) as airflow:
        airflow.add_dag("etl")
        airflow.person_pauses("etl")

        (event,) = make_api(airflow).pause_events(since=0, dag_ids=["etl"])

    assert airflow.rows[0].extra["is_paused"] is False
    assert event.value is None


@pytest.mark.parametrize("version", ["2.11.2", "3.0.6", "3.3.2"])
def test_the_command_line_says_by_its_name_what_it_did(
    version: str, make_api: MakeApi, clock: ManualClock
) -> None:
    with FakeAirflow(version, now=clock.now) as airflow:
        airflow.add_dag("etl")
        airflow.person_pauses_on_the_command_line("etl", paused=True)
        airflow.person_pauses_on_the_command_line("etl", paused=False)

        events = make_api(airflow).pause_events(since=0, dag_ids=["etl"])

    assert [(event.dag_id, event.owner, event.value) for event in events] == [
        ("etl", "root", True),
        ("etl", "root", False),
    ]


def test_the_command_line_with_a_pattern_meant_many(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.add_dag("etl_two")
    airflow.add_dag("other")
    command = "['airflow', 'dags', 'pause', '--treat-dag-id-as-regex', '^etl', '-y']"
    airflow.write_row("cli_dag_pause", "root", "^etl", {"full_command": command})

    (event,) = api.pause_events(since=0, dag_ids=["etl"])

    assert event.dag_id is None
    assert event.value is True
    assert api.dags_meant(event) == ["etl", "etl_two"]


def test_a_pattern_that_is_none_meant_nothing(api: AirflowApi) -> None:
    event = PauseEvent(
        id=1, when=0, dag_id=None, owner="x", event="cli_dag_pause", filters={"regex": "("}
    )

    assert api.dags_meant(event) == []


def test_a_row_of_one_dag_meant_that_one(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.person_pauses("etl")

    (event,) = api.pause_events(since=0, dag_ids=None)

    assert api.dags_meant(event) == ["etl"]


def test_a_request_for_all_dags_of_2x_meant_all(airflow_2: FakeAirflow, make_api: MakeApi) -> None:
    airflow_2.add_dag("other")
    airflow_2.write_row("api.patch_dags", "ann", None, {"dag_id_pattern": "~", "is_paused": True})
    api = make_api(airflow_2)

    (event,) = api.pause_events(since=0, dag_ids=["etl"])

    assert api.dags_meant(event) == ["etl", "other"]


def test_a_request_of_3x_without_a_pattern_meant_next_to_nothing(
    airflow: FakeAirflow, api: AirflowApi
) -> None:
    airflow.add_dag("none_of_it")
    airflow.write_row("patch_dags", "ann", None, {"is_paused": True})

    (event,) = api.pause_events(since=0, dag_ids=None)

    assert api.dags_meant(event) == ["none_of_it"]


def test_the_rows_of_other_dags_and_events_are_left_out(
    airflow: FakeAirflow, api: AirflowApi
) -> None:
    airflow.add_dag("other")
    airflow.person_pauses("other")
    airflow.write_row("trigger_dag_run", "ann", "etl")
    airflow.person_pauses("etl")

    events = api.pause_events(since=0, dag_ids=["etl"])

    assert [event.dag_id for event in events] == ["etl"]
    assert len(api.pause_events(since=0, dag_ids=None)) == 2


def test_rows_come_oldest_first_whatever_their_number(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    for number in range(250):
        clock.sleep(1)
        airflow.person_pauses("etl", paused=number % 2 == 0)

    events = api.pause_events(since=clock.now() - 220, dag_ids=["etl"])

    assert len(events) == 220
    assert [event.id for event in events] == list(range(31, 251))


@pytest.mark.parametrize(
    "extra", [None, "", "not JSON", "[]", '{"is_paused": "yes"}', "[" * 10_000]
)
def test_a_row_that_says_nothing_has_no_value(
    extra: str | None, airflow: FakeAirflow, api: AirflowApi
) -> None:
    row = airflow.write_row("patch_dag", "ann", "etl")
    row.raw_extra = extra

    (event,) = api.pause_events(since=0, dag_ids=["etl"])

    assert (event.value, event.tag) == (None, "")


def test_a_log_that_may_not_be_read_is_refused_with_403(
    airflow: FakeAirflow, api: AirflowApi
) -> None:
    airflow.accounts.denied.add("eventLogs")

    with pytest.raises(RejectedError) as caught:
        api.pause_events(since=0, dag_ids=None)

    assert caught.value.status == 403


def test_2x_gets_no_tag_because_it_would_refuse_it(
    airflow_2: FakeAirflow, make_api: MakeApi
) -> None:
    make_api(airflow_2).set_paused("etl", paused=True, tag="ledger.token")

    assert airflow_2.dags["etl"].is_paused
    assert airflow_2.sent("PATCH") == ["PATCH /api/v1/dags/etl?update_mask=is_paused"]
