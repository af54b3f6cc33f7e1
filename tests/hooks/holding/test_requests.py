"""Requests that are sent by threads: how many at once, until when, and what becomes of them."""

import threading
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.manual_clock import ManualClock
from fermata_hooks.documents import FileDocuments
from fermata_hooks.holding import Environment, Look, PauseRows
from fermata_hooks.holding._requests import Outcome, Sending
from fermata_hooks.ledger import Ledger, LogMode
from fermata_hooks.ledger.hold_rules import Intent
from fermata_hooks.termination import Termination
from fermata_spec.errors import RejectedError, UnavailableError

DAGS = [f"dag_{number:02}" for number in range(20)]


class CountingAirflow:
    """An Airflow that answers as it is told, and counts who asks at once."""

    log_mode: LogMode = "values"
    answers_before_commit = False

    def __init__(self) -> None:
        self.failures: dict[str, Exception] = {}
        self.paused: dict[str, bool] = {}
        self.most = 0
        self.wait: threading.Event | None = None
        self._now = 0
        self._lock = threading.Lock()

    def set_paused(self, dag_id: str, *, paused: bool, tag: str) -> None:
        assert tag == "L.me"
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        if self.wait is not None:
            self.wait.wait()
        with self._lock:
            self._now -= 1
        if dag_id in self.failures:
            raise self.failures[dag_id]
        self.paused[dag_id] = paused

    def look(self, dag_ids: Collection[str]) -> Look:
        return Look({d: self.paused[d] for d in dag_ids if d in self.paused}, 0.0)

    def pause_rows(self, *, since: float, known: Collection[int]) -> PauseRows:
        raise AssertionError(f"nobody asks for rows since {since} but for {known}")


@pytest.fixture
def airflow() -> CountingAirflow:
    return CountingAirflow()


@pytest.fixture
def environment(airflow: CountingAirflow, tmp_path: Path) -> Environment:
    clock = ManualClock()
    return Environment(
        airflow=airflow,
        ledger=Ledger(FileDocuments(tmp_path), clock=clock),
        clock=clock,
        termination=Termination(),
        token="me",
    )


def send(environment: Environment, *, intent: Intent | None = None) -> Outcome:
    with Sending(environment) as sending:
        requests = dict.fromkeys(DAGS, True)
        sending.send(requests, intent=intent or environment.intend(), ledger_id="L")
        return sending.outcome(of_all=True)


def test_eight_are_sent_at_once_and_no_more(
    airflow: CountingAirflow, environment: Environment
) -> None:
    airflow.wait = threading.Event()
    threading.Timer(0.2, airflow.wait.set).start()

    outcome = send(environment)

    assert outcome.answered == set(DAGS)
    assert airflow.most == 8


def test_every_kind_of_answer_is_told_apart(
    airflow: CountingAirflow, environment: Environment
) -> None:
    airflow.failures = {
        "dag_00": UnavailableError("503"),
        "dag_01": RejectedError("403", status=403),
        "dag_02": RejectedError("404", status=404),
        "dag_03": RejectedError("a proxy's", status=408),
    }

    outcome = send(environment)

    assert outcome.lost.keys() == {"dag_00", "dag_03"}
    assert outcome.refused.keys() == {"dag_01"}
    assert outcome.absent == {"dag_02"}
    assert outcome.answered == set(DAGS[4:])


def test_nothing_is_sent_when_the_window_is_over(
    airflow: CountingAirflow, environment: Environment
) -> None:
    intent = environment.intend()
    environment.clock.sleep(61.0)

    assert send(environment, intent=intent).unsent == set(DAGS)
    assert airflow.paused == {}


def test_nothing_is_sent_after_sigterm(airflow: CountingAirflow, environment: Environment) -> None:
    environment.termination.request()

    assert send(environment).unsent == set(DAGS)
    assert airflow.paused == {}


def test_a_200_that_is_not_seen_to_be_done_is_no_answer(
    airflow: CountingAirflow, environment: Environment
) -> None:
    class Early(CountingAirflow):
        answers_before_commit = True

        def set_paused(self, dag_id: str, *, paused: bool, tag: str) -> None:
            super().set_paused(dag_id, paused=paused and dag_id != "dag_00", tag=tag)

    outcome = send(replace(environment, airflow=Early()))

    assert airflow.paused == {}
    assert outcome.lost.keys() == {"dag_00"}
    assert outcome.answered == set(DAGS[1:])


def test_no_two_intents_of_a_process_end_at_the_same_time(environment: Environment) -> None:
    ends = {environment.intend().until for _ in range(100)}

    assert len(ends) == 100


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_a_thread_does_not_hang_the_process(
    airflow: CountingAirflow, environment: Environment
) -> None:
    airflow.failures = {"dag_00": ValueError("a bug")}

    with pytest.raises(RuntimeError, match="a thread that sends requests died"):
        send(environment)
