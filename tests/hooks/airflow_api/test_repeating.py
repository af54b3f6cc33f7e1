"""What is safe to repeat is repeated a few times; a pause never is."""

from collections.abc import Callable

import pytest

from fakes.fake_airflow import FakeAirflow
from fakes.manual_clock import ManualClock
from fermata_hooks.airflow_api import AirflowApi, NotSentError, TaskInstance
from fermata_spec.errors import FermataError, RejectedError, UnavailableError

Verb = Callable[[AirflowApi], object]

TASK = TaskInstance(dag_id="etl", run_id="run", task_id="hello")
REPEATED: dict[str, Verb] = {
    "reading the list": lambda api: api.dags(),
    "reading one DAG": lambda api: api.dag("etl"),
    "reading a batch": lambda api: api.task_instances(dag_ids=["etl"], states=["running"]),
    "reading a log": lambda api: api.log_tail(TASK, lines=5),
    "triggering": lambda api: api.trigger("etl", run_id="new", conf={}, note=""),
    "ending a run": lambda api: api.set_run_state("etl", "run", "failed"),
    "asking for a parse": lambda api: api.request_parse(token(api)),
}


def token(api: AirflowApi) -> str:
    dag = api.dag("etl")
    assert dag is not None
    return dag.file_token


@pytest.fixture(autouse=True)
def run(api: AirflowApi) -> None:
    """Let there be a run to ask about, and a version that is known."""
    api.trigger("etl", run_id="run", conf={}, note="")


@pytest.mark.parametrize("verb", REPEATED.values(), ids=REPEATED)
def test_a_passing_fault_is_not_noticed(
    verb: Verb, airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    airflow.answers(503)
    airflow.loses(method="", effect="never")

    verb(api)

    assert len(clock.naps) == 2


@pytest.mark.parametrize("verb", REPEATED.values(), ids=REPEATED)
def test_a_refusal_is_not_argued_with(
    verb: Verb, airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    airflow.answers(400)

    with pytest.raises(RejectedError):
        verb(api)

    assert clock.naps == []


def test_after_four_attempts_it_is_given_up(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    airflow.answers(503, times=0)
    before = len(airflow.requests)

    with pytest.raises(UnavailableError, match="503"):
        api.dags()

    assert len(airflow.requests) - before == 4
    assert len(clock.naps) == 3
    assert all(0 <= nap <= 8 for nap in clock.naps)


def test_the_servers_wish_is_obeyed(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    airflow.answers(429, headers={"Retry-After": "17"})

    api.dags()

    assert len(clock.naps) == 1
    assert 17 <= clock.naps[0] < 18


def test_a_wish_beyond_our_patience_ends_it_at_once(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    airflow.answers(429, headers={"Retry-After": "600"})

    with pytest.raises(UnavailableError) as caught:
        api.dags()

    assert caught.value.retry_after == 600
    assert clock.naps == []


def test_a_run_whose_answer_was_lost_is_adopted(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.loses(method="POST", effect="now")

    run = api.trigger("etl", run_id="lost", conf={}, note="")

    assert run.run_id == "lost"
    assert len(airflow.sent("POST", "/dagRuns")) == 3  # with the one of the fixture


def test_a_conflict_about_another_run_stays_one(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.answers(409, method="POST")

    with pytest.raises(RejectedError) as caught:
        api.trigger("etl", run_id="never-made", conf={}, note="")

    assert caught.value.status == 409


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(lambda airflow: airflow.answers(503, method="PATCH"), id="503"),
        pytest.param(lambda airflow: airflow.answers(429, method="PATCH"), id="429"),
        pytest.param(lambda airflow: airflow.loses(effect="never"), id="lost"),
        pytest.param(lambda airflow: airflow.loses(effect="now"), id="answer lost"),
    ],
)
def test_a_pause_is_sent_once(
    order: Callable[[FakeAirflow], None],
    airflow: FakeAirflow,
    api: AirflowApi,
    clock: ManualClock,
) -> None:
    order(airflow)

    with pytest.raises(UnavailableError) as caught:
        api.set_paused("etl", paused=True)

    assert not isinstance(caught.value, NotSentError)
    assert len(airflow.sent("PATCH")) == 1
    assert clock.naps == []


def test_a_pause_that_landed_late_is_seen(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.loses(effect="later")
    with pytest.raises(UnavailableError):
        api.set_paused("etl", paused=True)
    assert not airflow.dags["etl"].is_paused

    assert airflow.land() == 1

    assert airflow.dags["etl"].is_paused


def test_without_a_connection_a_pause_was_not_sent(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.stop()

    with pytest.raises(NotSentError):
        api.set_paused("etl", paused=True)


def test_without_a_token_a_pause_was_not_sent(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    clock.sleep(airflow.accounts.token_life)
    airflow.answers(503, path="/auth/token")

    with pytest.raises(NotSentError, match="/auth/token: 503"):
        api.set_paused("etl", paused=True)

    assert airflow.sent("PATCH") == []


def test_a_connection_that_idled_is_not_used_again(
    airflow: FakeAirflow, api: AirflowApi, clock: ManualClock
) -> None:
    api.dags()
    before = airflow.connections
    api.dags()
    assert airflow.connections == before

    clock.sleep(3)
    api.set_paused("etl", paused=True)

    assert airflow.connections == before + 1


def test_every_request_is_counted(airflow: FakeAirflow, api: AirflowApi) -> None:
    airflow.answers(503)
    api.dags()
    api.set_paused("etl", paused=True)

    counted = {kind.removeprefix("airflow "): count for kind, count in api.calls.items()}

    assert counted == {method: len(airflow.sent(method)) for method in ("GET", "POST", "PATCH")}


def test_errors_are_ours_also_when_the_version_cannot_be_asked_for(
    airflow: FakeAirflow, make_api: Callable[[FakeAirflow], AirflowApi]
) -> None:
    airflow.answers(503, times=0)

    with pytest.raises(FermataError, match="/api/v2/version: 503"):
        make_api(airflow).dags()
