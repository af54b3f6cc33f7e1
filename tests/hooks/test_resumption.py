from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.fake_airflow import FakeAirflow, FakeRun
from fakes.manual_clock import ManualClock
from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.resumption import Resumption, Start, foresee
from fermata_spec.errors import RejectedError

MINUTE, HOUR = 60.0, 3600.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["3.3.2", "2.11.2"])
def airflow(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[FakeAirflow]:
    with FakeAirflow(request.param, now=clock.now) as airflow:
        yield airflow


@pytest.fixture
def api(airflow: FakeAirflow, clock: ManualClock, tmp_path: Path) -> Iterator[AirflowApi]:
    credentials = PasswordFiles(*airflow.credential_files(tmp_path))
    with AirflowApi(airflow.url, credentials, clock=clock) as api:
        yield api


def add_run(
    airflow: FakeAirflow, dag_id: str, run_id: str, state: str, *, run_type: str = "manual"
) -> None:
    run = FakeRun(dag_id=dag_id, run_id=run_id, state=state, run_type=run_type)
    airflow.runs[dag_id, run_id] = run


def is_new(airflow: FakeAirflow) -> bool:
    return airflow.release.generation == 3


def test_nothing_to_resume_asks_nothing(airflow: FakeAirflow, api: AirflowApi) -> None:
    assert foresee(api, ()) == Resumption()
    assert airflow.requests == []


def test_runs_that_wait_and_runs_that_froze_go_on(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.add_dag("etl", paused=True)
    add_run(airflow, "etl", "r1", "queued")
    add_run(airflow, "etl", "r2", "running")
    add_run(airflow, "etl", "r3", "success")

    found = foresee(api, ["etl"])

    assert found.starts == (Start(dag_id="etl", queued=1, going_on=1),)
    assert str(found) == "resuming starts 2 run(s) of 1 DAG(s)"
    assert str(found.starts[0]) == "1 queued, 1 going on"


def test_the_runs_of_a_backfill_go_on_but_do_not_start_all_at_once(
    airflow: FakeAirflow, api: AirflowApi
) -> None:
    airflow.add_dag("etl", paused=True)
    add_run(airflow, "etl", "backfill__1", "running", run_type="backfill")
    for number in range(2, 12):
        add_run(airflow, "etl", f"backfill__{number}", "queued", run_type="backfill")

    (start,) = foresee(api, ["etl"]).starts

    assert (start.runs, start.backfill) == (1, 10)
    assert str(start) == "1 going on, the 10 of a backfill one after the other"


def test_without_catchup_one_run_starts_however_much_was_missed(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    airflow.add_dag("etl", paused=True, next_due=clock.now() - 5 * HOUR, every=HOUR)

    assert foresee(api, ["etl"]).starts == (Start(dag_id="etl", missed=1),)


def test_with_catchup_every_interval_that_was_missed_starts_a_run(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    airflow.add_dag("etl", paused=True, catchup=True, next_due=clock.now() - 5 * HOUR, every=HOUR)

    found = foresee(api, ["etl"])

    assert found.runs == 6
    assert str(found).startswith(f"resuming starts {'' if is_new(airflow) else 'about '}6 run(s)")


def test_an_interval_that_has_not_ended_is_not_counted(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    airflow.add_dag("etl", paused=True, catchup=True, next_due=clock.now() + 1, every=HOUR)

    assert foresee(api, ["etl"]) == Resumption()


def test_a_single_missed_interval_needs_no_further_question(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    airflow.add_dag("etl", paused=True, catchup=True, next_due=clock.now() - 30, every=HOUR)

    assert foresee(api, ["etl"]).starts == (Start(dag_id="etl", missed=1),)
    assert airflow.sent("GET", "/details") == []


def test_of_a_long_time_only_the_first_day_is_counted(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    airflow.add_dag("etl", paused=True, catchup=True, next_due=clock.now() - 72 * HOUR, every=HOUR)

    (start,) = foresee(api, ["etl"]).starts

    assert (start.missed, start.quality) == ((25, "at least") if is_new(airflow) else (73, "about"))


def test_an_account_that_may_not_count_says_at_least(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    airflow.accounts.denied.add("backfills")
    airflow.add_dag("etl", paused=True, catchup=True, next_due=clock.now() - 5 * HOUR, every=HOUR)

    (start,) = foresee(api, ["etl"]).starts

    assert (start.missed, start.quality) == ((1, "at least") if is_new(airflow) else (6, "about"))


def test_schedules_beyond_the_first_fifty_are_not_asked_about(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    dag_ids = [f"etl_{number:02}" for number in range(60)]
    for dag_id in dag_ids:
        airflow.add_dag(dag_id, paused=True, next_due=clock.now() - 5 * HOUR, every=HOUR)

    found = foresee(api, dag_ids)

    assert len(airflow.sent("GET", "/details")) == 50
    assert found.runs == 60
    assert str(found) == "resuming starts at least 60 run(s) of 60 DAG(s)"


def test_an_airflow_that_does_not_answer_is_asked_about_one_schedule_only(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    for dag_id in ("a", "b", "c"):
        airflow.add_dag(dag_id, paused=True, next_due=clock.now() - 5 * HOUR, every=HOUR)
    airflow.answers(503, path="/details", times=0)

    found = foresee(api, ["a", "b", "c"])

    assert str(found) == "resuming starts at least 3 run(s) of 3 DAG(s)"
    assert len({path.partition("?")[0] for path in airflow.sent("GET", "/details")}) == 1


def test_what_assets_have_asked_for_cannot_be_counted_and_is_said(
    airflow: FakeAirflow, api: AirflowApi
) -> None:
    timetable = "Asset" if is_new(airflow) else "Dataset"
    airflow.add_dag("etl", paused=True, timetable=timetable)

    found = foresee(api, ["etl"])

    assert found.runs == 0
    assert str(found.starts[0]) == "what its assets have asked for"


def test_a_dag_that_runs_already_is_gone_or_stale_starts_nothing(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    due = clock.now() - HOUR
    airflow.add_dag("running", next_due=due, every=HOUR)
    airflow.add_dag("stale", paused=True, is_stale=True, next_due=due, every=HOUR)

    assert foresee(api, ["running", "stale", "gone"]) == Resumption()


@pytest.mark.parametrize("others", [0, 30])
def test_most_runs_come_first_and_other_dags_do_not_count(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock, others: int
) -> None:
    for number in range(others):
        airflow.add_dag(f"other_{number}", paused=True, next_due=clock.now() - HOUR, every=HOUR)
    wanted = [f"d{number:02}" for number in range(25)]
    for dag_id in wanted:
        airflow.add_dag(dag_id, paused=True)
    add_run(airflow, "d03", "r1", "queued")
    add_run(airflow, "d07", "r1", "queued")
    add_run(airflow, "d07", "r2", "queued")

    found = foresee(api, wanted)

    assert [start.dag_id for start in found.starts] == ["d07", "d03"]


def test_runs_that_may_not_be_read_are_no_zero(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.add_dag("etl", paused=True)
    airflow.accounts.denied.add("dagRuns")

    with pytest.raises(RejectedError):
        foresee(api, ["etl"])
