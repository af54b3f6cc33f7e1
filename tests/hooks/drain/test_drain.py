import logging
from collections.abc import Callable, Sequence

import pytest

from fakes.manual_clock import ManualClock
from fermata_hooks.airflow_api import TaskInstance
from fermata_hooks.drain import SCHEDULER_LOOP, Drained, DrainOrder, Tasks, describe, drain, look
from fermata_spec.errors import RejectedError, UnavailableError

START = 1_800_000_000.0  # where the clock begins: 2027-01-15T08:00:00Z
MINUTE = 60.0


def task(
    task_id: str, *, since: float | None = START, state: str = "running", run_id: str = "r1"
) -> TaskInstance:
    return TaskInstance(dag_id="etl", run_id=run_id, task_id=task_id, state=state, since=since)


class Airflow:
    """An Airflow whose tasks are, at each look, the next of ``looks``; the last one stays.

    ``usual`` are the durations of each task's successes; its clock goes ``ahead`` of ours.
    """

    def __init__(
        self,
        *looks: list[TaskInstance],
        clock: ManualClock | None = None,
        usual: dict[str, list[float]] | None = None,
        ahead: float = 0.0,
    ) -> None:
        self.clock = clock or ManualClock(START)
        self._looks = list(looks)
        self._usual = usual or {}
        self._ahead = ahead
        self.looked: list[tuple[Sequence[str], Sequence[str]]] = []
        self.asked: list[str] = []
        self.history_fails = False

    @property
    def history(self) -> "Airflow":
        return self

    def task_instances(
        self, *, dag_ids: Sequence[str], states: Sequence[str]
    ) -> list[TaskInstance]:
        self.looked.append((dag_ids, states))
        found = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        return [ti for ti in found if ti.state in states]

    def durations(self, dag_id: str, task_id: str, *, now: float, most: int) -> list[float]:
        assert dag_id == "etl"
        assert now == self.server_time()
        self.asked.append(task_id)
        if self.history_fails:
            raise RejectedError("403", status=403)
        return self._usual.get(task_id, [])[:most]

    def server_time(self) -> float:
        return self.clock.now() + self._ahead


def mine() -> None:
    """Say that the hold is still ours."""


def drained(
    airflow: Airflow,
    *,
    deadline: float = MINUTE,
    extend_to: float = 0.0,
    tasks: Tasks | None = None,
    still_ours: Callable[[], None] = mine,
) -> Drained:
    """Drain; with ``extend_to`` by the policy ``extend``."""
    order = DrainOrder(
        tasks=tasks or Tasks(dag_ids=["etl"]),
        deadline=deadline,
        on_deadline="extend" if extend_to else "fail",
        extend_to=extend_to,
    )
    return drain(airflow, order, clock=airflow.clock, still_ours=still_ours)


def test_one_clean_look_is_not_enough() -> None:
    airflow = Airflow([])

    done = drained(airflow)

    assert len(airflow.looked) == 2
    assert done.seconds >= SCHEDULER_LOOP
    assert not done.unfinished


def test_a_task_seen_at_the_second_look_starts_the_wait_anew() -> None:
    airflow = Airflow([], [task("late")], [], [])

    drained(airflow)

    assert len(airflow.looked) == 4


def test_at_the_deadline_the_blockers_are_named_with_their_numbers() -> None:
    airflow = Airflow([task("load")])

    done = drained(airflow, deadline=20.0)

    assert done.unfinished == (
        "1 task(s) still active after 20s: etl.load (running since 2027-01-15T08:00:00Z)"
    )
    assert [blocker.task_id for blocker in done.blockers] == ["load"]
    assert sum(airflow.clock.naps) == pytest.approx(20.0)


def test_a_deadline_without_a_second_clean_look_is_no_pass() -> None:
    done = drained(Airflow([task("load")], []), deadline=3.0)

    assert "0 task(s)" in done.unfinished
    assert "no second look" in done.unfinished


def test_a_hold_that_somebody_ended_stops_the_drain_before_the_next_look() -> None:
    airflow = Airflow([task("load")])

    def gone() -> None:
        raise UnavailableError("demo: the hold was ended by somebody else")

    with pytest.raises(UnavailableError, match="ended by somebody else"):
        drained(airflow, still_ours=gone)

    assert not airflow.looked


def test_looks_become_rarer_the_longer_it_takes() -> None:
    airflow = Airflow([task("load")])

    drained(airflow, deadline=900.0)

    assert airflow.clock.naps[0] == 2.0
    assert max(airflow.clock.naps) == 10.0
    assert len(airflow.looked) < 130


def test_a_deferred_task_is_no_blocker_unless_asked_for() -> None:
    waiting = [task("sensor", state="deferred")]

    assert not drained(Airflow(waiting)).unfinished
    assert drained(
        Airflow(waiting), tasks=Tasks(dag_ids=["etl"], wait_for_deferred=True)
    ).unfinished


def test_what_a_paused_dag_never_goes_on_with_is_not_waited_for() -> None:
    airflow = Airflow([task("sensor", state="up_for_reschedule")])

    done = drained(airflow, tasks=Tasks(dag_ids=["etl"], wait_for_deferred=True), deadline=900.0)

    assert "goes on only after the hold" in done.unfinished
    assert airflow.clock.naps == []


def test_the_run_that_started_the_sync_does_not_keep_it_waiting() -> None:
    airflow = Airflow([task("sync", run_id="started"), task("load", run_id="other")])
    tasks = Tasks(dag_ids=["etl"], exclude_run=("etl", "started"))

    done = drained(airflow, tasks=tasks)

    assert [blocker.task_id for blocker in done.blockers] == ["load"]


def test_a_blocker_is_shown_with_its_owner_its_usual_duration_and_its_expected_end() -> None:
    airflow = Airflow([task("load")], usual={"load": [100.0, 900.0, 120.0]})
    tasks = Tasks(dag_ids=["etl"], owners={"etl": ["alice", "bob"]})

    done = drained(airflow, tasks=tasks)

    assert describe(done.blockers) == (
        "etl.load (running since 2027-01-15T08:00:00Z, alice, bob, usually 2m, "
        "expected to end 2027-01-15T08:02:00Z)"
    )
    assert done.blockers[0].usual == 120.0


def test_a_queued_task_has_a_usual_duration_but_no_expected_end() -> None:
    airflow = Airflow([task("load", state="queued")], usual={"load": [120.0]})

    (blocker,) = drained(airflow).blockers

    assert (blocker.usual, blocker.expected) == (120.0, "")


def test_history_is_asked_once_a_task_and_only_when_it_blocks_at_two_looks() -> None:
    airflow = Airflow(
        [task("short"), task("long")], [task("long")], [task("long")], [], usual={"long": [60.0]}
    )

    drained(airflow)

    assert airflow.asked == ["long"]


def test_the_history_of_a_few_tasks_is_enough() -> None:
    airflow = Airflow([task(f"t{number}") for number in range(50)])

    drained(airflow)

    assert len(airflow.asked) == 20


def test_a_history_that_may_not_be_read_is_no_obstacle_and_not_asked_again() -> None:
    airflow = Airflow([task("load"), task("mail")], [task("load"), task("mail")], [])
    airflow.history_fails = True

    assert not drained(airflow).unfinished
    assert airflow.asked == ["load"]


def test_extend_waits_on_for_what_will_end_in_time() -> None:
    airflow = Airflow(*[[task("load")]] * 45, [], usual={"load": [2 * MINUTE]})

    done = drained(airflow, extend_to=10 * MINUTE)

    assert not done.unfinished
    assert done.seconds > MINUTE


def test_extend_waits_on_for_what_nobody_knows() -> None:
    airflow = Airflow([task("load")])

    done = drained(airflow, extend_to=10 * MINUTE)

    assert done.seconds == pytest.approx(10 * MINUTE)
    assert "still active after 10m" in done.unfinished


@pytest.mark.parametrize(
    "ahead",
    [
        pytest.param(0.0, id="clocks agree"),
        pytest.param(-900.0, id="Airflow is a quarter of an hour behind"),
    ],
)
def test_extend_does_not_wait_for_what_will_not_end_in_time(ahead: float) -> None:
    airflow = Airflow(
        [task("load", since=START + ahead)], usual={"load": [30 * MINUTE]}, ahead=ahead
    )

    done = drained(airflow, extend_to=10 * MINUTE)

    assert done.seconds == pytest.approx(MINUTE)
    assert "not to end within 10m" in done.unfinished


def test_the_oldest_blocker_comes_first_and_the_rest_is_counted() -> None:
    airflow = Airflow([task(f"t{number}", since=START - number) for number in range(7)])

    found = look(airflow, Tasks(dag_ids=["etl"]))

    assert found[0].task_id == "t6"
    assert describe(found).endswith("and 2 more")


def test_nothing_held_asks_nothing() -> None:
    airflow = Airflow([task("load")])

    assert look(airflow, Tasks(dag_ids=[])) == ()
    assert not airflow.looked


def test_a_hold_of_no_dag_is_drained_at_once() -> None:
    airflow = Airflow([task("load")])

    done = drained(airflow, tasks=Tasks(dag_ids=[]))

    assert not done.unfinished
    assert not airflow.clock.naps


def test_progress_is_told_when_it_changes_and_else_every_quarter_of_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    airflow = Airflow([task("load"), task("mail")], [task("load")])

    with caplog.at_level(logging.INFO, logger="fermata.drain"):
        drained(airflow, deadline=60.0)

    assert "waiting for 2 task(s), 0.0s of 1m: etl.load" in caplog.messages[0]
    assert "waiting for 1 task(s)" in caplog.messages[1]
    assert 4 <= len(caplog.messages) <= 7
